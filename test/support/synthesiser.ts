import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** Where the synthesiser of a run listens, for the workers. */
export const synthesiserVariable = 'P2P_TEST_SYNTHESISER';

/** Makes templates of stages, in a process of its own. */
export interface Synthesiser {
  readonly url: string;
  readonly close: () => Promise<void>;
}

export const startSynthesiser = async (): Promise<Synthesiser> => {
  const child = fork(join(import.meta.dirname, 'synth-server.ts'), {
    execArgv: [],
    // A loader that a test runner needs is none of its business.
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const [port] = (await once(child, 'message')) as [number];
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
};
