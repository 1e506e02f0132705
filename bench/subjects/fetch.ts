import { startFloor, type Remake } from '../recording.ts';
import { reading } from '../requests.ts';
import { requestStep } from './request-step.ts';

/** The calls of a 2 KB read: the grant, two audit events, the payer. */
export const readCalls = ['GetItem', 'PutItem', 'PutItem', 'payer'];

export const remakeRead: Remake = async (replay, { calls: [read, open, end], payerCalls: [call] }) => {
  await replay.send(read);
  await Promise.all([replay.send(open), replay.callPayer(call)]);
  await replay.send(end);
};

export const fetch2Kb = requestStep({
  name: 'fetch',
  what: 'a Patient of 2 KB',
  requests: reading,
  floor: { name: 'GetItem, PutItem beside a bare fetch, PutItem', calls: readCalls, remake: remakeRead },
  peers: {
    'http-proxy with the same calls': async (world) => {
      const { proxyGet } = await import('../peers/http-proxy.ts');
      return startFloor(world, reading, readCalls, async (replay, { calls: [read, open, end], payerCalls: [call] }) => {
        await replay.send(read);
        await Promise.all([replay.send(open), proxyGet(call)]);
        await replay.send(end);
      });
    },
  },
  limit: 1.25,
  aim: 1.15,
});
