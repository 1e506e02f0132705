import { floors } from '../floors.ts';
import { returning } from '../requests.ts';
import { requestStep } from './request-step.ts';

export const callback = requestStep({
  name: 'callback',
  what: 'from the payer back to the partner',
  requests: returning,
  floor: floors.callback,
  peers: {
    grant: async (world) => (await import('../peers/grant.ts')).grantCallback(world),
    openauth: async (world) => (await import('../peers/openauth.ts')).openauthCallback(world),
  },
});
