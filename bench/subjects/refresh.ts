import { refreshing } from '../requests.ts';
import { readThenWrite, requestStep } from './request-step.ts';

export const refresh = requestStep({
  name: 'refresh',
  what: 'a refresh token for the next pair',
  requests: refreshing,
  floor: readThenWrite,
  peers: { openauth: async (world) => (await import('../peers/openauth.ts')).openauthRefresh(world) },
});
