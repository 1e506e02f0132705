import { systems, type AuditEvent } from '../../functions/audit/audit-event.ts';
import { Refusal } from '../shared/command-line.ts';
import { keysAfter, readObject, type AuditBucket } from './audit-bucket.ts';
import type { AuditQuery } from './flags.ts';

/** The id of one of the gateway's kinds (partner, payer, grant) in an event. */
export const idOf = (event: AuditEvent, system: string): string | undefined =>
  [...event.agent.map(({ who }) => who), ...event.entity.map(({ what }) => what)].find(
    ({ identifier }) => identifier?.system === system,
  )?.identifier?.value;

/** The gateway's own name for what happened. */
export const nameOf = ({ subtype }: AuditEvent): string =>
  subtype.find(({ system }) => system === systems.event)?.code ?? '';

const parse = (key: string, text: string): AuditEvent[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line, index) => {
      try {
        return JSON.parse(line) as AuditEvent;
      } catch {
        throw new Refusal(`${key}, line ${index + 1}, is not JSON`);
      }
    });

/** The folder to read events from, and the first day. */
interface Span {
  readonly folder: string;
  readonly since: string;
}

const folderOf = (partner: string): string => `events/partner=${partner}/`;

const spanOf = async (bucket: AuditBucket, { of, since }: AuditQuery): Promise<Span> => {
  if (of === 'registry') return { folder: 'registry/', since: since ?? '' };
  if ('partner' in of) return { folder: folderOf(of.partner), since: since ?? '' };
  const key = `grants/${of.grant}.ndjson`;
  const [created] = parse(key, (await readObject(bucket, key)) ?? '');
  const partner = created && idOf(created, systems.partner);
  if (created === undefined || partner === undefined) throw new Refusal(`The audit has no grant ${of.grant}.`);
  return { folder: folderOf(partner), since: since ?? created.recorded.slice(0, 10) };
};

/** The day of an object's events; keys are sorted by day. */
const dayOf = (key: string): string => /\/date=([^/]+)\//.exec(key)?.[1] ?? '';

const keysOf = async (bucket: AuditBucket, { folder, since }: Span, until: string): Promise<string[]> => {
  const keys: string[] = [];
  for await (const key of keysAfter(bucket, folder, `${folder}date=${since}`)) {
    if (dayOf(key) > until) break;
    keys.push(key);
  }
  return keys;
};

/** The order of events with the same time. */
const order = ['created', 'redeemed', 'refreshed', 'payerRefreshed', 'opened', 'ended', 'revoked'];

/**
 * A time known only to the second counts as its start; a revocation counts as its end, after the reads of that second.
 */
const momentOf = (event: AuditEvent): string =>
  event.recorded.includes('.')
    ? event.recorded
    : event.recorded.replace('Z', nameOf(event) === 'revoked' ? '.999Z' : '.000Z');

const inOrder = (a: AuditEvent, b: AuditEvent): number => {
  const [first, second] = [momentOf(a), momentOf(b)];
  if (first !== second) return first < second ? -1 : 1;
  return order.indexOf(nameOf(a)) - order.indexOf(nameOf(b));
};

const objectsAtATime = 16;

/**
 * Finds the events of a grant, a partner or the registry, each once, in the order in which they happened.
 * @throws Refusal if the grant is unknown or an object is damaged, and whatever S3's client throws
 */
export const findEvents = async (bucket: AuditBucket, query: AuditQuery): Promise<AuditEvent[]> => {
  const span = await spanOf(bucket, query);
  const keys = await keysOf(bucket, span, query.until);
  const { of } = query;
  const isAskedFor = (event: AuditEvent): boolean =>
    of === 'registry' || !('grant' in of) || idOf(event, systems.grant) === of.grant;
  // A batch that was written twice has its events in two objects.
  const events = new Map<string, AuditEvent>();
  for (let at = 0; at < keys.length; at += objectsAtATime) {
    const some = keys.slice(at, at + objectsAtATime);
    const texts = await Promise.all(some.map(async (key) => parse(key, (await readObject(bucket, key)) ?? '')));
    for (const event of texts.flat().filter(isAskedFor)) events.set(event.id, event);
  }
  return [...events.values()].toSorted(inOrder);
};
