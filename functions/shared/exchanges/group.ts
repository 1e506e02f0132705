import { promisify } from 'node:util';
import { gunzip as gunzipWith, gzip as gzipWith } from 'node:zlib';
import { seal, sealIvBytes, sha256, unseal } from '../store/crypto.ts';

/** The consent under which a member is asked for. */
export interface GroupConsent {
  /** `Consent.id` as the partner sent it. */
  readonly id: string;
  /** SHA-256 of the Consent's canonical JSON, base64url. */
  readonly hash: string;
  /** `provision.period.end`, a FHIR dateTime. Absent if the Consent has no end. */
  readonly endsAt?: string;
}

/** A member of a Group of matched members. */
export interface GroupMember {
  /** `Patient.id` as the partner submitted it. */
  readonly submitted: string;
  /** `entity.reference` at the payer, such as `Patient/x`. */
  readonly reference: string;
  /** `Coverage.id` of the submitted coverage that the payer names, if it names one. */
  readonly coverage?: string;
  /** `member.period.end` in the payer's Group, a FHIR dateTime. Absent if it gives none. */
  readonly until?: string;
  readonly consent: GroupConsent;
}

/** A Group of matched members, as it is kept for later exports. */
export interface GroupBody {
  /** The Group, made anew of what was checked of the payer's. */
  readonly resource: string;
  readonly members: readonly GroupMember[];
}

/** Members are ended by the id that the partner gave, or by that of the payer. */
const isEnded = ({ submitted, reference }: GroupMember, ended: ReadonlySet<string>): boolean =>
  [submitted, reference, reference.slice(reference.lastIndexOf('/') + 1)].some((id) => ended.has(sha256(id)));

/**
 * The references of members whom an operator has ended. Another entry with the same patient does not bring a member back.
 * @param ended hashes, as the Group's head has them
 */
export const endedReferences = (members: readonly GroupMember[], ended: readonly string[]): ReadonlySet<string> => {
  const hashes = new Set(ended);
  return new Set(members.filter((one) => isEnded(one, hashes)).map(({ reference }) => reference));
};

const gzip = promisify(gzipWith);
const gunzip = promisify(gunzipWith);

/** Where a Group is kept. */
interface GroupPlace {
  /** Payer and partner. */
  readonly owner: string;
  /** The payer's id of the Group. */
  readonly id: string;
}

const boundTo = ({ owner, id }: GroupPlace): string => `${owner}/group/${id}`;

/** Seals a Group's body under its key: AES-256-GCM of gzipped JSON, bound to its place. @param key 32 bytes */
export const sealGroupBody = async (
  { randomBytes }: { readonly randomBytes: (size: number) => Uint8Array },
  key: Uint8Array,
  place: GroupPlace,
  body: GroupBody,
): Promise<Uint8Array> => seal(key, await gzip(JSON.stringify(body)), boundTo(place), randomBytes(sealIvBytes));

/** Opens what {@link sealGroupBody} made. @throws Error if key, place or any bit differs */
export const openGroupBody = async (key: Uint8Array, place: GroupPlace, sealed: Uint8Array): Promise<GroupBody> =>
  JSON.parse((await gunzip(unseal(key, sealed, boundTo(place)))).toString('utf8')) as GroupBody;

/** A FHIR date or dateTime. https://hl7.org/fhir/R4/datatypes.html#dateTime */
const form =
  /^(?<year>\d{4})(?:-(?<month>\d\d)(?:-(?<day>\d\d)(?<time>T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))?)?)?$/;

/** The moments of a FHIR dateTime, in epoch milliseconds: from the first to before the second. */
interface Span {
  readonly from: number;
  readonly before: number;
}

/**
 * The moments that a FHIR dateTime includes; undefined if the text is none. A date, a month or a year without a time is one
 * in UTC: the second of a period's ends includes all of it (https://hl7.org/fhir/R4/datatypes.html#Period).
 */
export const spanOf = (text: string): Span | undefined => {
  const parts = form.exec(text)?.groups;
  if (parts === undefined) return undefined;
  const { year = '', month, day, time } = parts;
  if (time !== undefined) {
    const from = Date.parse(text);
    const isDay = spanOf(text.slice(0, 10)) !== undefined;
    return Number.isNaN(from) || !isDay ? undefined : { from, before: from + (time.includes('.') ? 1 : 1000) };
  }
  const [y, m, d] = [Number(year), Number(month ?? '1') - 1, Number(day ?? '1')];
  const from = Date.UTC(y, m, d);
  const date = new Date(from);
  if (date.getUTCFullYear() !== y || date.getUTCMonth() !== m || date.getUTCDate() !== d) return undefined;
  if (month === undefined) return { from, before: Date.UTC(y + 1, 0, 1) };
  return { from, before: day === undefined ? Date.UTC(y, m + 1, 1) : Date.UTC(y, m, d + 1) };
};

/**
 * Whether a Period, of which either end may be missing, holds now. One that cannot be read does not.
 * https://hl7.org/fhir/R4/datatypes.html#Period
 * @param nowMs epoch milliseconds
 */
export const periodHolds = (period: { readonly start?: unknown; readonly end?: unknown }, nowMs: number): boolean => {
  const { start = '1000', end = '9999' } = period;
  const [from, until] = [start, end].map((value) => (typeof value === 'string' ? spanOf(value) : undefined));
  return from !== undefined && until !== undefined && from.from <= nowMs && nowMs < until.before;
};

/**
 * When something ends, in epoch milliseconds, by a FHIR dateTime. What ends today does so at the end of the day in UTC. An end that cannot be read counts as
 * past.
 */
const endMs = (text: string | undefined): number =>
  text === undefined ? Number.POSITIVE_INFINITY : (spanOf(text)?.before ?? 0);

/** When a member may no longer be asked for, in epoch milliseconds: the consent ends, or the period in the payer's Group. */
export const memberEndsMs = ({ consent, until }: Pick<GroupMember, 'consent' | 'until'>): number =>
  Math.min(endMs(consent.endsAt), endMs(until));

/** The end of a member that comes first, of ends that can be read. */
export const firstEnd = (ends: readonly string[]): string | undefined =>
  ends.toSorted((one, other) => endMs(one) - endMs(other))[0];

/** Why a member is not exported: an operator has ended the member's exchange, the consent has ended, or the period in the payer's Group. */
export type WhyLeftOut = 'ended' | 'consentEnded' | 'notNow';

/**
 * Why a member may not be exported now; undefined if the member may.
 * @param ended references of members whom an operator has ended
 * @param nowMs epoch milliseconds
 */
export const whyLeftOut = (
  { reference, consent, until }: Pick<GroupMember, 'reference' | 'consent' | 'until'>,
  ended: ReadonlySet<string>,
  nowMs: number,
): WhyLeftOut | undefined => {
  if (ended.has(reference)) return 'ended';
  if (nowMs >= endMs(consent.endsAt)) return 'consentEnded';
  return nowMs >= endMs(until) ? 'notNow' : undefined;
};
