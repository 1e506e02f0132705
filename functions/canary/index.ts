import { realDeps } from '../shared/deps.ts';
import { canaryHandler } from './handler.ts';

const { payerHttp: http, ...deps } = realDeps();

export const handler = canaryHandler({ ...deps, http });
