import { redeeming } from '../requests.ts';
import { requestStep } from './request-step.ts';

export const token = requestStep({
  name: 'token',
  what: 'the code for a pair of tokens',
  requests: redeeming,
  floor: {
    name: 'GetItem, conditional UpdateItem',
    calls: ['GetItem', 'UpdateItem'],
    remake: async (replay, { calls: [read, write] }) => {
      await replay.send(read);
      await replay.send(write);
    },
  },
  peers: { openauth: async (world) => (await import('../peers/openauth.ts')).openauthToken(world) },
  limit: 1.25,
  aim: 1.1,
});
