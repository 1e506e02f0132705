import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { buildSync } from 'esbuild';

const root = join(import.meta.dirname, '..', '..');

/** The last commit of version 0.1, which has no tag. */
const commit = '2b1dc6dbc12f25f46670fe07ea630dae16591c6a';

/** What a test uses of version 0.1. Its types are not compiled with today's. */
export interface Version01 {
  readonly authorizeHandler: (deps: object) => unknown;
  readonly callbackHandler: (deps: object) => unknown;
  readonly tokenHandler: (deps: object) => unknown;
  readonly fetchHandler: (deps: object) => unknown;
  readonly auditHandler: (deps: object) => (event: object) => Promise<void>;
  readonly rateLimiter: (clock: object) => unknown;
  readonly readEventWriter: (table: object, clock: object) => object;
  readonly registryOf: (data: object) => object;
  readonly localStage: () => {
    readonly stage: string;
    readonly lifetimes: Readonly<Record<string, number>>;
    readonly payers: readonly object[];
    readonly partners: readonly { readonly clientId: string }[];
  };
  /** The client of the SDK that is in the bundle. */
  readonly DynamoDBClient: typeof DynamoDBClient;
}

const exported = `
export { authorizeHandler } from './functions/authorize/handler.ts';
export { callbackHandler } from './functions/callback/handler.ts';
export { tokenHandler } from './functions/token/handler.ts';
export { fetchHandler } from './functions/fetch/handler.ts';
export { auditHandler } from './functions/audit/handler.ts';
export { rateLimiter } from './functions/fetch/rate-limit.ts';
export { readEventWriter } from './functions/fetch/write-read-event.ts';
export { registryOf } from './functions/shared/registry/registry.ts';
export { localStage } from './config/local.ts';
export { DynamoDBClient } from '@aws-sdk/client-dynamodb';
`;

const git = (args: readonly string[]): Buffer =>
  execFileSync('git', ['-C', root, ...args], { maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] });

/** @throws Error that says how to get the commit */
const sourceOfVersion01 = (): Buffer => {
  try {
    return git(['archive', commit, 'functions', 'config']);
  } catch {
    throw new Error(
      `The commit of version 0.1, ${commit}, is not in this clone. Run "git fetch --unshallow"; in CI check out with fetch-depth: 0.`,
    );
  }
};

/**
 * Builds version 0.1's functions from their commit, with the packages of today.
 * @throws Error if this clone does not have that commit
 */
export const loadVersion01 = (): Version01 => {
  const folder = mkdtempSync(join(tmpdir(), 'version-0.1-'));
  try {
    execFileSync('tar', ['-x', '-C', folder], { input: sourceOfVersion01() });
    const outfile = join(folder, 'index.cjs');
    buildSync({
      stdin: { contents: exported, resolveDir: folder, loader: 'ts' },
      outfile,
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'cjs',
      mainFields: ['module', 'main'],
      nodePaths: [join(root, 'node_modules')],
      // Of its own files, only the configuration's loader asks where it is, and nothing here calls that.
      logLevel: 'error',
    });
    return createRequire(import.meta.url)(outfile) as Version01;
  } finally {
    rmSync(folder, { recursive: true });
  }
};
