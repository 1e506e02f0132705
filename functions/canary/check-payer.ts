import { causeOf, GatewayError } from '../shared/errors.ts';
import type { DirectoryEntry } from '../shared/registry/entry-items.ts';
import { isPayerPaused } from '../shared/registry/require-payer.ts';
import type { Partner, Payer } from '../shared/registry/types.ts';
import { Finding, timeoutMs, type CanaryDeps } from './ask.ts';
import { checkEndpoints, type Checked } from './check-endpoints.ts';
import { authorize, discover, signInUrl } from './check-facade.ts';

/** Discovery, authorize, the payer's endpoints side by side, and its FHIR API again if that is silent. */
export const longestCheckMs = 4 * timeoutMs;

/** What a check found. A payer is gone if its entry was removed since the directory was read. */
export type Result = Checked | 'paused' | 'gone';

const well: Checked = { findings: [], breakerOpened: false };

/** A partner to ask our authorize as, or undefined if it is blocked. */
const findPartner = async ({ registry }: CanaryDeps, clientId: string): Promise<Partner | undefined> => {
  try {
    return await registry.partner(clientId, { isListed: true });
  } catch (error) {
    if (error instanceof GatewayError && error.stop === 'block') return undefined;
    throw error;
  }
};

const signInOf = async (
  deps: CanaryDeps,
  payer: Payer,
  partner: string,
  { facade }: { readonly facade: boolean },
): Promise<string> => {
  if (!facade) return signInUrl(deps, payer);
  const endpoint = await discover(deps, payer);
  const asked = await findPartner(deps, partner);
  return asked === undefined ? signInUrl(deps, payer) : authorize(deps, payer, asked, endpoint);
};

/**
 * Follows a login as far as possible without a member: with `facade` our own discovery and authorize, and then the
 * payer's sign-in page. It also calls the endpoints of the payer that a login and a read need. Of a payer that no
 * partner may read from, it checks discovery only. Never throws.
 */
export const checkPayer = async (
  deps: CanaryDeps,
  { id, partner }: DirectoryEntry,
  options: { readonly facade: boolean },
): Promise<Result> => {
  try {
    const payer = await deps.registry.payer(id, { evenIfPaused: true, isListed: true });
    if (payer === undefined) return 'gone';
    if (await isPayerPaused(deps.registry, id)) return 'paused';
    if (partner === undefined) {
      if (options.facade) await discover(deps, payer);
      return well;
    }
    return await checkEndpoints(deps, payer, await signInOf(deps, payer, partner, options));
  } catch (error) {
    return { findings: [findingOf(error)], breakerOpened: false };
  }
};

const findingOf = (error: unknown): string => {
  if (error instanceof Finding) return error.message;
  return error instanceof GatewayError && error.detail !== undefined ? error.detail : causeOf(error);
};
