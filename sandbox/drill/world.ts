import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { region } from '../aws/intrinsics.ts';
import { startLocalStack, type LocalStack } from '../stack.ts';

/** How a command of the operator ended. */
export interface Ended {
  readonly command: string;
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  readonly ms: number;
}

/** The stack of a drill, and an operator's ways to it. */
export interface World {
  readonly stack: LocalStack;
  readonly dynamo: DynamoDBClient;
  /** Runs a command of `bin/` as an operator does, in a process of its own. */
  readonly operate: (tool: string, ...args: readonly string[]) => Promise<Ended>;
  /** The same, killed as soon as it has printed something. */
  readonly operateAndKill: (tool: string, ...args: readonly string[]) => Promise<Ended>;
  readonly close: () => Promise<void>;
}

const root = join(import.meta.dirname, '../..');

const runner =
  (awsEndpoint: string, isKilled: boolean) =>
  async (tool: string, ...args: readonly string[]): Promise<Ended> => {
    const beganAt = performance.now();
    const env = { PATH: process.env['PATH'], AWS_ENDPOINT_URL: awsEndpoint };
    const child = spawn(process.execPath, [join(root, 'bin', `${tool}.ts`), '--stage', 'local', ...args], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (isKilled) child.stdout.once('data', () => child.kill('SIGKILL'));
    const ended = new Promise<number | null>((resolve) => {
      child.on('close', resolve);
    });
    const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    const command = `npm run ${tool} -- ${args.map((arg) => (/\s/.test(arg) ? JSON.stringify(arg) : arg)).join(' ')}`;
    return { command, code, out, err, ms: Math.round(performance.now() - beganAt) };
  };

/** Starts a local stack on free ports. */
export const startWorld = async (signal: AbortSignal): Promise<World> => {
  const stack = await startLocalStack({ ports: 'free', signal });
  const credentials = { accessKeyId: 'drill', secretAccessKey: 'local' };
  const dynamo = new DynamoDBClient({ endpoint: stack.urls.aws, region, credentials });
  return {
    stack,
    dynamo,
    operate: runner(stack.urls.aws, false),
    operateAndKill: runner(stack.urls.aws, true),
    close: async () => {
      dynamo.destroy();
      await stack.close();
    },
  };
};
