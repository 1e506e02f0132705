import { floors } from '../floors.ts';
import { authorizing } from '../requests.ts';
import { requestStep } from './request-step.ts';

export const authorize = requestStep({
  name: 'authorize',
  what: 'from the partner to the payer',
  requests: authorizing,
  floor: floors.authorize,
  peers: {
    grant: async (world) => (await import('../peers/grant.ts')).grantAuthorize(world),
    openauth: async (world) => (await import('../peers/openauth.ts')).openauthAuthorize(world),
  },
});
