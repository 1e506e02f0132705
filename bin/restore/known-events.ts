import { systems, type AuditEvent } from '../../functions/audit/audit-event.ts';
import { keysAfter, readObject, type AuditBucket } from '../audit/audit-bucket.ts';
import { bodyOf, claimedAtOf, idOf, nameOf } from '../audit/event-facts.ts';
import { keysOf } from '../audit/find-events.ts';
import { parseEvents } from '../audit/parse-events.ts';
import { dayOf } from '../shared/day.ts';
import { inParallel } from '../shared/pool.ts';

/** An event of a grant, as the audit has it. */
export interface KnownEvent {
  readonly id: string;
  readonly type: string;
  /** What the grant's item says, epoch seconds. */
  readonly at: number;
  /** When its write was made, epoch seconds. */
  readonly writtenAt: number;
  readonly requestId: string | undefined;
}

/** What the audit knows of each grant to which something happened, by grant id. */
export type Known = ReadonlyMap<string, readonly KnownEvent[]>;

const objectsAtATime = 16;

/** A grant's own event, and not one of its reads. An item that could not be read counts: it may have been a grant. */
const grantOf = (event: AuditEvent): string | undefined =>
  event.type.code === 'rest' ? undefined : (idOf(event, systems.grant) ?? idOf(event, systems.item));

const knownEvent = (event: AuditEvent): KnownEvent => ({
  id: event.id,
  type: nameOf(event),
  at: claimedAtOf(event),
  writtenAt: Math.floor(Date.parse(event.recorded) / 1000),
  requestId: idOf(event, systems.request),
});

/** The folders of all partners, and of events that the audit function could not read; one short listing for each. */
const foldersOf = async (bucket: AuditBucket): Promise<string[]> => {
  const folders: string[] = [];
  for (let after = ''; ;) {
    const { value: key } = await keysAfter(bucket, 'events/', after).next();
    const folder = /^events\/partner=[^/]*\//.exec(key ?? '')?.[0];
    if (folder === undefined) return folders;
    folders.push(folder);
    // The character after the slash: the next folder begins behind all keys of this one.
    after = `${folder.slice(0, -1)}0`;
  }
};

/** The end of every search: no event is left out for a clock that is ahead. */
export const lastDay = '9999-12-31';

/**
 * Reads what happened to grants since a time.
 * @param since epoch seconds
 * @throws Refusal if an object is damaged, and whatever S3's client throws
 */
export const readKnown = async (bucket: AuditBucket, since: number): Promise<Known> => {
  const known = new Map<string, Map<string, KnownEvent>>();
  const note = (event: AuditEvent): void => {
    const grantId = grantOf(event);
    if (grantId === undefined) return;
    const found = knownEvent(event);
    if (found.writtenAt < since) return;
    const events = known.get(grantId) ?? new Map<string, KnownEvent>();
    known.set(grantId, events.set(bodyOf(event), found));
  };
  for (const folder of await foldersOf(bucket)) {
    const keys = await keysOf(bucket, { folder, since: dayOf(since * 1000) }, lastDay);
    await inParallel(keys, objectsAtATime, async (key) => {
      for (const event of parseEvents(key, (await readObject(bucket, key)) ?? '')) note(event);
    });
  }
  return new Map([...known].map(([grantId, events]) => [grantId, [...events.values()]]));
};
