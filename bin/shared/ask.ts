import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';

/** Asks a person at the terminal; the question goes to stderr, so that a pipe carries no question. */
export const ask = async (question: string): Promise<string> => {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await lines.question(question)).trim();
  } finally {
    lines.close();
  }
};

/** Whether a person is at the terminal, who can be asked. */
export const canAsk = (): boolean => process.stdin.isTTY;

/**
 * A secret: typed at the terminal, where it is not shown, or all of what is piped in. It is in no argument, so that no
 * shell's history and no list of processes has it.
 */
export const readSecret = async (question: string): Promise<string> => {
  if (!canAsk()) return text(process.stdin);
  process.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await lines.question('');
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
};
