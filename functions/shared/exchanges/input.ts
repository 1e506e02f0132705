import { promisify } from 'node:util';
import { gunzip as gunzipWith, gzip as gzipWith } from 'node:zlib';
import type { OpenInJob, SealForJob } from '../exports/seal-for-job.ts';
import { seal, sealIvBytes, unseal } from '../store/crypto.ts';
import type { GroupConsent, GroupMember, WhyLeftOut } from './group.ts';

/** A member who is asked for. */
export interface MatchMember {
  /** `Patient.id` as the partner submitted it; no two members of a request have the same. */
  readonly patient: string;
  readonly consent: GroupConsent;
}

/** What a match asks. */
interface MatchInput {
  readonly kind: 'match';
  /** The Parameters resource, byte for byte as the partner sent it. */
  readonly body: string;
  readonly members: readonly MatchMember[];
}

/** A member of the Group who is not exported, and why. */
interface LeftOut extends GroupMember {
  readonly why: WhyLeftOut;
}

/** What a group export asks. */
interface GroupInput {
  readonly kind: 'group';
  /** The payer's id of the Group. */
  readonly group: string;
  /** Those who are exported. */
  readonly members: readonly GroupMember[];
  /** How many entries the payer's Group has; the `patient` parameter can be left out only if all of them are exported. */
  readonly groupMembers: number;
  readonly leftOut: readonly LeftOut[];
  /** References of the members of whom the caller does not ask. @default none */
  readonly others?: readonly string[];
  readonly asked: {
    /** FHIR instants. */
    readonly since?: string;
    readonly until?: string;
    readonly types?: readonly string[];
    readonly typeFilters?: readonly string[];
  };
}

/** What the manifest repeats of the kick-off, whose URL and parameters may name members. */
interface KickOff {
  /** The kick-off's URL. */
  readonly request?: string;
  /** The names of its parameters that were ignored. */
  readonly ignored?: readonly string[];
}

/** What an exchange asks of the payer: too large for the item, and about members. */
export type ExchangeInput = (MatchInput | GroupInput) & KickOff;

const gzip = promisify(gzipWith);
const gunzip = promisify(gunzipWith);

const boundTo = (exportId: string): string => `${exportId}/input`;

/** An exchange's input, sealed for the job. */
interface SealedInput {
  /** The box that holds the key, for the item. */
  readonly inputKey: Uint8Array;
  /** The sealed bytes, for the table of exchanges. */
  readonly input: Uint8Array;
}

/**
 * Seals the input under a key of its own, which only the job can open.
 * @param bound a hash of the columns of the exchange's item, which must be the same when it is opened
 * @throws GatewayError `temporarily_unavailable` if the key service does not answer
 */
export const sealInput = async (
  { randomBytes, sealForJob }: { readonly randomBytes: (size: number) => Uint8Array; readonly sealForJob: SealForJob },
  exportId: string,
  asked: ExchangeInput,
  bound: string,
): Promise<SealedInput> => {
  const key = randomBytes(32);
  const sealed = seal(key, await gzip(JSON.stringify(asked)), boundTo(exportId), randomBytes(sealIvBytes));
  return { inputKey: await sealForJob(exportId, 'input key', key, bound), input: sealed };
};

/**
 * Opens what {@link sealInput} made.
 * @throws GatewayError `temporarily_unavailable` if the key service does not answer, Error if anything differs
 */
export const openInput = async (
  { openInJob }: { readonly openInJob: OpenInJob },
  exportId: string,
  { inputKey, input }: SealedInput,
  bound: string,
): Promise<ExchangeInput> => {
  const key = await openInJob(exportId, 'input key', inputKey, bound);
  return JSON.parse((await gunzip(unseal(key, input, boundTo(exportId)))).toString('utf8')) as ExchangeInput;
};
