import { parseScopes } from '../../functions/shared/scopes/scopes.ts';
import type { Grant } from '../../functions/shared/store/grant-item.ts';

/** A grant as the callback stores it. */
export type NewGrant = Grant & Required<Pick<Grant, 'wrappedKey' | 'linkKey'>>;

/** A grant of demo-app at northwind that lives for an hour from `now`, epoch seconds. Nothing in it can be unsealed. */
export const livingGrant = (now: number, change: Partial<NewGrant> & Pick<Grant, 'grantId'>): NewGrant => ({
  payer: 'northwind',
  partner: 'demo-app',
  scope: parseScopes('patient/*.rs'),
  patient: 'patient-1',
  refreshable: true,
  endsAt: now + 3600,
  expiresAt: now + 3600,
  codeHash: 'x',
  codeExpiresAt: now + 60,
  redirectUri: 'https://partner.example/',
  wrappedKey: new Uint8Array(1),
  linkKey: new Uint8Array(32),
  sealedPayerTokens: new Uint8Array(1),
  payerVersion: 1,
  ...change,
});
