import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { registry } from '../../bin/registry/registry.ts';
import type { Git } from '../../bin/shared/git.ts';
import { readAll } from '../../bin/shared/registry-table.ts';
import { localStage } from '../../config/local.ts';
import type { StageConfig } from '../../config/stage.ts';
import { startMs } from '../support/gateway.ts';
import { exchangesTable, listening, tableOf, toolStage } from './tool-stage.ts';

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
  const base = await toolStage([tableOf('Registry'), tableOf('Grants'), exchangesTable]);
  const { aws, client, registry: registryTable, fill } = base;
  const folder = await mkdtemp(join(tmpdir(), 'registry-'));
  const file = join(folder, 'stage.json');

  const write = (stage: object): Promise<void> => writeFile(file, JSON.stringify(stage));

  const run = async (command: string, args: readonly string[] = [], options: RunOptions = {}) => {
    const { git = noGit, answers, nowMs = startMs } = options;
    const { out, told, asked, output, ask } = listening(answers);
    const drawn: string[] = [];
    let ticks = 0;
    const code = await registry([command, '--config', file, ...args], {
      // A millisecond a look, so that progress is drawn.
      now: () => nowMs + ticks++,
      environment: { AWS_ENDPOINT_URL: aws.url },
      output,
      git,
      ask,
      terminal: answers && { write: (text) => drawn.push(text), columns: 100 },
      wait: async () => {},
    });
    return { code, out: out.join('\n'), told: told.join('\n'), asked, drawn: drawn.join('') };
  };

  return {
    client,
    grants: base.table('Grants'),
    exchanges: base.table('Exchanges'),
    table: registryTable,
    file,
    write,
    fill,
    run,
    apply: (...args: string[]) => run('apply', ['--reason', 'Ticket 4711', ...args]),
    read: () => readAll(registryTable),
    close: async () => {
      await base.close();
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
