/** The least that any code must do for a request: its calls to AWS and to the payer. */
import type { Counted, Remake } from './recording.ts';
import type { RequestName } from './requests.ts';

export interface Floor extends Counted {
  readonly name: string;
  /** The commands of one request, and `payer` for a call to the payer. */
  readonly calls: readonly string[];
  readonly remake: Remake;
}

const readThenWrite: Floor = {
  name: 'GetItem, conditional UpdateItem',
  calls: ['GetItem', 'UpdateItem'],
  remake: async (replay, { calls: [read, write] }) => {
    await replay.send(read);
    await replay.send(write);
  },
};

export const floors: Readonly<Record<RequestName, Floor>> = {
  authorize: {
    name: 'one conditional PutItem',
    calls: ['PutItem'],
    remake: (replay, { calls: [put] }) => replay.send(put),
  },
  callback: {
    name: 'UpdateItem, token call, PutItem',
    calls: ['UpdateItem', 'PutItem', 'payer'],
    remake: async (replay, { calls: [consume, put], payerCalls: [exchange] }) => {
      await replay.send(consume);
      await replay.callPayer(exchange);
      await replay.send(put);
    },
  },
  token: readThenWrite,
  refresh: readThenWrite,
  /** The grant, two audit events, the payer. */
  fetch: {
    name: 'GetItem, PutItem beside a bare fetch, PutItem',
    calls: ['GetItem', 'PutItem', 'PutItem', 'payer'],
    remake: async (replay, { calls: [read, open, end], payerCalls: [call] }) => {
      await replay.send(read);
      await Promise.all([replay.send(open), replay.callPayer(call)]);
      await replay.send(end);
    },
  },
};
