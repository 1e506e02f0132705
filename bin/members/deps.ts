import type { Output } from '../shared/output.ts';
import type { Wait } from '../shared/patience.ts';
import type { Terminal } from '../shared/progress.ts';

/** What the tool needs that tests replace. */
export interface MembersToolDeps {
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly environment: NodeJS.ProcessEnv;
  readonly output: Pick<Output, 'out' | 'note'>;
  /** Asks a person; undefined if nobody is at a terminal. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  /** Reads all that is piped in. */
  readonly readText: () => Promise<string>;
  readonly wait: Wait;
  /** Draws how far a long command is. @default none */
  readonly terminal: Terminal | undefined;
}
