import { randomBytes } from 'node:crypto';
import { idOf } from '../../../bin/audit/event-facts.ts';
import { systems } from '../../../functions/audit/audit-event.ts';
import { parseScopes } from '../../../functions/shared/scopes/scopes.ts';
import type { RevocationReason } from '../../../functions/shared/store/grant-item.ts';
import {
  addMemberIndex,
  releaseLease,
  rememberAssertion,
  revoke,
  rotate,
  storePayerTokens,
  takeLease,
} from '../../../functions/shared/store/grants.ts';
import type { Item } from '../../../functions/shared/store/items.ts';
import { createBindingCheck } from '../../profiles/bindings.ts';
import { createValidator } from '../../profiles/validate.ts';
import { fetchGateway } from '../../support/fetch-gateway.ts';
import { startMs } from '../../support/gateway.ts';
import { auditFunction, streamRecord } from './records.ts';

const now = startMs / 1000;
const recorded = '2026-06-01T12:00:00Z';
const request = { now, requestId: 'request-1' };
const sealed = randomBytes(40);

/** A grant in its table, and the table's stream records of what happens to it. */
const streamed = async () => {
  const test = fetchGateway();
  const { grantId, stored } = await test.grant();
  const table = test.deps.grants;
  const image = (): Item | undefined => {
    const item = test.dynamo.items('Grants').get(grantId);
    return item && { ...item };
  };
  const record = async (step: () => Promise<unknown>) => {
    const before = image();
    await step();
    return streamRecord(before, image());
  };
  return { table, grantId, stored, image, record, dynamo: test.dynamo };
};

const refreshed =
  ({ table, stored }: Awaited<ReturnType<typeof streamed>>) =>
  () =>
    storePayerTokens(table, stored(), { sealed, ...request });

describe('what happens to a grant becomes a valid R4 AuditEvent', () => {
  const validate = createValidator();
  const checkBindings = createBindingCheck();

  const oneEvent = async (record: Parameters<ReturnType<typeof auditFunction>['handle']>[0]) => {
    const audit = auditFunction();
    await audit.handle(record);
    const [first] = audit.events();
    if (first === undefined) throw new Error('no event');
    expect(validate({ ...first.event })).toEqual([]);
    const report = { checked: 0, wrong: [] };
    checkBindings({ ...first.event }, report);
    expect(report).toEqual({ checked: expect.any(Number) as number, wrong: [] });
    expect(report.checked).toBeGreaterThan(1);
    return { ...first, keys: audit.keys(), objects: audit.objects };
  };

  it('created: what was granted, under the partner and day and under the id of the grant', async () => {
    const { image, grantId } = await streamed();
    const made = { M: { type: { S: 'created' }, at: { N: String(now) }, requestId: { S: 'login' } } };
    const { event, keys, objects } = await oneEvent(streamRecord(undefined, { ...image(), lastEvent: made }));
    expect(event).toMatchObject({ action: 'C', outcome: '0', recorded, source: { site: 'local' } });
    expect(event.agent.map(({ requestor }) => requestor)).toEqual([true, false]);
    expect(idOf(event, systems.partner)).toBe('demo-partner');
    expect(idOf(event, systems.payer)).toBe('northwind');
    expect(idOf(event, systems.grant)).toBe(grantId);
    expect(idOf(event, systems.request)).toBe('login');
    expect(event.entity.flatMap(({ detail = [] }) => detail)).toEqual([
      { type: 'scope', valueString: 'launch/patient patient/*.rs offline_access' },
      { type: 'ends', valueString: '2026-11-28T12:00:00Z' },
    ]);
    expect(event.entity.map(({ what }) => what.reference)).toContain('Patient/patient-1');
    expect(keys).toEqual([
      expect.stringMatching(/^events\/partner=demo-partner\/date=2026-06-01\/[0-9a-f]{64}\.ndjson$/),
      `grants/${grantId}.ndjson`,
    ]);
    expect([...new Set(objects.values())]).toEqual([`${JSON.stringify(event)}\n`]);
  });

  it('created, also under the index of its member and its id, where nothing else is in the name', async () => {
    const { image, grantId } = await streamed();
    const made = { M: { type: { S: 'created' }, at: { N: String(now) }, requestId: { S: 'login' } } };
    const { keys, event, objects } = await oneEvent(
      streamRecord(undefined, { ...image(), lastEvent: made, memberIndex: { S: 'an-index' } }),
    );
    expect(keys.slice(1)).toEqual([`grants/${grantId}.ndjson`, `members/an-index/${grantId}.ndjson`]);
    expect(objects.get(`members/an-index/${grantId}.ndjson`)).toBe(`${JSON.stringify(event)}\n`);
    expect(keys.join()).not.toContain('patient-1');
    expect(JSON.stringify(event)).not.toContain('an-index');
  });

  it('indexed, by the operator, under the index of its member; later events are not', async () => {
    const { table, grantId, record } = await streamed();
    const member = { grantId, payer: 'northwind', patient: 'patient-1' };
    const by = { operator: 'arn:aws:sts::111122223333:assumed-role/OnCall/alex', note: 'added' };
    const { keys, event } = await oneEvent(
      await record(() => addMemberIndex(table, member, { memberIndex: 'an-index', ...request, by })),
    );
    expect(event).toMatchObject({ action: 'U', subtype: [{ code: 'indexed' }], outcome: '0' });
    expect(event.agent.map(({ requestor }) => requestor)).toEqual([true, false, false]);
    expect(idOf(event, systems.operator)).toBe(by.operator);
    expect(keys.slice(1)).toEqual([`members/an-index/${grantId}.ndjson`]);
    const later = await oneEvent(await record(() => revoke(table, grantId, 'byPartner', request)));
    expect(later.keys).toHaveLength(1);
  });

  it('redeemed, by the partner', async () => {
    const { image } = await streamed();
    const { event, keys } = await oneEvent(streamRecord(undefined, image()));
    expect(event).toMatchObject({ action: 'U', subtype: [{ code: 'redeemed' }] });
    expect(keys).toHaveLength(1);
  });

  it('refreshed, by the partner', async () => {
    const { table, stored, record } = await streamed();
    const issue = {
      presentedHash: stored().refreshHash ?? '',
      access: { hash: 'next', expiresAt: now + 60, scope: parseScopes('patient/*.rs') },
      refreshHash: 'next-refresh',
      salt: randomBytes(16),
    };
    const { event } = await oneEvent(await record(() => rotate(table, stored(), issue, request)));
    expect(event.subtype).toEqual([{ system: systems.event, code: 'refreshed' }]);
    expect(event.agent.map(({ requestor }) => requestor)).toEqual([true, false]);
  });

  it('payer tokens refreshed, by the gateway', async () => {
    const grant = await streamed();
    const { event } = await oneEvent(await grant.record(refreshed(grant)));
    expect(event).toMatchObject({ subtype: [{ code: 'payerRefreshed' }] });
    expect(event.agent.map(({ who, requestor }) => [who.display, requestor])).toEqual([
      ['p2p-gateway-local', true],
      [undefined, false],
      [undefined, false],
    ]);
  });

  it.each<[RevocationReason, number]>([
    ['byPartner', 2],
    ['codeReplayed', 3],
    ['refreshTokenReused', 3],
    ['refusedByPayer', 3],
    ['otherPatient', 3],
  ])('revoked, because %s', async (reason, agents) => {
    const { table, grantId, record } = await streamed();
    const { event } = await oneEvent(await record(() => revoke(table, grantId, reason, request)));
    expect(event).toMatchObject({ action: 'D', subtype: [{ code: 'revoked' }] });
    expect(event.agent).toHaveLength(agents);
    expect(event.entity[0]?.detail).toEqual([{ type: 'reason', valueString: reason }]);
  });

  it('revoked by an operator, with name and reason', async () => {
    const { table, grantId, record } = await streamed();
    const by = { operator: 'arn:aws:sts::111122223333:assumed-role/OnCall/alex', note: 'The member asked by phone' };
    const { event } = await oneEvent(await record(() => revoke(table, grantId, 'byOperator', { ...request, by })));
    expect(event.agent[0]).toMatchObject({
      who: { identifier: { system: 'urn:p2p-gateway:operator', value: by.operator } },
      requestor: true,
    });
    expect(event.agent.map(({ requestor }) => requestor)).toEqual([true, false, false]);
    expect(event.entity[0]?.detail).toEqual([
      { type: 'reason', valueString: 'byOperator' },
      { type: 'note', valueString: by.note },
    ]);
  });

  it('an unreadable item: its key only, and the alarm', async () => {
    const audit = auditFunction();
    const item = { grantId: { S: 'grant-1' }, payer: { S: 'northwind' }, lastEvent: { S: 'canary' } };
    await audit.handle(streamRecord(undefined, item));
    const [first] = audit.events();
    expect(validate({ ...first?.event, resourceType: 'AuditEvent' })).toEqual([]);
    expect(first?.key).toMatch(/^events\/partner=unknown\/date=2026-06-01\//);
    expect(first?.event).toMatchObject({
      outcome: '8',
      recorded: new Date(startMs).toISOString(),
      entity: [{ what: { identifier: { value: 'grant-1' } } }],
    });
    expect(JSON.stringify([first, audit.log()])).not.toMatch(/canary|northwind/);
    expect(audit.log()).toEqual([expect.objectContaining({ level: 'error', unreadable: 1, auditNotWritten: 1 })]);
  });
});

it('a lease taken or released, a used assertion, and an item that TTL removed are not events', async () => {
  const { table, grantId, stored, image, record, dynamo } = await streamed();
  const lease = { owner: 'request-1', nowMs: startMs, untilMs: startMs + 30_000 };
  const audit = auditFunction();
  await audit.handle(
    await record(() => takeLease(table, stored(), lease)),
    await record(() => releaseLease(table, grantId, 'request-1')),
    streamRecord(image(), undefined),
  );
  await rememberAssertion(table, { jtiHash: 'hash', now, expiresAt: now + 60, requestId: 'request-1' });
  await audit.handle(streamRecord(undefined, dynamo.items('Grants').get('jti.hash')));
  expect(audit.keys()).toEqual([]);
  expect(audit.log().map(({ auditEvents, auditNotWritten }) => [auditEvents, auditNotWritten])).toEqual([
    [0, undefined],
    [0, undefined],
  ]);
});

it('two refreshes of payer tokens in one request and second are two events', async () => {
  const grant = await streamed();
  const audit = auditFunction();
  await audit.handle(await grant.record(refreshed(grant)), await grant.record(refreshed(grant)));
  expect(new Set(audit.events().map(({ event }) => event.id)).size).toBe(2);
});
