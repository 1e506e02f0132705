import type { DynamoDBRecord } from 'aws-lambda';
import { dicom, gatewayAgent, itemEntity, sourceOf, systems, type AuditEvent } from './audit-event.ts';
import { describeExchangeEvent, isExchangeEvent } from './describe-exchange-event.ts';
import { describeGrantEvent, isGrantEvent, isRewrite } from './describe-grant-event.ts';
import { describeReadEvent } from './describe-read-event.ts';
import { describeRegistryEvents } from './describe-registry-event.ts';
import { eventIdOf } from './stream-image.ts';

/** An event, and where it is filed. */
export interface FiledEvent {
  readonly event: AuditEvent;
  /** When the stream got it, epoch seconds. */
  readonly at: number;
  /** The partner's client id; `unknown` if the record could not be read. An event of the registry has none. */
  readonly partner?: string;
  /** The grant that the event created; the event is also filed under its id. */
  readonly createdGrant?: string;
  /** Set if the event gave a grant the index of its member; the event is also filed under both. */
  readonly ofMember?: { readonly memberIndex: string; readonly grantId: string };
  /** Set if the event is of an exchange; the event is also filed under the payer's id. */
  readonly ofPayer?: string;
  readonly unreadable?: true;
  /** Set if the write changed what an older event says, or says that it puts an older one back. */
  readonly rewrites?: true;
}

/** When a record's write was made: DynamoDB's own time, in whole seconds. */
const timeOf = ({ dynamodb }: DynamoDBRecord, nowMs: number): number =>
  Math.floor(dynamodb?.ApproximateCreationDateTime ?? nowMs / 1000);

const keyOf = ({ dynamodb }: DynamoDBRecord): string =>
  ['eventId', 'grantId', 'entryId'].map((name) => dynamodb?.Keys?.[name]?.S).find((key) => key !== undefined) ??
  'unknown';

const isOfRegistry = ({ dynamodb }: DynamoDBRecord): boolean => dynamodb?.Keys?.['entryId'] !== undefined;

/**
 * The event for an item that cannot be read: a later version wrote it, or it is damaged. It has the item's key.
 */
const unreadableEvent = (record: DynamoDBRecord, stage: string, nowMs: number): FiledEvent => {
  const { SequenceNumber: sequence = '' } = record.dynamodb ?? {};
  const [key, at] = [keyOf(record), timeOf(record, nowMs)];
  const event: AuditEvent = {
    resourceType: 'AuditEvent',
    id: eventIdOf('unreadable', key, sequence),
    type: dicom('110100', 'Application Activity'),
    subtype: [{ system: systems.event, code: 'unreadable' }],
    action: 'E',
    recorded: new Date(at * 1000).toISOString(),
    outcome: '8',
    outcomeDesc: 'An item was written that the audit cannot read',
    agent: [gatewayAgent(stage)],
    source: sourceOf(stage),
    entity: [itemEntity(key)],
  };
  return { event, at, ...(isOfRegistry(record) ? {} : { partner: 'unknown' }), unreadable: true };
};

/** The form of client ids, grant ids and member indexes. Other text could name a different folder, or make a key too long. */
const keyPart = /^[\w-]{1,64}$/;

/** @throws Error, without the text */
const requireKeyPart = (text: string | undefined): string => {
  if (text === undefined || !keyPart.test(text)) throw new Error('no part of a key');
  return text;
};

const readEvent = (record: DynamoDBRecord, stage: string, nowMs: number): FiledEvent | undefined => {
  const { dynamodb = {} } = record;
  const at = timeOf(record, nowMs);
  const { Keys: keys = {}, NewImage: after, OldImage: before } = dynamodb;
  if (after === undefined) throw new Error('no image');
  const partner = requireKeyPart(after['partner']?.S);
  if (keys['eventId'] !== undefined && isExchangeEvent(after)) {
    const ofPayer = requireKeyPart(after['payer']?.S);
    // The gateway writes a part once.
    const rewrites =
      record.eventName === 'MODIFY' || after['refiledAt'] !== undefined ? ({ rewrites: true } as const) : {};
    return { event: describeExchangeEvent(after, stage, at), at, partner, ofPayer, ...rewrites };
  }
  if (keys['eventId'] !== undefined) {
    // The gateway opens a read once, so a second opening event did not come from the gateway.
    const isAgain = record.eventName === 'MODIFY' && after['type']?.S === 'opened';
    const rewrites = isAgain || after['refiledAt'] !== undefined ? ({ rewrites: true } as const) : {};
    const ofExchange = after['exchange'] === undefined ? {} : { ofPayer: requireKeyPart(after['payer']?.S) };
    return { event: describeReadEvent(after, stage, at), at, partner, ...rewrites, ...ofExchange };
  }
  if (!isGrantEvent(before, after)) return undefined;
  const created = after['lastEvent']?.M?.['type']?.S === 'created';
  const grantId = requireKeyPart(keys['grantId']?.S);
  const isOfMember = before?.['memberIndex'] === undefined && after['memberIndex'] !== undefined;
  return {
    event: describeGrantEvent(after, stage, at),
    at,
    partner,
    ...(isRewrite(before, after) ? { rewrites: true } : {}),
    ...(created ? { createdGrant: grantId } : {}),
    ...(isOfMember ? { ofMember: { memberIndex: requireKeyPart(after['memberIndex']?.S), grantId } } : {}),
  };
};

/**
 * The Grants table also has used client assertions, and an item that TTL removed is not an event. Nothing in the
 * registry expires.
 */
const isNoEvent = (record: DynamoDBRecord): boolean =>
  (record.eventName === 'REMOVE' && !isOfRegistry(record)) || keyOf(record).startsWith('jti.');

const registryEvents = (record: DynamoDBRecord, stage: string, nowMs: number): FiledEvent[] => {
  const { NewImage: after, OldImage: before, SequenceNumber: sequence = '' } = record.dynamodb ?? {};
  if (after === undefined && before === undefined) throw new Error('no image');
  const at = timeOf(record, nowMs);
  const write = { entryId: keyOf(record), before, after, sequence, at };
  return describeRegistryEvents(write, stage).map((event) => ({ event, at }));
};

/** The events in a batch of the tables' streams, in order. */
export const readRecords = (records: readonly DynamoDBRecord[], stage: string, nowMs: number): FiledEvent[] =>
  records.flatMap((record) => {
    if (isNoEvent(record)) return [];
    try {
      return isOfRegistry(record) ? registryEvents(record, stage, nowMs) : (readEvent(record, stage, nowMs) ?? []);
    } catch {
      // It must not block all events after it.
      return unreadableEvent(record, stage, nowMs);
    }
  });
