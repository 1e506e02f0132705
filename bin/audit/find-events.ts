import { systems, type AuditEvent } from '../../functions/audit/audit-event.ts';
import { compareTexts } from '../../functions/shared/compare-texts.ts';
import { Refusal } from '../shared/errors.ts';
import { keysAfter, readObject, type AuditBucket } from './audit-bucket.ts';
import { bodyOf, detailOf, idOf, nameOf, versionOf } from './event-facts.ts';
import type { AuditQuery } from './flags.ts';
import { parseEvents } from './parse-events.ts';

/** Whose events, the registry's if nobody is named, and of which days. */
type AuditSpan = Pick<AuditQuery, 'until'> & Partial<Pick<AuditQuery, 'grant' | 'partner' | 'membersOf' | 'since'>>;

/** The folder to read events from, and the first day. */
interface Span {
  readonly folder: string;
  readonly since: string;
}

const folderOf = (partner: string): string => `events/partner=${partner}/`;

/**
 * Reads the event that created a grant; undefined if the audit has none.
 * @throws Refusal if the object is damaged, and whatever S3's client throws
 */
export const readCreated = async (bucket: AuditBucket, grantId: string): Promise<AuditEvent | undefined> => {
  const key = `grants/${grantId}.ndjson`;
  return parseEvents(key, (await readObject(bucket, key)) ?? '')[0];
};

const spanOf = async (bucket: AuditBucket, query: AuditSpan): Promise<Span> => {
  const { grant, membersOf, partner: reader = membersOf, since } = query;
  if (grant === undefined) return { folder: reader === undefined ? 'registry/' : folderOf(reader), since: since ?? '' };
  const created = await readCreated(bucket, grant);
  const partner = created && idOf(created, systems.partner);
  if (created === undefined || partner === undefined) throw new Refusal(`The audit has no grant ${grant}.`);
  return { folder: folderOf(partner), since: since ?? created.recorded.slice(0, 10) };
};

/** The day of an object's events, if its key below the folder has the form that the audit writes; these are sorted by day. */
const dayOf = (keyInFolder: string): string | undefined => /^date=(\d{4}-\d{2}-\d{2})\/[^/]+$/.exec(keyInFolder)?.[1];

/** The keys of a folder's objects from a day on, up to another. A key of another form is among them, and does not end the search. */
export const keysOf = async (bucket: AuditBucket, { folder, since }: Span, until: string): Promise<string[]> => {
  const keys: string[] = [];
  for await (const key of keysAfter(bucket, folder, `${folder}date=${since}`)) {
    if ((dayOf(key.slice(folder.length)) ?? '') > until) break;
    keys.push(key);
  }
  return keys;
};

/** The order of a grant's events with the same time. Those of the registry come by version. */
const order = [
  'created',
  'restored',
  'redeemed',
  'refreshed',
  'payerRefreshed',
  'indexed',
  'exportEnded',
  'asked',
  'opened',
  'ended',
  'came',
  'memberEnded',
  'exchangeEnded',
  'revoked',
];

/**
 * A time known only to the second counts as its start; a revocation counts as its end, after the reads of that second.
 */
const momentOf = (event: AuditEvent): string =>
  event.recorded.includes('.')
    ? event.recorded
    : event.recorded.replace('Z', nameOf(event) === 'revoked' ? '.999Z' : '.000Z');

const inOrder = (a: AuditEvent, b: AuditEvent): number =>
  compareTexts(momentOf(a), momentOf(b)) ||
  versionOf(a) - versionOf(b) ||
  order.indexOf(nameOf(a)) - order.indexOf(nameOf(b));

const objectsAtATime = 16;

/** Reads the events of a span that are asked for, each different one once, in the order in which they happened. */
const readSpan = async (
  bucket: AuditBucket,
  keys: readonly string[],
  isAskedFor: (event: AuditEvent) => boolean,
  onRead: (objects: number) => void = () => undefined,
): Promise<AuditEvent[]> => {
  // A batch that was written twice has its events in two objects. Two events of one id that differ are both evidence.
  const events = new Map<string, AuditEvent>();
  for (let at = 0; at < keys.length; at += objectsAtATime) {
    const some = keys.slice(at, at + objectsAtATime);
    const texts = await Promise.all(some.map(async (key) => parseEvents(key, (await readObject(bucket, key)) ?? '')));
    for (const event of texts.flat().filter(isAskedFor)) {
      const body = bodyOf(event);
      // The original event says more than the copy that was put back.
      if (detailOf(event, 'putBackAt') === undefined || !events.has(body)) events.set(body, event);
    }
    onRead(some.length);
  }
  return [...events.values()].toSorted(inOrder);
};

/**
 * Finds the events of a grant, a partner or the registry, each once, in the order in which they happened.
 * @throws Refusal if the grant is unknown or an object is damaged, and whatever S3's client throws
 */
export const findEvents = async (bucket: AuditBucket, query: AuditSpan): Promise<AuditEvent[]> => {
  const span = await spanOf(bucket, query);
  const keys = await keysOf(bucket, span, query.until);
  const { grant } = query;
  const isAskedFor = (event: AuditEvent): boolean => grant === undefined || idOf(event, systems.grant) === grant;
  return readSpan(bucket, keys, isAskedFor);
};

/** Grants of one partner, and the days in which they may have events: UTC, both included. */
export interface PartnersGrants {
  readonly partner: string;
  readonly grants: ReadonlySet<string>;
  readonly since: string;
  readonly until: string;
}

/**
 * Finds the events of several grants of one partner, each once, in order. Every object is read once.
 * @param onRead gets the number of objects of each step
 * @throws Refusal if an object is damaged, and whatever S3's client throws
 */
export const findEventsOfGrants = async (
  bucket: AuditBucket,
  { partner, grants, since, until }: PartnersGrants,
  onRead: (objects: number) => void,
): Promise<AuditEvent[]> => {
  const keys = await keysOf(bucket, { folder: folderOf(partner), since }, until);
  return readSpan(bucket, keys, (event) => grants.has(idOf(event, systems.grant) ?? ''), onRead);
};

/**
 * Finds the events of all exchanges with one payer, those of their reads too, each once, in order.
 * @param span days in UTC, both included
 * @param onRead gets the number of objects of each step
 * @throws Refusal if an object is damaged, and whatever S3's client throws
 */
export const findEventsOfExchanges = async (
  bucket: AuditBucket,
  { payer, since, until }: { readonly payer: string; readonly since: string; readonly until: string },
  onRead: (objects: number) => void,
): Promise<AuditEvent[]> => {
  const keys = await keysOf(bucket, { folder: `exchanges/payer=${payer}/`, since }, until);
  return readSpan(bucket, keys, () => true, onRead);
};

/** The ids of the grants that the audit knows as one member's. */
export const grantsOfMember = async (bucket: AuditBucket, memberIndex: string): Promise<string[]> => {
  const prefix = `members/${memberIndex}/`;
  const grants: string[] = [];
  for await (const key of keysAfter(bucket, prefix, prefix)) grants.push(key.slice(prefix.length, -'.ndjson'.length));
  return grants;
};

/**
 * Reads the events that created grants, of all grants that the audit has: one object each.
 * @param onRead gets the number of objects of each step
 */
export const readAllCreated = async function* (
  bucket: AuditBucket,
  onRead: (objects: number) => void,
): AsyncGenerator<AuditEvent> {
  const prefix = 'grants/';
  let some: string[] = [];
  const readSome = async (): Promise<AuditEvent[]> => {
    const texts = await Promise.all(some.map(async (key) => parseEvents(key, (await readObject(bucket, key)) ?? '')));
    onRead(some.length);
    some = [];
    return texts.flat();
  };
  for await (const key of keysAfter(bucket, prefix, prefix)) {
    some.push(key);
    if (some.length === objectsAtATime) yield* await readSome();
  }
  yield* await readSome();
};
