import { floors } from '../floors.ts';
import { startFloor } from '../recording.ts';
import { reading } from '../requests.ts';
import { requestStep } from './request-step.ts';

export const fetch2Kb = requestStep({
  name: 'fetch',
  what: 'a Patient of 2 KB',
  requests: reading,
  floor: floors.fetch,
  peers: {
    'http-proxy with the same calls': async (world) => {
      const { proxyGet } = await import('../peers/http-proxy.ts');
      return startFloor(world, reading, floors.fetch, { toPayer: proxyGet });
    },
  },
  limit: 1.25,
  aim: 1.15,
});
