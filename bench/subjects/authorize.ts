import { authorizing } from '../requests.ts';
import { requestStep } from './request-step.ts';

export const authorize = requestStep({
  name: 'authorize',
  what: 'from the partner to the payer',
  requests: authorizing,
  floor: {
    name: 'one conditional PutItem',
    calls: ['PutItem'],
    remake: (replay, { calls: [put] }) => replay.send(put),
  },
  peers: {
    grant: async (world) => (await import('../peers/grant.ts')).grantAuthorize(world),
    openauth: async (world) => (await import('../peers/openauth.ts')).openauthAuthorize(world),
  },
});
