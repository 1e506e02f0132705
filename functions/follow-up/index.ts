import { LambdaClient } from '@aws-sdk/client-lambda';
import { awsLimits } from '../shared/aws/aws-limits.ts';
import { realRegistryDeps } from '../shared/deps.ts';
import { requireEnvironment } from '../shared/environment.ts';
import { followUpHandler } from './handler.ts';

const deps = realRegistryDeps();

export const handler = followUpHandler({
  ...deps,
  stage: deps.registry.stage,
  lambda: new LambdaClient(awsLimits({ maxAttempts: 3, requestMs: 5000 })),
  exports: { client: deps.client, name: requireEnvironment('EXPORTS_TABLE') },
  functions: {
    exportJob: requireEnvironment('EXPORT_JOB'),
    sweep: requireEnvironment('SWEEP'),
    deliver: requireEnvironment('DELIVER'),
  },
});
