import { refreshing } from '../requests.ts';
import { requestStep } from './request-step.ts';

export const refresh = requestStep({
  name: 'refresh',
  what: 'a refresh token for the next pair',
  requests: refreshing,
  floor: {
    name: 'GetItem, conditional UpdateItem',
    calls: ['GetItem', 'UpdateItem'],
    remake: async (replay, { calls: [read, write] }) => {
      await replay.send(read);
      await replay.send(write);
    },
  },
  peers: { openauth: async (world) => (await import('../peers/openauth.ts')).openauthRefresh(world) },
  limit: 1.25,
  aim: 1.1,
});
