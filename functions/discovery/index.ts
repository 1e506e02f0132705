import { realDeps } from '../shared/real-deps.ts';
import { discovery } from './discovery.ts';

const { client: _, ...deps } = realDeps();

export const handler = discovery(deps);
