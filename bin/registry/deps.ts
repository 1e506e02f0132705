import type { Git } from '../shared/git.ts';
import type { Output } from '../shared/output.ts';
import type { Wait } from '../shared/patience.ts';
import type { Terminal } from '../shared/progress.ts';

/** What the tool needs that tests replace. */
export interface RegistryToolDeps {
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly environment: NodeJS.ProcessEnv;
  readonly output: Pick<Output, 'out' | 'note'>;
  readonly git: Git;
  /** Asks the person at the terminal; undefined without one. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  /** Where progress is drawn; undefined without a terminal. */
  readonly terminal: Terminal | undefined;
  /** @default real time */
  readonly wait?: Wait;
}
