import { createServer, type ServerResponse } from 'node:http';
import { close, listen } from '../../sandbox/aws/listen.ts';

/** A server that answers no one until it is told to: another process waits for it. */
export interface Hold {
  readonly url: string;
  /** Waits until this many calls are held. */
  readonly until: (count: number) => Promise<void>;
  /** Releases the call that has waited longest. */
  readonly release: () => void;
  readonly close: () => Promise<void>;
}

export const startHold = async (): Promise<Hold> => {
  const held: ServerResponse[] = [];
  let arrived = (): void => undefined;
  const server = createServer((_request, response) => {
    held.push(response);
    arrived();
  });
  const port = await listen(server, 0, '127.0.0.1');
  return {
    url: `http://127.0.0.1:${port}`,
    until: async (count) => {
      while (held.length < count) await new Promise<void>((resolve) => (arrived = resolve));
    },
    release: () => void held.shift()?.end('go on'),
    close: () => close(server),
  };
};
