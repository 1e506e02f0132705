import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { publishedPublicKey } from '../../config/examples.ts';
import type { AppKey } from '../partner/present-identity.ts';

/** The demo partner's key at the gateway of stage `local`. It is public, like all secrets of that stage. */
export const demoPartnerKey = (): AppKey => ({
  privateKey: readFileSync(join(import.meta.dirname, '../../docs/examples/demo-partner-key.pem'), 'utf8'),
  kid: publishedPublicKey.kid,
});
