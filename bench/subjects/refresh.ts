import { floors } from '../floors.ts';
import { refreshing } from '../requests.ts';
import { requestStep } from './request-step.ts';

export const refresh = requestStep({
  name: 'refresh',
  what: 'a refresh token for the next pair',
  requests: refreshing,
  floor: floors.refresh,
  peers: { openauth: async (world) => (await import('../peers/openauth.ts')).openauthRefresh(world) },
});
