import { floors } from '../floors.ts';
import { redeeming } from '../requests.ts';
import { requestStep } from './request-step.ts';

export const token = requestStep({
  name: 'token',
  what: 'the code for a pair of tokens',
  requests: redeeming,
  floor: floors.token,
  peers: { openauth: async (world) => (await import('../peers/openauth.ts')).openauthToken(world) },
});
