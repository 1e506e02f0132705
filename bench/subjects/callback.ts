import { returning } from '../requests.ts';
import { requestStep } from './request-step.ts';

export const callback = requestStep({
  name: 'callback',
  what: 'from the payer back to the partner',
  requests: returning,
  floor: {
    name: 'UpdateItem, token call, PutItem',
    calls: ['UpdateItem', 'PutItem', 'payer'],
    remake: async (replay, { calls: [consume, put], payerCalls: [exchange] }) => {
      await replay.send(consume);
      await replay.callPayer(exchange);
      await replay.send(put);
    },
  },
  peers: {
    grant: async (world) => (await import('../peers/grant.ts')).grantCallback(world),
    openauth: async (world) => (await import('../peers/openauth.ts')).openauthCallback(world),
  },
});
