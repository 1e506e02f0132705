import { idOf } from '../../../bin/audit/event-facts.ts';
import { systems, type AuditEvent } from '../../../functions/audit/audit-event.ts';
import { changedFields } from '../../../functions/audit/changed-fields.ts';
import { newEntryItem, writeEntryText, type Changed } from '../../../functions/shared/registry/entry-items.ts';
import { registryAttributes } from '../../../functions/shared/store/attributes.ts';
import { writeItem, type Item } from '../../../functions/shared/store/items.ts';
import { createBindingCheck } from '../../profiles/bindings.ts';
import { createValidator } from '../../profiles/validate.ts';
import { startMs } from '../../support/gateway.ts';
import { auditFunction, streamRecord } from './records.ts';

const now = startMs / 1000;
const recorded = '2026-06-01T12:00:00Z';
const operator = 'arn:aws:sts::111122223333:assumed-role/OnCall/alex';
const changed: Changed = { changedAt: now, changedBy: operator, reason: 'New callback host' };

const claimed = 'as the item claims; CloudTrail has the caller';

const partner = {
  clientId: 'portal',
  name: 'Member Portal',
  secretHashes: ['canary-hash'],
  redirectUris: ['https://portal.example.org/canary'],
  rate: { perSecond: 50, burst: 100 },
};
const added = (entryId = 'partner#portal', entry: object = partner): Item => newEntryItem(entryId, entry, changed);
const rewritten = (item: Item, entry: object, by: Changed = changed): Item => ({
  ...item,
  ...writeItem(registryAttributes, { version: 2, ...writeEntryText(entry), ...by }),
});
const without = (item: Item, ...names: readonly string[]): Item =>
  Object.fromEntries(Object.entries(item).filter(([name]) => !names.includes(name)));
const stopped = (item: Item, stop: { at: number; until?: number; by: string; reason: string }): Item => ({
  ...item,
  ...writeItem(registryAttributes, { version: 3, stop }),
});

const detailsOf = (event: AuditEvent): Record<string, string> =>
  Object.fromEntries(
    event.entity.flatMap(({ detail = [] }) => detail).map(({ type, valueString }) => [type, valueString]),
  );

describe('what happens to an entry of the registry becomes a valid R4 AuditEvent', () => {
  const validate = createValidator();
  const checkBindings = createBindingCheck();

  const eventsOf = async (before: Item | undefined, after: Item | undefined): Promise<AuditEvent[]> => {
    const audit = auditFunction();
    await audit.handle(streamRecord(before, after));
    for (const { key, event } of audit.events()) {
      expect(key).toMatch(/^registry\/date=2026-06-0\d\/[0-9a-f]{64}\.ndjson$/);
      expect(validate({ ...event })).toEqual([]);
      const report = { checked: 0, wrong: [] };
      checkBindings({ ...event }, report);
      expect(report).toEqual({ checked: expect.any(Number) as number, wrong: [] });
      expect(JSON.stringify(event)).not.toContain('canary');
    }
    expect(audit.log()).toEqual([expect.objectContaining({ level: 'info', unreadable: 0 })]);
    return audit.events().map(({ event }) => event);
  };
  const oneEvent = async (before: Item | undefined, after: Item | undefined): Promise<AuditEvent> => {
    const [event, ...more] = await eventsOf(before, after);
    if (event === undefined || more.length > 0) throw new Error('not one event');
    return event;
  };

  it('added, by an operator, with the reason', async () => {
    const event = await oneEvent(undefined, added());
    expect(event).toMatchObject({
      action: 'C',
      outcome: '0',
      recorded,
      type: { code: '110129' },
      subtype: [{ system: systems.event, code: 'added' }],
      agent: [{ who: { identifier: { system: systems.operator, value: operator } }, requestor: true }],
      source: { site: 'local' },
    });
    expect(idOf(event, systems.partner)).toBe('portal');
    expect(detailsOf(event)).toEqual({ version: '1', reason: 'New callback host' });
  });

  it('added by the first deployment: the gateway did it', async () => {
    const changedBy = 'arn:aws:lambda:us-east-1:111122223333:function:p2p-gateway-local-FillRegistry';
    const event = await oneEvent(undefined, newEntryItem('payer#plan', { id: 'plan' }, { ...changed, changedBy }));
    expect(event.agent.map(({ who }) => who.display)).toEqual([
      'p2p-gateway-local, as the item claims; CloudTrail has the caller',
    ]);
    expect(idOf(event, systems.payer)).toBe('plan');
  });

  it('changed: the names of the fields, and no value', async () => {
    const next = { ...partner, secretHashes: ['canary-2'], rate: { perSecond: 9, burst: 100 }, scopes: ['canary'] };
    const event = await oneEvent(added(), rewritten(added(), next));
    expect(event).toMatchObject({ action: 'U', subtype: [{ code: 'changed' }] });
    expect(detailsOf(event)).toEqual({
      changed: 'rate.perSecond, scopes, secretHashes',
      version: '2',
      reason: 'New callback host',
    });
  });

  it('removed, and added again', async () => {
    const removed = { ...without(added(), 'entry', 'digest'), version: { N: '2' } };
    expect(await oneEvent(added(), removed)).toMatchObject({ action: 'D', subtype: [{ code: 'removed' }] });
    expect(await oneEvent(removed, rewritten(removed, partner))).toMatchObject({
      action: 'C',
      subtype: [{ code: 'added' }],
    });
  });

  it.each([
    ['partner#portal', 'blocked', 'unblocked'],
    ['payer#plan', 'paused', 'resumed'],
  ])('%s %s and %s, by whom and why', async (entryId, begins, ends) => {
    const before = added(entryId);
    const during = stopped(before, { at: now + 5, by: operator, reason: 'Token theft' });
    const begun = await oneEvent(before, during);
    expect(begun).toMatchObject({
      action: 'U',
      recorded: '2026-06-01T12:00:05Z',
      subtype: [{ code: begins }],
      agent: [{ who: { identifier: { value: operator }, display: claimed } }],
    });
    expect(detailsOf(begun)).toEqual({ version: '3', reason: 'Token theft' });
    const other = `${operator}-2`;
    const end = { at: now + 60, until: now + 60, by: other, reason: 'Keys replaced' };
    const after = { ...stopped(before, end), version: { N: '4' } };
    const ended = await oneEvent(during, after);
    expect(ended).toMatchObject({
      recorded: '2026-06-01T12:01:00Z',
      subtype: [{ code: ends }],
      agent: [{ who: { identifier: { value: other } } }],
    });
    expect(detailsOf(ended)).toEqual({ version: '4', reason: 'Keys replaced' });
  });

  it('paused until a time', async () => {
    const before = added('payer#plan');
    const event = await oneEvent(
      before,
      stopped(before, { at: now, until: now + 3600, by: operator, reason: 'Maintenance' }),
    );
    expect(detailsOf(event)).toEqual({ version: '3', until: '2026-06-01T13:00:00Z', reason: 'Maintenance' });
  });

  it('a stop that someone took out by hand has nobody’s name', async () => {
    const before = stopped(added(), { at: now, by: operator, reason: 'Token theft' });
    const event = await oneEvent(before, without(before, 'stop'));
    expect(event.subtype).toEqual([{ system: systems.event, code: 'unblocked' }]);
    expect(detailsOf(event)).toEqual({ version: '3' });
    expect(event.agent.map(({ who }) => who)).toEqual([{ display: 'unknown; CloudTrail has the caller' }]);
  });

  it('applied: which file and commit', async () => {
    const applied = { file: 'config/prod.ts', commit: '0a1b2c3', uncommitted: true };
    const event = await oneEvent(undefined, added('apply', applied));
    expect(idOf(event, systems.item)).toBe('apply');
    expect(detailsOf(event)).toEqual({
      version: '1',
      file: 'config/prod.ts',
      commit: '0a1b2c3',
      uncommitted: 'true',
      reason: 'New callback host',
    });
  });

  it('changed by hand: which fields, nobody’s name, and that it is damaged', async () => {
    const other = JSON.stringify({ ...partner, redirectUris: ['https://canary.example.org'] });
    const event = await oneEvent(added(), { ...added(), entry: { S: other } });
    expect(event).toMatchObject({ outcome: '8', subtype: [{ code: 'damaged' }] });
    expect(event.outcomeDesc).toContain('by hand, and is damaged');
    expect(event.agent.map(({ who }) => who.identifier)).toEqual([undefined]);
    expect(detailsOf(event)).toEqual({ changed: 'redirectUris' });
    const text = await oneEvent(added(), { ...added(), entry: { S: 'canary' } });
    expect(detailsOf(text)).toEqual({ changed: 'entry' });
  });

  it('a block of a damaged entry is a block, and does not say again that it is damaged', async () => {
    const damaged = { ...added(), digest: { S: 'x' } };
    const events = await eventsOf(damaged, stopped(damaged, { at: now, by: operator, reason: 'Theft' }));
    expect(events.map(({ subtype }) => subtype[0]?.code)).toEqual(['blocked']);
  });

  it('deleted by hand, although nothing in the registry expires', async () => {
    const event = await oneEvent(added(), undefined);
    expect(event).toMatchObject({ action: 'D', outcome: '8', subtype: [{ code: 'deleted' }] });
    expect(idOf(event, systems.partner)).toBe('portal');
  });

  it('who is applying, and still is, is no event of its own', async () => {
    const item = { entryId: { S: 'apply' }, version: { N: '7' }, entry: { S: '{}' }, digest: { S: 'x' } };
    const held = { ...item, heldBy: { S: 'a' } };
    const beaten = { ...held, beat: { N: '2' } };

    for (const [before, after] of [
      [item, held],
      [held, beaten],
      [beaten, item],
    ] as const)
      expect(await eventsOf(before, after)).toEqual([]);
    expect(await eventsOf(beaten, { ...beaten, version: { N: '8' } })).toHaveLength(1);
  });

  it('any other write by hand names what it changed', async () => {
    const event = await oneEvent(added(), { ...added(), version: { N: '7' } });
    expect(event).toMatchObject({ subtype: [{ code: 'changed' }] });
    expect(detailsOf(event)).toEqual({ changed: 'version' });
  });
});

it('an entry and its stop that change in one write are two events, and keep their ids when the record comes again', async () => {
  const audit = auditFunction();
  const record = streamRecord(
    added(),
    stopped(rewritten(added(), { ...partner, name: 'Portal' }), { at: now, by: operator, reason: 'Theft' }),
  );
  await audit.handle(record);
  await audit.handle(record, streamRecord(undefined, added('payer#plan')));
  const codes = audit.events().map(({ event }) => event.subtype[0]?.code);

  expect(codes.slice(0, 2)).toEqual(['changed', 'blocked']);
  expect(new Set(audit.events().map(({ event }) => event.id)).size).toBe(3);
});

it('a record without images is filed as unreadable, with the key', async () => {
  const audit = auditFunction();
  const record = streamRecord(undefined, added());
  await audit.handle({ ...record, dynamodb: { ...record.dynamodb, NewImage: undefined } });

  expect(audit.keys()).toEqual([expect.stringMatching(/^registry\//)]);
  expect(audit.events().map(({ event }) => idOf(event, systems.item))).toEqual(['partner#portal']);
  expect(audit.log()).toEqual([expect.objectContaining({ unreadable: 1, auditNotWritten: 1 })]);
});

describe('a write that somebody dates and signs with other words', () => {
  const written = { ...partner, redirectUris: ['https://thief.example/callback'] };
  const year2100 = Date.UTC(2100, 0, 1) / 1000;
  const forged = (changedAt: number): Item =>
    rewritten(added(), written, { changedAt, changedBy: 'alice', reason: 'Routine' });

  it.each([
    ['2100', year2100, '2100-01-01T00:00:00Z'],
    ['1970', 0, '1970-01-01T00:00:00Z'],
    ['121 seconds later', now + 121, '2026-06-01T12:02:01Z'],
    ['121 seconds earlier', now - 121, '2026-06-01T11:57:59Z'],
    ['no year that there is', 1e300, 'no time'],
  ])('is filed under the time of its stream, as claimed, and rings: %s', async (_, changedAt, claimedAt) => {
    const audit = auditFunction();
    await audit.handle(streamRecord(added(), forged(changedAt), now));
    const [{ key, event } = { key: '' }] = audit.events();

    expect(key).toMatch(/^registry\/date=2026-06-01\//);
    expect(event).toMatchObject({ recorded, agent: [{ who: { identifier: { value: 'alice' }, display: claimed } }] });
    expect(detailsOf(event!)).toMatchObject({ changed: 'redirectUris', claimedAt });
    expect(audit.log()).toEqual([expect.objectContaining({ level: 'error', apart: 1, auditTimesDiffer: 1 })]);
  });

  it.each([now + 120, now - 120, now])('is no alarm within two minutes: %i', async (changedAt) => {
    const audit = auditFunction();
    await audit.handle(streamRecord(added(), forged(changedAt), now));

    expect(audit.log()).toEqual([expect.objectContaining({ level: 'info', apart: 0 })]);
    expect(audit.log()[0]).not.toHaveProperty('auditTimesDiffer');
  });

  it.each([
    ['stop', { at: year2100, by: 'alice', reason: 'Routine' }, '2100-01-01T00:00:00Z'],
    ['end of a stop', { at: year2100, until: year2100, by: 'alice', reason: 'Routine' }, '2100-01-01T00:00:00Z'],
  ])('is filed under the time of its stream if it is the %s', async (_, stop, claimedAt) => {
    const audit = auditFunction();
    await audit.handle(streamRecord(added(), stopped(added(), stop), now));

    expect(audit.keys()).toEqual([expect.stringMatching(/^registry\/date=2026-06-01\//)]);
    expect(audit.events().map(({ event }) => detailsOf(event)['claimedAt'])).toEqual([claimedAt]);
    expect(audit.log()).toEqual([expect.objectContaining({ auditTimesDiffer: 1 })]);
  });
});

const named = (before: unknown, after: unknown): string[] => {
  const text = (value: unknown): string | undefined => (value === undefined ? undefined : JSON.stringify(value));
  return changedFields(text(before), text(after));
};

describe('the fields that a change of an entry names', () => {
  it('are all of a new entry, and of one that was removed', () => {
    expect(named(undefined, { name: 'Portal', scopes: [] })).toEqual(['name', 'scopes']);
    expect(named({ name: 'Portal', scopes: [] }, undefined)).toEqual(['name', 'scopes']);
    expect(named(undefined, undefined)).toEqual([]);
  });

  it('are those that differ, are new, or are gone, in alphabetical order', () => {
    const before = { same: [1, { a: 2 }], other: 1, gone: null };
    const after = { added: false, same: [1, { a: 2 }], other: '1' };

    expect(named(before, after)).toEqual(['added', 'gone', 'other']);
  });

  it('are named within an object, but not within a list, nor if the field was no object before', () => {
    expect(named({ quirks: { pkce: true, aud: 1 } }, { quirks: { pkce: false, aud: 1, state: 'x' } })).toEqual([
      'quirks.pkce',
      'quirks.state',
    ]);
    expect(named({ scopes: ['a', 'b'] }, { scopes: ['a', 'c'] })).toEqual(['scopes']);
    for (const other of ['text', 7, null, ['list']]) {
      expect(named({ quirks: { pkce: true } }, { quirks: other })).toEqual(['quirks']);
      expect(named({ quirks: other }, { quirks: { pkce: true } })).toEqual(['quirks']);
    }
  });

  it('are unknown if either text is no entry: it is named whole', () => {
    for (const text of ['', '{', 'null', '[]', '"text"']) {
      expect(changedFields(text, '{"name":"Portal"}')).toEqual(['entry']);
      expect(changedFields('{"name":"Portal"}', text)).toEqual(['entry']);
    }
  });
});
