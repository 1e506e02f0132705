import { rights } from './operations-rights.ts';
import { secrets } from './operations-secrets.ts';
import { stops } from './operations-stops.ts';
import { store, storeFaults } from './operations-store.ts';
import type { Group } from './requirement.ts';

/** What stands behind the endpoints. */
export const operationsGroup: Group = {
  endpoint: 'store, secrets and rights',
  requirements: [...store, ...storeFaults, ...secrets, ...stops, ...rights],
};
