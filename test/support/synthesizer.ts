import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** Where a run's synthesizer listens, for the workers. */
export const synthesizerVariable = 'P2P_TEST_SYNTHESISER';

/** Makes templates of stages in its own process. */
export interface Synthesizer {
  readonly url: string;
  readonly close: () => Promise<void>;
}

export const startSynthesizer = async (): Promise<Synthesizer> => {
  const child = fork(join(import.meta.dirname, 'synth-server.ts'), {
    execArgv: [],
    // It does not need the test runner's loader.
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
