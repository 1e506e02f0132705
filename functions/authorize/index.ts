import { requireEnvironment } from '../shared/deps.ts';
import { readPageSettings } from '../shared/pages/settings.ts';
import { realDeps } from '../shared/real-deps.ts';
import { authorizeHandler } from './handler.ts';

const { client, ...deps } = realDeps();

export const handler = authorizeHandler({
  ...deps,
  pages: readPageSettings(),
  loginAttempts: { client, name: requireEnvironment('LOGIN_ATTEMPTS_TABLE') },
});
