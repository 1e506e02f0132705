import { instant } from '../shared/instant.ts';
import { parseObject } from '../shared/json/json-object.ts';
import { readEntryItem, type StoredEntry } from '../shared/registry/entry-items.ts';
import { isEnd, type Stop } from '../shared/registry/stops.ts';
import {
  claimedInstant,
  claimOf,
  deploymentAgent,
  dicom,
  entryEntity,
  operatorAgent,
  sourceOf,
  systems,
  unknownAgent,
  type AuditEvent,
} from './audit-event.ts';
import { changedFields } from './changed-fields.ts';
import { eventIdOf, type StreamImage } from './stream-image.ts';

/** A write to an item of the registry, as the table's stream shows it. */
export interface RegistryWrite {
  readonly entryId: string;
  readonly before: StreamImage | undefined;
  readonly after: StreamImage | undefined;
  /** The record's place in the stream. It is the same however often the record comes. */
  readonly sequence: string;
  /** When the stream got it, epoch seconds. */
  readonly at: number;
}

/** What happened, in our own code system. */
type Code = 'added' | 'changed' | 'removed' | 'blocked' | 'unblocked' | 'paused' | 'resumed' | 'damaged' | 'deleted';

interface Happening {
  readonly code: Code;
  readonly action: AuditEvent['action'];
  /** When it happened according to the item, epoch seconds; undefined if the item does not say. */
  readonly claimedAt?: number | undefined;
  /** The AWS identity in the item; undefined if someone changed the table without the tools. */
  readonly by?: string | undefined;
  readonly details?: Readonly<Record<string, string | number | undefined>>;
  /** What is wrong. */
  readonly problem?: string;
}

type Stored = StoredEntry<unknown>;

const readOf = (image: StreamImage | undefined): Stored | undefined => image && readEntryItem(image);

const textOf = (image: StreamImage | undefined): string | undefined => image?.['entry']?.S;

/** The entry of the item `apply` says who applied which file and commit. */
const appliedOf = (entryId: string, text: string | undefined): Readonly<Record<string, string>> => {
  const applied = entryId === 'apply' ? parseObject(text ?? '') : undefined;
  const named = ['file', 'commit'].flatMap((name) => {
    const value = applied?.[name];
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  return { ...Object.fromEntries(named), ...(applied?.['uncommitted'] === true ? { uncommitted: 'true' } : {}) };
};

/** What happened to the entry, if anything did. */
const entryHappening = ({ entryId, before, after }: RegistryWrite): Happening | undefined => {
  const [was, is] = [textOf(before), textOf(after)];
  if (was === is && before?.['digest']?.S === after?.['digest']?.S) return undefined;
  const stored = readOf(after);
  if (stored?.damaged === true) {
    return {
      code: 'damaged',
      action: 'U',
      details: { changed: changedFields(was, is).join(', ') },
      problem: 'the entry does not match its digest; it was written by hand, and is damaged',
    };
  }
  const { changedAt: claimedAt, changedBy: by, reason, version } = stored ?? {};
  const common = { claimedAt, by };
  const details = { version, ...appliedOf(entryId, is), reason };
  if (is === undefined) return { code: 'removed', action: 'D', ...common, details };
  if (was === undefined) return { code: 'added', action: 'C', ...common, details };
  return {
    code: 'changed',
    action: 'U',
    ...common,
    details: { changed: changedFields(was, is).join(', '), ...details },
  };
};

const begun = (isPartner: boolean): Code => (isPartner ? 'blocked' : 'paused');
const ended = (isPartner: boolean): Code => (isPartner ? 'unblocked' : 'resumed');

const endOf = ({ until }: Stop): string | undefined => (until === undefined ? undefined : claimedInstant(until));

/** What happened to the stop, if anything did. */
const stopHappening = ({ entryId, before, after }: RegistryWrite): Happening | undefined => {
  const [was, is] = [before?.['stop'], after?.['stop']];
  if (JSON.stringify(was) === JSON.stringify(is)) return undefined;
  const isPartner = entryId.startsWith('partner#');
  const { stop, version } = readOf(after) ?? {};
  // No tool takes it out.
  if (stop === undefined) return { code: ended(isPartner), action: 'U', details: { version } };
  const { by, reason } = stop;
  // Written by hand, it may have no time.
  const common = { action: 'U', claimedAt: stop.at > 0 ? stop.at : undefined, by } as const;
  return isEnd(stop)
    ? { code: ended(isPartner), ...common, details: { version, reason } }
    : { code: begun(isPartner), ...common, details: { version, until: endOf(stop), reason } };
};

/** The attributes that mark an apply in progress. Changing only these does not change the registry. */
const isHold = (name: string): boolean => name === 'heldBy' || name === 'beat';

/** No tool writes anything else, so someone changed the table without the tools. */
const otherHappening = ({ entryId, before, after }: RegistryWrite): Happening | undefined => {
  const names = Object.keys({ ...before, ...after });
  const changed = names.filter((name) => JSON.stringify(before?.[name]) !== JSON.stringify(after?.[name]));
  if (entryId === 'apply' && changed.length > 0 && changed.every(isHold)) return undefined;
  return { code: 'changed', action: 'U', details: { changed: changed.sort().join(', ') } };
};

const happeningsOf = (write: RegistryWrite): Happening[] => {
  if (write.after === undefined) {
    return [{ code: 'deleted', action: 'D', problem: 'the item was deleted by hand' }];
  }
  const found = [entryHappening(write), stopHappening(write)].filter((one) => one !== undefined);
  return found.length > 0 ? found : [otherHappening(write)].filter((one) => one !== undefined);
};

const agentOf = (by: string | undefined, stage: string): AuditEvent['agent'][number] => {
  if (by === undefined || by === '') return unknownAgent();
  return /^arn:[\w-]+:lambda:/.test(by) ? deploymentAgent(stage) : operatorAgent(by);
};

const describe = (write: RegistryWrite, stage: string, happening: Happening): AuditEvent => {
  const { code, action, claimedAt = write.at, by, details = {}, problem } = happening;
  return {
    resourceType: 'AuditEvent',
    id: eventIdOf('registry', write.entryId, write.sequence, code),
    type: dicom('110129', 'Security Configuration'),
    subtype: [{ system: systems.event, code }],
    action,
    // The stream's time, which nobody who may write the table can choose.
    recorded: instant(write.at),
    outcome: problem === undefined ? '0' : '8',
    ...(problem === undefined ? {} : { outcomeDesc: problem }),
    agent: [agentOf(by, stage)],
    source: sourceOf(stage),
    entity: [entryEntity(write.entryId, { ...details, ...claimOf(claimedAt, write.at) })],
  };
};

/**
 * Makes the AuditEvents of one write to the registry: one for the entry, one for its stop, whichever it changed. They
 * name the fields that changed, and never hold a value of one.
 */
export const describeRegistryEvents = (write: RegistryWrite, stage: string): AuditEvent[] =>
  happeningsOf(write).map((happening) => describe(write, stage, happening));
