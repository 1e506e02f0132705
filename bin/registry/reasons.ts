import type { StageConfig } from '../../config/stage.ts';
import type { Partner, Payer, PayerQuirks } from '../../functions/shared/registry/types.ts';

/** An entry for a file, and the fields whose reason has to be written by hand. */
export interface Reasoned<Entry> {
  readonly entry: Entry;
  /** By the path of the field that needs a reason: the field for it. */
  readonly missing: ReadonlyMap<string, string>;
}

/** A field of an entry that holds a reason. */
interface Need {
  /** The path of the exception, such as `quirks.pkce`. */
  readonly at: string;
  /** Whether the entry has that exception, and whether the stage then asks for the reason. */
  readonly applies: boolean;
  readonly asked: boolean;
  readonly reason: string | undefined;
}

/** By the field that holds the reason: a new one does not compile without its exception. */
type Needs<Entry> = Readonly<Record<Extract<keyof Entry, `${string}Reason`>, Need>>;

const missingOf = (needs: Readonly<Record<string, Need>>): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(needs).flatMap(([field, { at, applies, asked, reason }]) =>
      applies && asked && reason === undefined ? [[at, field] as const] : [],
    ),
  );

/** The reasons that were found, by their field. */
const foundIn = (needs: Readonly<Record<string, Need>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(needs).flatMap(([field, { applies, reason }]) =>
      applies && reason !== undefined ? [[field, reason]] : [],
    ),
  );

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
  const ofPayer: Needs<Payer> = {
    patientNoneReason: {
      at: 'patientFrom',
      applies: payer.patientFrom === 'none',
      asked: production,
      reason: written?.patientNoneReason,
    },
  };
  const ofQuirks: Needs<PayerQuirks> = {
    pkceOffReason: {
      at: 'quirks.pkce',
      applies: !payer.quirks.pkce,
      asked: production,
      reason: written?.quirks.pkceOffReason,
    },
  };
  return {
    entry: { ...payer, ...foundIn(ofPayer), quirks: { ...payer.quirks, ...foundIn(ofQuirks) } },
    missing: missingOf({ ...ofPayer, ...ofQuirks }),
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
  const needs: Needs<Partner> = {
    pkceOptionalReason: {
      at: 'pkceOptional',
      applies: partner.pkceOptional,
      asked: production,
      reason: written?.pkceOptionalReason,
    },
    consentReason: {
      at: 'consent',
      applies: partner.consent === 'partner' && (isPublic || showsIdentities),
      asked: stage !== 'local' || showsIdentities,
      reason: written?.consentReason,
    },
  };
  return { entry: { ...partner, ...foundIn(needs) }, missing: missingOf(needs) };
};
