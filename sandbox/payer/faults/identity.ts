import { editTokens } from './change-answers.ts';
import type { Asked, Fault } from './fault.ts';

const isIdentity = ({ grantType }: Asked): boolean => grantType === 'client_credentials';
const noExport = 'There is no grant, so there is no export.';

/** Faults of a token endpoint that takes identity tokens. Those without an action here act in its checks. */
export const identityFaults: readonly Fault[] = [
  {
    name: 'identity-no-match',
    does: 'Nobody is found for an identity token: 401, in Blue Button’s words.',
    partnerSees: '`invalid_grant`: the payer finds no single member. Let the member sign in at the payer.',
    exportGives: noExport,
    when: isIdentity,
  },
  {
    name: 'identity-two-matches',
    does: 'Two members are found for an identity token: the same 401.',
    partnerSees: 'The same as with `identity-no-match`.',
    exportGives: noExport,
    when: isIdentity,
  },
  {
    name: 'identity-consent-expired',
    does: 'The member’s consent is too old for the payer: 400 `consent_expired`.',
    partnerSees: 'An error. The identity token is spent: let the member agree and identify again.',
    exportGives: noExport,
    when: isIdentity,
  },
  {
    name: 'identity-stale-key',
    does: 'The payer has not read the gateway’s new key yet: 400 `Bad request`.',
    partnerSees: 'An error, never that nobody was found. The identity token is spent.',
    exportGives: noExport,
    when: isIdentity,
  },
  {
    name: 'identity-slow-clock',
    does: 'The payer’s clock is ten minutes slow, so every token is from its future: 400 `Bad request`.',
    partnerSees: 'As with `identity-stale-key`.',
    exportGives: noExport,
    when: isIdentity,
  },
  {
    name: 'identity-odd-answer',
    does: 'The token answer for an identity has `"expires_in": "1800"`, `"token_type": "bearer"` and members that nobody asked for.',
    partnerSees: 'Nothing: your own token answer is as always.',
    exportGives: 'The whole record.',
    when: isIdentity,
    edit: editTokens((answer) => {
      Object.assign(answer, { expires_in: '1800', token_type: 'bearer', access_grant_expiration: '', id_token: null });
    }),
  },
];
