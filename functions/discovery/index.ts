import { realDeps } from '../shared/deps.ts';
import { discovery } from './discovery.ts';

export const handler = discovery(realDeps());
