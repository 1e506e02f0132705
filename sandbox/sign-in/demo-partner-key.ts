import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { publishedPlanKey, publishedPublicKey } from '../../config/examples.ts';
import type { PublicJwk } from '../../functions/shared/registry/types.ts';
import type { AppKey } from '../partner/present-identity.ts';

const keyIn = (file: string, { kid }: PublicJwk): AppKey => ({
  privateKey: readFileSync(join(import.meta.dirname, '../../docs/examples', file), 'utf8'),
  kid,
});

/** The demo partner's private key for the stage `local`. It is published, like all secrets of that stage. */
export const demoPartnerKey = (): AppKey => keyIn('demo-partner-key.pem', publishedPublicKey);

/** The new plan's key there. It is public as well. */
export const newPlanKey = (): AppKey => keyIn('new-plan-key.pem', publishedPlanKey);
