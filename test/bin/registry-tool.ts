import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { registry } from '../../bin/registry/registry.ts';
import type { Git } from '../../bin/shared/git.ts';
import { readAll, type RegistryTable } from '../../bin/shared/registry-table.ts';
import { writeEntry } from '../../bin/shared/registry-writes.ts';
import { registryData } from '../../config/load.ts';
import { localStage } from '../../config/local.ts';
import type { StageConfig } from '../../config/stage.ts';
import { entriesOf } from '../../functions/shared/registry/entry-items.ts';
import { startAws } from '../../sandbox/aws/aws.ts';
import { startMs } from '../support/gateway.ts';

const names = { registry: 'p2p-gateway-local-TablesRegistry1', grants: 'p2p-gateway-local-TablesGrants1' };

export const operator = 'arn:aws:iam::000000000000:user/operator';

/** No git on this machine. */
const noGit: Git = async () => ({ code: -1, out: '' });

/** How a test changes the way the tool is run. */
export interface RunOptions {
  readonly git?: Git;
  /** Answers of the person at the terminal, in order, or what gives one. @default no terminal */
  readonly answers?: readonly (string | (() => Promise<string>))[];
  readonly nowMs?: number;
}

/** Stage local in a file, its tables in a stand-in for AWS, and the tool. */
export const registryTool = async () => {
  const aws = await startAws(0);
  const table = (name: string, key: string) => ({
    name,
    physicalName: name,
    keySchema: [{ AttributeName: key, KeyType: 'HASH' as const }],
    attributeDefinitions: [{ AttributeName: key, AttributeType: 'S' as const }],
  });
  await aws.dynamoDb.createTables([table(names.registry, 'entryId'), table(names.grants, 'grantId')], () => {});
  const credentials = { accessKeyId: 'test', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint: aws.url, region: 'us-east-1', credentials });
  const folder = await mkdtemp(join(tmpdir(), 'registry-'));
  const file = join(folder, 'stage.json');
  const registryTable: RegistryTable = { client, name: names.registry, wait: async () => {} };

  const write = (stage: object): Promise<void> => writeFile(file, JSON.stringify(stage));

  /** Fills the table as the first deployment does. */
  const fill = async (stage: StageConfig = localStage()): Promise<void> => {
    const first = { changedAt: startMs / 1000 - 3600, changedBy: 'arn:first', reason: 'first deployment' };
    for (const [entryId, entry] of entriesOf(registryData(stage))) {
      await writeEntry(registryTable, entryId, undefined, entry, first);
    }
  };

  const run = async (command: string, args: readonly string[] = [], options: RunOptions = {}) => {
    const { git = noGit, answers, nowMs = startMs } = options;
    const out: string[] = [];
    const told: string[] = [];
    const drawn: string[] = [];
    const asked: string[] = [];
    const left = [...(answers ?? [])];
    let ticks = 0;
    const code = await registry([command, '--config', file, ...args], {
      // A millisecond a look, so that progress is drawn.
      now: () => nowMs + ticks++,
      environment: { AWS_ENDPOINT_URL: aws.url },
      output: { out: (text) => out.push(text), note: (text) => told.push(text) },
      http: () => Promise.reject(new Error('no payer in this test')),
      git,
      ask:
        answers &&
        (async (question) => {
          asked.push(question);
          const next = left.shift() ?? '';
          return typeof next === 'string' ? next : next();
        }),
      terminal: answers && { write: (text) => drawn.push(text), columns: 100 },
      wait: async () => {},
    });
    return { code, out: out.join('\n'), told: told.join('\n'), asked, drawn: drawn.join('') };
  };

  return {
    client,
    grants: { client, name: names.grants },
    table: registryTable,
    file,
    write,
    fill,
    run,
    apply: (...args: string[]) => run('apply', ['--reason', 'Ticket 4711', ...args]),
    read: () => readAll(registryTable),
    close: async () => {
      client.destroy();
      await aws.close();
      await rm(folder, { recursive: true });
    },
  };
};

export type RegistryTool = Awaited<ReturnType<typeof registryTool>>;

/** A stage with one of its payers or partners changed; `undefined` removes it. */
export const withEntry = (
  kind: 'payers' | 'partners',
  id: string,
  change: object | undefined,
  stage: StageConfig = localStage(),
): StageConfig => ({
  ...stage,
  [kind]: stage[kind].flatMap((entry): object[] => {
    if (('clientId' in entry && kind === 'partners' ? entry.clientId : (entry as { id?: string }).id) !== id)
      return [entry];
    return change === undefined ? [] : [{ ...entry, ...change }];
  }),
});
