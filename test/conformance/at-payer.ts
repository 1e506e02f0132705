import { openPayer } from '../support/login/over-http.ts';
import type { WorldTarget } from './target.ts';

/** The issuer that a payer sends as `iss`. */
export const issuerOf = ({ payers }: WorldTarget, payer = 'clear-health'): string => `${payers.origin}/${payer}`;

/** How many times a payer was sent a code. */
export const codeCalls = ({ payers }: WorldTarget, payer = 'clear-health'): number =>
  payers.requests(payer, 'token').filter(({ form }) => form.get('grant_type') === 'authorization_code').length;

/** What a payer's redirect contains after a member has signed in. */
export const broughtBack = async ({ payerUrl }: { readonly payerUrl: URL }): Promise<Record<string, string>> =>
  Object.fromEntries((await openPayer(payerUrl)).searchParams);
