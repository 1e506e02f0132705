import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { awsLimits } from '../shared/aws/aws-limits.ts';
import { requireEnvironment } from '../shared/environment.ts';
import type { RegistryData } from '../shared/registry/types.ts';
import { fillRegistryHandler } from './handler.ts';
import { putText } from './put-text.ts';

export const handler = fillRegistryHandler({
  clock: { now: () => Date.now(), monotonic: () => performance.now() },
  random: Math.random,
  wait: (ms) => wait(ms),
  put: putText,
  open: () => ({
    // The function repeats calls itself: the SDK gives up when many are throttled.
    table: {
      client: new DynamoDBClient(awsLimits({ maxAttempts: 1, requestMs: 5000 })),
      name: requireEnvironment('REGISTRY_TABLE'),
    },
    registry: JSON.parse(
      readFileSync(join(requireEnvironment('LAMBDA_TASK_ROOT'), 'registry.json'), 'utf8'),
    ) as RegistryData,
  }),
  writeLog: (line) => process.stdout.write(`${line}\n`),
});
