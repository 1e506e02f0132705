import type { StageConfig } from '../../config/stage.ts';
import type { Partner, Payer } from '../../functions/shared/registry/types.ts';

/** An entry for a file, and the fields whose reason has to be written by hand. */
export interface Reasoned<Entry> {
  readonly entry: Entry;
  /** By the path of the field that needs a reason: the field for it. */
  readonly missing: ReadonlyMap<string, string>;
}

/** A field that needs a reason now. */
interface Need {
  /** The path of the exception, such as `quirks.pkce`. */
  readonly at: string;
  readonly field: string;
  readonly reason: string | undefined;
}

const missingOf = (needs: readonly Need[]): ReadonlyMap<string, string> =>
  new Map(needs.filter(({ reason }) => reason === undefined).map(({ at, field }) => [at, field]));

/** The reasons that were found, by their field. */
const foundIn = (needs: readonly Need[]): Readonly<Record<string, string>> =>
  Object.fromEntries(needs.flatMap(({ field, reason }) => (reason === undefined ? [] : [[field, reason]])));

/*
 * Functions need no reasons, so the table has none. What the file says is kept as long as the exception that it explains
 * is in the table.
 */

/** A payer of the table with the reasons of the file. @param config the stage that will check them */
export const reasonedPayer = (
  payer: Payer,
  { production, payers }: Pick<StageConfig, 'production' | 'payers'>,
): Reasoned<Payer> => {
  const written = payers.find(({ id }) => id === payer.id);
  const isUnbound = payer.patientFrom === 'none';
  const pkce = { at: 'quirks.pkce', field: 'pkceOffReason', reason: written?.quirks.pkceOffReason };
  const unbound = { at: 'patientFrom', field: 'patientNoneReason', reason: written?.patientNoneReason };
  const quirkNeeds = payer.quirks.pkce ? [] : [pkce];
  const needs = isUnbound ? [unbound] : [];
  return {
    entry: { ...payer, ...foundIn(needs), quirks: { ...payer.quirks, ...foundIn(quirkNeeds) } },
    missing: production ? missingOf([...needs, ...quirkNeeds]) : new Map(),
  };
};

/** The same for a partner. */
export const reasonedPartner = (
  partner: Partner,
  { stage, production, partners }: Pick<StageConfig, 'stage' | 'production' | 'partners'>,
): Reasoned<Partner> => {
  const written = partners.find(({ clientId }) => clientId === partner.clientId);
  const isPublic = partner.clientAuthentication.includes('none');
  const showsIdentities = partner.identityAudiences !== undefined;
  const asksItself = partner.consent === 'partner' && (isPublic || showsIdentities);
  const pkce = { at: 'pkceOptional', field: 'pkceOptionalReason', reason: written?.pkceOptionalReason };
  const consent = { at: 'consent', field: 'consentReason', reason: written?.consentReason };
  const pkceNeeds = partner.pkceOptional ? [pkce] : [];
  const consentNeeds = asksItself ? [consent] : [];
  return {
    entry: { ...partner, ...foundIn([...pkceNeeds, ...consentNeeds]) },
    missing: missingOf([
      ...(production ? pkceNeeds : []),
      ...(stage === 'local' && !showsIdentities ? [] : consentNeeds),
    ]),
  };
};
