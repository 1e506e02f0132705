import { redeeming } from '../requests.ts';
import { readThenWrite, requestStep } from './request-step.ts';

export const token = requestStep({
  name: 'token',
  what: 'the code for a pair of tokens',
  requests: redeeming,
  floor: readThenWrite,
  peers: { openauth: async (world) => (await import('../peers/openauth.ts')).openauthToken(world) },
});
