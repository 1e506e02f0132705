import { realDeps } from '../shared/deps.ts';
import { requireEnvironment } from '../shared/environment.ts';
import { readPageSettings } from '../shared/pages/settings.ts';
import { authorizeHandler } from './handler.ts';

const { client, ...deps } = realDeps();

export const handler = authorizeHandler({
  ...deps,
  pages: readPageSettings(),
  loginAttempts: { client, name: requireEnvironment('LOGIN_ATTEMPTS_TABLE') },
});
