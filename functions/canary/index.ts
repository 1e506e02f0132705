import { realDeps } from '../shared/real-deps.ts';
import { canaryHandler } from './handler.ts';

const { payerHttp: http, client: _, ...deps } = realDeps();

export const handler = canaryHandler({ ...deps, http });
