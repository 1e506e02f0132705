import { setTimeout as after } from 'node:timers/promises';
import { realDeps } from '../shared/deps.ts';
import { requireEnvironment } from '../shared/environment.ts';
import { readPageSettings } from '../shared/pages/settings.ts';
import { connectionsHandler } from './handler.ts';

const { client, ...deps } = realDeps();

export const handler = connectionsHandler({
  ...deps,
  pages: readPageSettings(),
  loginAttempts: { client, name: requireEnvironment('LOGIN_ATTEMPTS_TABLE') },
  grants: { client, name: requireEnvironment('GRANTS_TABLE') },
  exports: { client, name: requireEnvironment('EXPORTS_TABLE') },
  sleep: (ms) => after(ms),
});
