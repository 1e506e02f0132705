import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** Where a run's synthesizer listens, for the workers. */
export const synthesizerVariable = 'P2P_TEST_SYNTHESISER';

/** A process that a whole run asks over HTTP. */
export interface Server {
  readonly url: string;
  readonly close: () => Promise<void>;
}

const startServer = async (file: string): Promise<Server> => {
  const child = fork(join(import.meta.dirname, file), {
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

/** Makes templates of stages in its own process. */
export const startSynthesizer = (): Promise<Server> => startServer('synth-server.ts');

/** Runs the CDK's app for local stacks. */
export const startAppServer = (): Promise<Server> => startServer('app-server.ts');
