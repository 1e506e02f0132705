import { createHash, randomBytes } from 'node:crypto';
import { parseEvents } from '../../../bin/audit/parse-events.ts';
import { readRecords } from '../../../functions/audit/read-records.ts';
import {
  auditAsked,
  auditCame,
  auditEnded,
  type ExchangeAuditDeps,
} from '../../../functions/shared/exchanges/audit-exchange.ts';
import { parseScopes } from '../../../functions/shared/scopes/scopes.ts';
import type { RevocationReason } from '../../../functions/shared/store/grant-item.ts';
import {
  addMemberIndex,
  noteExportEnded,
  releaseLease,
  rememberAssertion,
  revoke,
  rotate,
  storePayerTokens,
  takeLease,
} from '../../../functions/shared/store/grants.ts';
import type { Item } from '../../../functions/shared/store/items.ts';
import { endGrant } from '../../../functions/shared/store/member-grants.ts';
import { readEventItem, type ReadEvent } from '../../../functions/shared/store/read-events.ts';
import { createBindingCheck } from '../../profiles/bindings.ts';
import { createValidator } from '../../profiles/validate.ts';
import { fetchGateway } from '../../support/fetch-gateway.ts';
import { startMs } from '../../support/gateway.ts';
import { memoryDynamo } from '../../support/memory-dynamo.ts';
import { auditFunction, streamRecord } from './records.ts';

const now = startMs / 1000;
const recorded = '2026-06-01T12:00:00Z';
const at = String(now);
const validate = createValidator();
const checkBindings = createBindingCheck();

/** The event's id: a hash, so that a record that comes again is filed once. */
const idOf = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 40);

/** The one AuditEvent of a record, which is valid R4, and where it was filed. */
const filed = async (record: ReturnType<typeof streamRecord>) => {
  const audit = auditFunction();
  await audit.handle(record);
  const [first] = audit.events();
  if (first === undefined) throw new Error('no event');
  expect(validate({ ...first.event })).toEqual([]);
  const report = { checked: 0, wrong: [] };
  checkBindings({ ...first.event }, report);
  expect(report).toEqual({ checked: expect.any(Number) as number, wrong: [] });
  expect(report.checked).toBeGreaterThan('outcome' in first.event ? 1 : 0);
  return { event: first.event, keys: audit.keys(), objects: audit.objects, log: audit.log() };
};

const dicom = 'http://dicom.nema.org/resources/ontology/DCM';
const entityType = 'http://terminology.hl7.org/CodeSystem/audit-entity-type';
const objectRole = 'http://terminology.hl7.org/CodeSystem/object-role';
const humanUser = 'http://terminology.hl7.org/CodeSystem/extra-security-role-type';
const systemObject = { system: entityType, code: '2', display: 'System Object' };
type Detail = readonly [type: string, valueString: string];

const identified = (kind: string, value: string) => ({ identifier: { system: `urn:p2p-gateway:${kind}`, value } });
const agent = (system: string, code: string, display: string, who: object, requestor: boolean) => ({
  type: { coding: [{ system, code, display }] },
  who,
  requestor,
});
const partnerAgent = (requestor: boolean) =>
  agent(dicom, '110152', 'Destination Role ID', identified('partner', 'demo-partner'), requestor);
const payerAgent = agent(dicom, '110153', 'Source Role ID', identified('payer', 'northwind'), false);
const gatewayAgent = agent(dicom, '110150', 'Application', { display: 'p2p-gateway-local' }, true);
const claimed = 'as the item claims; CloudTrail has the caller';
const operatorAgent = (name: string) =>
  agent(humanUser, 'humanuser', 'human user', { ...identified('operator', name), display: claimed }, true);
const byPartner = [partnerAgent(true), payerAgent];
const byGateway = [gatewayAgent, partnerAgent(false), payerAgent];
const source = {
  site: 'local',
  observer: { display: 'p2p-gateway-local' },
  type: [
    {
      system: 'http://terminology.hl7.org/CodeSystem/security-source-type',
      code: '4',
      display: 'Application Server',
    },
  ],
};

const entity = (
  what: object,
  type: object,
  role: readonly [code: string, display: string],
  detail: readonly Detail[],
) => ({
  what,
  type,
  role: { system: objectRole, code: role[0], display: role[1] },
  ...(detail.length === 0 ? {} : { detail: detail.map(([type_, valueString]) => ({ type: type_, valueString })) }),
});
const grantEntity = (id: string, ...detail: readonly Detail[]) =>
  entity(identified('grant', id), systemObject, ['13', 'Security Resource'], detail);
const requestEntity = (id: string, ...detail: readonly Detail[]) =>
  entity(identified('request', id), systemObject, ['20', 'Job'], detail);
const person = { system: entityType, code: '1', display: 'Person' };
const patientEntity = entity({ reference: 'Patient/patient-1' }, person, ['1', 'Patient'], []);
const subtype = (code: string) => ({ system: 'urn:p2p-gateway:event', code });

const by = { operator: 'arn:aws:sts::111122223333:assumed-role/OnCall/alex', note: 'The member asked by phone' };

const readOf = (change: Partial<ReadEvent> = {}): Item =>
  readEventItem({
    type: 'opened',
    atMs: startMs + 123,
    requestId: 'request-1',
    grantId: 'grant-1',
    partner: 'demo-partner',
    payer: 'northwind',
    patient: 'patient-1',
    interaction: 'search-type Observation',
    ...change,
  });

describe('a read', () => {
  it('that began is this event, without an outcome', async () => {
    const { event, keys } = await filed(streamRecord(undefined, readOf()));

    expect(event).toEqual({
      resourceType: 'AuditEvent',
      id: idOf('read', 'request-1.opened'),
      type: {
        system: 'http://terminology.hl7.org/CodeSystem/audit-event-type',
        code: 'rest',
        display: 'RESTful Operation',
      },
      subtype: [{ system: 'http://hl7.org/fhir/restful-interaction', code: 'search-type' }, subtype('opened')],
      action: 'E',
      recorded: '2026-06-01T12:00:00.123Z',
      agent: byPartner,
      source,
      entity: [
        grantEntity('grant-1'),
        patientEntity,
        requestEntity('request-1', ['interaction', 'search-type Observation']),
      ],
    });
    expect(keys).toEqual([expect.stringMatching(/^events\/partner=demo-partner\/date=2026-06-01\//)]);
  });

  it('that is opened in place of its end, or opened twice, rings', async () => {
    const ended = readOf({ type: 'ended', end: { status: 200 } });
    for (const before of [ended, readOf()]) {
      const { log } = await filed(streamRecord(before, readOf({ interaction: 'read Patient' })));
      expect(log[0]).toMatchObject({ rewritten: 1, auditTimesDiffer: 1 });
    }
    expect((await filed(streamRecord(readOf(), ended))).log[0]).toMatchObject({ rewritten: 0 });
  });

  it.each([
    [{ status: 200, bytes: 17 }, '0', '200'],
    [{ status: 304 }, '0', '304'],
    [{ status: 200, bytes: 5, error: 'payer_timeout' }, '8', '200, cut: payer_timeout'],
    [{ status: 403, error: 'insufficient_scope' }, '4', '403, insufficient_scope'],
    [{ status: 404 }, '4', '404'],
    [{ status: 400 }, '4', '400'],
    [{ status: 400, error: 'invalid_request' }, '4', '400, invalid_request'],
    [{ status: 500 }, '8', '500'],
    [{ status: 502, error: 'payer_error' }, '8', '502, payer_error'],
  ])('that ended with %j has the outcome %s', async (end, outcome, outcomeDesc) => {
    const { patient: _patient, ...unbound } = readOf({ type: 'ended', end, interaction: 'read Patient' });
    const { event } = await filed(streamRecord(undefined, unbound));

    const bytes: Detail[] = 'bytes' in end ? [['bytes', String(end.bytes)]] : [];
    expect(event).toMatchObject({ id: idOf('read', 'request-1.ended'), action: 'R', outcome, outcomeDesc });
    expect(event.entity).toEqual([
      grantEntity('grant-1'),
      requestEntity('request-1', ['interaction', 'read Patient'], ...bytes),
    ]);
  });

  it('whose process died has an unknown end', async () => {
    const { event } = await filed(streamRecord(undefined, { ...readOf(), type: { S: 'endUnknown' } }));

    expect(event).toMatchObject({
      id: idOf('read', 'request-1.endUnknown'),
      subtype: [{}, { code: 'endUnknown' }],
      outcome: '8',
      outcomeDesc: 'end unknown',
    });
  });

  it.each([
    ['read Patient', 'R', 'read'],
    ['vread Binary', 'R', 'vread'],
    ['history-instance Patient', 'R', 'history-instance'],
    ['everything Patient', 'E', 'operation'],
    ['export', 'E', 'operation'],
    ['export Observation', 'E', 'operation'],
    ['export file Observation', 'R', 'operation'],
    ['export manifest', 'R', 'operation'],
    ['export delete', 'D', 'operation'],
    ['search-compartment Patient Observation', 'E', 'search'],
    ['page', 'E', 'search'],
  ])('of the interaction %s is called as FHIR calls it', async (interaction, action, code) => {
    const { event } = await filed(streamRecord(undefined, readOf({ interaction })));

    expect([event.action, event.subtype[0]?.code]).toEqual([action, code]);
  });
});

describe('an exchange', () => {
  const consent = { id: 'consent-1', hash: 'a'.repeat(43) };
  const asked = { submitted: 'member-1', consent, outcome: 'asked' };
  const exchange = { exportId: 'exchange-1', partner: 'demo-partner', payer: 'northwind', requestId: 'request-1' };
  /** The items that its events write, each of which a stream then shows. */
  const written = async (write: (deps: ExchangeAuditDeps) => Promise<void>): Promise<Item[]> => {
    const { client, items } = memoryDynamo();
    await write({ audit: { client, name: 'AuditEvents' }, clock: { now: () => startMs + 5 } });
    return [...items('AuditEvents').values()];
  };
  const memberEntity = (what: object, ...detail: readonly Detail[]) => entity(what, person, ['1', 'Patient'], detail);
  const underConsent: readonly Detail[] = [
    ['consent', consent.id],
    ['consentHash', consent.hash],
  ];

  it('that is asked names every member as submitted, and the consent, and is filed by partner and by payer', async () => {
    const [item = {}] = await written((deps) => auditAsked(deps, { ...exchange, exchange: 'match' }, [asked]));
    const { event, keys, objects } = await filed(streamRecord(undefined, item));

    expect(event).toEqual({
      resourceType: 'AuditEvent',
      id: idOf('exchange', 'exchange-1.asked.0'),
      type: {
        system: 'http://terminology.hl7.org/CodeSystem/audit-event-type',
        code: 'rest',
        display: 'RESTful Operation',
      },
      subtype: [{ system: 'http://hl7.org/fhir/restful-interaction', code: 'operation' }, subtype('asked')],
      action: 'E',
      recorded: '2026-06-01T12:00:00.005Z',
      outcome: '0',
      agent: byPartner,
      source,
      entity: [
        entity(
          identified('exchange', 'exchange-1'),
          systemObject,
          ['13', 'Security Resource'],
          [
            ['exchange', 'match'],
            ['part', '0'],
          ],
        ),
        requestEntity('request-1'),
        memberEntity(identified('submitted-patient', 'member-1'), ['outcome', 'asked'], ...underConsent),
      ],
    });
    expect(keys).toEqual([
      expect.stringMatching(/^events\/partner=demo-partner\/date=2026-06-01\/[0-9a-f]{64}\.ndjson$/),
      expect.stringMatching(/^exchanges\/payer=northwind\/date=2026-06-01\/[0-9a-f]{64}\.ndjson$/),
    ]);
    expect([...new Set(objects.values())]).toEqual([`${JSON.stringify(event)}\n`]);
  });

  it('that came says of each member what came, by the payer’s reference, and of somebody who was not asked for', async () => {
    const members = [
      { ...asked, reference: 'Patient/x', outcome: 'exported', resources: 7 },
      { reference: 'Patient/y', outcome: 'stranger' },
    ];
    const about = { ...exchange, exchange: 'group', group: 'group-1' } as const;
    const [item = {}] = await written((deps) => auditCame(deps, about, { status: 'partial', members }));
    const { event } = await filed(streamRecord(undefined, item));

    expect(event).toMatchObject({ subtype: [{}, subtype('came')], outcome: '0', outcomeDesc: 'partial' });
    expect(event.entity[0]?.detail).toContainEqual({ type: 'group', valueString: 'group-1' });
    expect(event.entity.slice(2)).toEqual([
      memberEntity(
        { reference: 'Patient/x', ...identified('submitted-patient', 'member-1') },
        ['outcome', 'exported'],
        ...underConsent,
        ['resources', '7'],
      ),
      memberEntity({ reference: 'Patient/y' }, ['outcome', 'stranger']),
    ]);
  });

  it('that an operator ended, as a whole or for one member, names the operator, the member and the reason', async () => {
    const about = { ...exchange, exchange: 'match', group: 'group-1' } as const;
    const [whole = {}] = await written((deps) => auditEnded(deps, about, { by }));
    const [one = {}] = await written((deps) => auditEnded(deps, about, { by, member: 'Patient/x' }));
    const [ended, memberEnded] = [
      await filed(streamRecord(undefined, whole)),
      await filed(streamRecord(undefined, one)),
    ];

    for (const { event, keys } of [ended, memberEnded]) {
      expect(event).toMatchObject({
        action: 'D',
        outcome: '0',
        agent: [operatorAgent(by.operator), partnerAgent(false), payerAgent],
      });
      expect(event.entity[0]?.detail).toContainEqual({ type: 'note', valueString: by.note });
      expect(keys).toHaveLength(2);
    }
    expect([ended.event.subtype, memberEnded.event.subtype]).toEqual([
      [subtype('exchangeEnded')],
      [subtype('memberEnded')],
    ]);
    expect(memberEnded.event.entity[2]).toEqual(memberEntity({ reference: 'Patient/x' }, ['outcome', 'ended']));
  });

  it('of ten thousand members is written in parts that DynamoDB takes, nobody is lost, and a repeat adds nothing', async () => {
    const members = Array.from({ length: 10_000 }, (_, index) => ({
      ...asked,
      submitted: `${'m'.repeat(56)}${index}`,
    }));
    const items = await written(async (deps) => {
      await auditAsked(deps, { ...exchange, exchange: 'match' }, members);
      await auditAsked(
        { ...deps, clock: { now: () => startMs + 60_000 } },
        { ...exchange, exchange: 'match' },
        members,
      );
    });
    const audit = auditFunction();
    await audit.handle(...items.map((item) => streamRecord(undefined, item)));
    const found = audit
      .events()
      .filter(({ key }) => key.startsWith('exchanges/'))
      .flatMap(({ event }) => event.entity.flatMap(({ what }) => what.identifier ?? []))
      .filter(({ system }) => system === 'urn:p2p-gateway:submitted-patient');

    expect(Math.max(...items.map((item) => JSON.stringify(item).length))).toBeLessThan(400_000);
    expect(new Set(items.map((item) => item['atMs']?.N))).toEqual(new Set([String(startMs + 5)]));
    expect(found.map(({ value }) => value).toSorted()).toEqual(members.map(({ submitted }) => submitted).toSorted());
  });

  it('whose event may not be written lets nothing be sent', async () => {
    const { client, failNext } = memoryDynamo();
    failNext('PutItem', new Error('no table'));
    const deps = { audit: { client, name: 'AuditEvents' }, clock: { now: () => startMs } };

    await expect(auditAsked(deps, { ...exchange, exchange: 'match' }, [asked])).rejects.toMatchObject({
      code: 'temporarily_unavailable',
    });
  });

  it('has reads that name it in place of a grant, filed by payer too', async () => {
    const { event, keys } = await filed(streamRecord(undefined, readOf({ exchange: 'exchange-1', patient: '' })));

    expect(event.entity).toEqual([
      entity(identified('exchange', 'exchange-1'), systemObject, ['13', 'Security Resource'], []),
      requestEntity('request-1', ['interaction', 'search-type Observation']),
    ]);
    expect(keys[1]).toMatch(/^exchanges\/payer=northwind\/date=2026-06-01\//);
  });
});

/** A grant in its table, and the table's stream records of what happens to it. */
const streamed = async () => {
  const test = fetchGateway();
  const { grantId, stored } = await test.grant();
  const table = test.deps.grants;
  const image = (): Item => ({ ...test.dynamo.items('Grants').get(grantId) });
  const record = async (step: () => Promise<unknown>) => {
    const before = image();
    await step();
    return streamRecord(before, image());
  };
  const refresh = () =>
    record(() => storePayerTokens(table, stored(), { sealed: randomBytes(40), now, requestId: 'request-1' }));
  return { table, grantId, stored, image, record, refresh, dynamo: test.dynamo };
};
const request = { now, requestId: 'request-1' };
const changed = {
  resourceType: 'AuditEvent',
  type: { system: dicom, code: '110137', display: 'User Security Attributes Changed' },
  recorded,
  outcome: '0',
  source,
};
const created = (image: Item, more: Item = {}) =>
  streamRecord(undefined, {
    ...image,
    lastEvent: { M: { type: { S: 'created' }, at: { N: at }, requestId: { S: 'login' } } },
    ...more,
  });

describe('what happens to a grant', () => {
  it('is that it was created: the gateway is no agent, since the partner asked', async () => {
    const { image, grantId } = await streamed();
    const { event, keys, objects } = await filed(created(image()));

    expect(event).toEqual({
      ...changed,
      id: idOf('grant', grantId, `["created","${at}","login","1"]`),
      subtype: [subtype('created')],
      action: 'C',
      agent: byPartner,
      entity: [
        grantEntity(grantId, ['scope', 'launch/patient patient/*.rs offline_access'], ['ends', '2026-11-28T12:00:00Z']),
        patientEntity,
        requestEntity('login'),
      ],
    });
    expect(keys).toEqual([
      expect.stringMatching(/^events\/partner=demo-partner\/date=2026-06-01\/[0-9a-f]{64}\.ndjson$/),
      `grants/${grantId}.ndjson`,
    ]);
    expect([...new Set(objects.values())]).toEqual([`${JSON.stringify(event)}\n`]);
  });

  it('is filed under the index of its member too, when it was created, where nothing else is in the name', async () => {
    const { image, grantId } = await streamed();
    const { keys, event, objects } = await filed(created(image(), { memberIndex: { S: 'an-index' } }));

    expect(keys.slice(1)).toEqual([`grants/${grantId}.ndjson`, `members/an-index/${grantId}.ndjson`]);
    expect(objects.get(`members/an-index/${grantId}.ndjson`)).toBe(`${JSON.stringify(event)}\n`);
    expect(keys.join()).not.toContain('patient-1');
    expect(JSON.stringify(event)).not.toContain('an-index');
  });

  it('is that an operator indexed it, filed under its member; later events are not', async () => {
    const { table, grantId, record } = await streamed();
    const member = { grantId, payer: 'northwind', patient: 'patient-1' };
    const { keys, event } = await filed(
      await record(() => addMemberIndex(table, member, { memberIndex: 'an-index', ...request, by })),
    );

    expect(event).toMatchObject({ action: 'U', subtype: [{ code: 'indexed' }], outcome: '0' });
    expect(event.agent).toEqual([operatorAgent(by.operator), partnerAgent(false), payerAgent]);
    expect(keys.slice(1)).toEqual([`members/an-index/${grantId}.ndjson`]);
    const later = await filed(await record(() => revoke(table, grantId, 'byPartner', request)));
    expect(later.keys).toHaveLength(1);
  });

  it('is that an operator ended its export, and why', async () => {
    const { table, grantId, record } = await streamed();
    const { keys, event } = await filed(await record(() => noteExportEnded(table, grantId, { ...request, by })));

    expect(event).toMatchObject({ action: 'U', subtype: [{ code: 'exportEnded' }], outcome: '0' });
    expect(event.agent).toEqual([operatorAgent(by.operator), partnerAgent(false), payerAgent]);
    expect(event.entity[0]?.detail).toContainEqual({ type: 'note', valueString: by.note });
    expect(keys).toHaveLength(1);
  });

  it('is that the partner redeemed it, and that the partner refreshed it', async () => {
    const { table, stored, record, image } = await streamed();
    const access = { hash: 'next', expiresAt: now + 60, scope: parseScopes('patient/*.rs') };
    const issue = {
      presentedHash: stored().refreshHash ?? '',
      access,
      refreshHash: 'next-refresh',
      salt: randomBytes(16),
    };
    const redeemed = await filed(streamRecord(undefined, image()));
    const refreshed = await filed(await record(() => rotate(table, stored(), issue, request)));

    expect(redeemed.event).toMatchObject({ action: 'U', subtype: [subtype('redeemed')], agent: byPartner });
    expect(redeemed.keys).toHaveLength(1);
    expect(refreshed.event).toMatchObject({ action: 'U', subtype: [subtype('refreshed')], agent: byPartner });
  });

  it('is that the gateway refreshed payer tokens', async () => {
    const { refresh, grantId } = await streamed();

    expect((await filed(await refresh())).event).toEqual({
      ...changed,
      id: idOf('grant', grantId, `["payerRefreshed","${at}","request-1","2"]`),
      subtype: [subtype('payerRefreshed')],
      action: 'U',
      agent: byGateway,
      entity: [grantEntity(grantId), patientEntity, requestEntity('request-1')],
    });
  });

  it.each<[RevocationReason, readonly object[]]>([
    ['byPartner', byPartner],
    ['codeReplayed', byGateway],
    ['refreshTokenReused', byGateway],
    ['refusedByPayer', byGateway],
    ['otherPatient', byGateway],
  ])('is that it was revoked, because %s', async (reason, agents) => {
    const { table, grantId, record } = await streamed();
    const { event } = await filed(await record(() => revoke(table, grantId, reason, request)));

    expect(event).toMatchObject({ action: 'D', subtype: [subtype('revoked')], agent: agents });
    expect(event.entity[0]).toEqual(grantEntity(grantId, ['reason', reason]));
  });

  it('is that its member ended it, who is the requestor', async () => {
    const { table, grantId, record } = await streamed();
    const { event } = await filed(
      await record(() => endGrant(table, { grantId, stops: undefined }, 'member', request)),
    );

    // AuditEvent.agent.who may be a Patient, and the requestor is who did it (https://hl7.org/fhir/R4/auditevent.html).
    expect(event.agent.filter(({ requestor }) => requestor)).toEqual([
      { ...operatorAgent(''), who: patientEntity.what },
    ]);
    expect(event.entity[0]).toEqual(grantEntity(grantId, ['reason', 'byMember']));
  });

  it('is that an operator revoked it, with name and reason', async () => {
    const { table, grantId, record } = await streamed();
    const { event } = await filed(await record(() => revoke(table, grantId, 'byOperator', { ...request, by })));

    expect(event).toEqual({
      ...changed,
      id: idOf('grant', grantId, `["revoked","${at}","request-1","1"]`),
      subtype: [subtype('revoked')],
      action: 'D',
      agent: [operatorAgent(by.operator), partnerAgent(false), payerAgent],
      entity: [
        grantEntity(grantId, ['reason', 'byOperator'], ['note', by.note]),
        patientEntity,
        requestEntity('request-1'),
      ],
    });
  });

  it('is no event if a lease is taken or released, an assertion used, or the item removed by TTL', async () => {
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

  it.each<[string, Item, Item]>([
    ['its reason', { reason: { S: 'byPartner' } }, {}],
    ['its operator', { operator: { S: 'another' } }, {}],
    ['its note', { note: { S: 'another' } }, {}],
    ['its partner', {}, { partner: { S: 'other-partner' } }],
    ['its patient', {}, { patient: { S: 'patient-2' } }],
    ['its scope', {}, { scope: { S: 'patient/*.rs' } }],
  ])('that is rewritten under the id of its last event is an event, and rings: %s', async (_, change, more) => {
    const { table, grantId, image, record } = await streamed();
    const first = await filed(await record(() => revoke(table, grantId, 'byOperator', { ...request, by })));
    const lastEvent = { M: { ...image()['lastEvent']?.M, ...change } };
    const again = await filed(streamRecord(image(), { ...image(), ...more, lastEvent }));

    expect(first.log[0]).not.toHaveProperty('auditTimesDiffer');
    expect(again.event.id).toBe(first.event.id);
    expect(again.log).toEqual([expect.objectContaining({ level: 'error', rewritten: 1, auditTimesDiffer: 1 })]);
  });

  it('is two events if payer tokens are refreshed twice in one request and second', async () => {
    const { refresh } = await streamed();
    const audit = auditFunction();
    await audit.handle(await refresh(), await refresh());

    expect(new Set(audit.events().map(({ event }) => event.id)).size).toBe(2);
  });
});

describe('the time of an event', () => {
  const year2100 = Date.UTC(2100, 0, 1);

  it('of a grant is its stream’s, and what the item says is claimed, with the alarm', async () => {
    const { image, grantId } = await streamed();
    const lastEvent = { type: { S: 'refreshed' }, at: { N: String(year2100 / 1000) }, requestId: { S: 'r' } };
    const { event, keys, log } = await filed(streamRecord(image(), { ...image(), lastEvent: { M: lastEvent } }, now));

    expect(event).toMatchObject({
      recorded,
      entity: [grantEntity(grantId, ['claimedAt', '2100-01-01T00:00:00Z']), {}, {}],
    });
    expect(keys).toEqual([expect.stringMatching(/date=2026-06-01/)]);
    expect(log).toEqual([expect.objectContaining({ level: 'error', apart: 1, auditTimesDiffer: 1 })]);
  });

  it.each<[string, number, Item, string, readonly Detail[]]>([
    ['the stream agrees within two minutes', startMs + 119_999, {}, '2026-06-01T12:01:59.999Z', []],
    ['it is years ahead', year2100, {}, recorded, [['claimedAt', '2100-01-01T00:00:00Z']]],
    ['it is 121 seconds late', startMs - 121_000, {}, recorded, [['claimedAt', '2026-06-01T11:57:59Z']]],
    [
      'it is years ahead and says that it was put back',
      year2100,
      { refiledAt: { N: at } },
      recorded,
      [['claimedAt', '2100-01-01T00:00:00Z']],
    ],
    [
      'it is of the day before and was put back long ago',
      startMs - 86_400_000 + 5,
      { refiledAt: { N: '1' } },
      recorded,
      [['claimedAt', '2026-05-31T12:00:00Z']],
    ],
    [
      'it was put back after the table keeps it',
      startMs - 36 * 86_400_000,
      { refiledAt: { N: at } },
      recorded,
      [['claimedAt', '2026-04-26T12:00:00Z']],
    ],
    [
      'it is of the day before and was put back',
      startMs - 86_400_000 + 5,
      { refiledAt: { N: at } },
      '2026-05-31T12:00:00.005Z',
      [['putBackAt', recorded]],
    ],
  ])('of a read is its own, or its stream’s: %s', async (_, atMs, more, time, marks) => {
    const { event, log } = await filed(streamRecord(undefined, { ...readOf({ atMs }), ...more }, now));

    expect(event.recorded).toBe(time);
    expect(event.entity.at(-1)).toEqual(
      requestEntity('request-1', ['interaction', 'search-type Observation'], ...marks),
    );
    expect(log[0]?.['auditTimesDiffer']).toBe(marks.length === 0 ? undefined : 1);
  });
});

describe('an item that cannot be read', () => {
  const unreadable = (id: string, sequence = '') => ({
    resourceType: 'AuditEvent',
    id: idOf('unreadable', id, sequence),
    type: { system: dicom, code: '110100', display: 'Application Activity' },
    subtype: [subtype('unreadable')],
    action: 'E',
    recorded: '2026-06-01T12:00:00.000Z',
    outcome: '8',
    outcomeDesc: 'An item was written that the audit cannot read',
    agent: [gatewayAgent],
    source,
    entity: [{ what: identified('item', id), type: systemObject }],
  });
  const grant = (change: Item): Item => ({
    grantId: { S: 'grant-1' },
    partner: { S: 'canary' },
    payer: { S: 'canary' },
    lastEvent: { M: { type: { S: 'redeemed' }, requestId: { S: 'canary' }, at: { N: at }, ...change } },
  });
  const newGrant = { ...grant({ type: { S: 'created' } }), scope: { S: 'patient/*.rs' }, endsAt: { N: at } };

  const exchanged: Item = { ...readOf({ exchange: 'e' }), type: { S: 'asked' }, interaction: { S: 'match' } };
  Object.assign(exchanged, { part: { N: '0' }, members: { S: '[]' } });

  const withMember = (member: string): Item => ({ ...exchanged, members: { S: `[${member}]` } });
  // `JSON.stringify` and `String` throw at this depth; `JSON.parse` does not.
  const deep = '['.repeat(100_000) + ']'.repeat(100_000);

  it.each<[string, Item]>([
    ['a read of a type that is none', { ...readOf(), type: { S: 'closed' } }],
    ['a read of no type', { ...readOf(), type: { S: '' } }],
    ['a read at a time that is no number', { ...readOf(), atMs: { N: 'soon' } }],
    ['a read of no partner', { ...readOf(), partner: { S: '' } }],
    ['an end without a status', { ...readOf(), type: { S: 'ended' } }],
    ['an end whose status is no number', { ...readOf(), type: { S: 'ended' }, status: { N: 'x' } }],
    ['a read of no request', { ...readOf(), requestId: { S: '' } }],
    ...[
      ['another folder', 'my-app/date=2026-06-01!'],
      ['the folder above', '..'],
      ['a partner and a line break', 'my-app\n'],
      // A key of S3 has 1,024 bytes at most, in UTF-8 (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html).
      ['2,000 characters', 'p'.repeat(2000)],
    ].flatMap(([what, text = '']): [string, Item][] => [
      [`a read whose partner is ${what}`, { ...readOf(), partner: { S: text } }],
      [`a grant whose partner is ${what}`, { ...grant({}), partner: { S: text } }],
      [`a grant whose index of a member is ${what}`, { ...grant({}), memberIndex: { S: text } }],
      [`a new grant whose id is ${what}`, { ...newGrant, grantId: { S: text } }],
    ]),
    ['an exchange that nobody ended', { ...exchanged, type: { S: 'memberEnded' } }],
    ['an exchange of a type that is none', { ...exchanged, type: { S: 'opened' } }],
    ['an exchange of no kind', { ...exchanged, interaction: { S: 'read Patient' } }],
    ['an exchange whose members are no JSON', { ...exchanged, members: { S: '[' } }],
    ['an exchange whose members are none', { ...exchanged, members: { S: '[{}]' } }],
    ...['submitted', 'reference', 'consent', 'resources'].flatMap((name): [string, Item][] => [
      [`an exchange with a member whose ${name} is deep`, withMember(`{"outcome":"asked","${name}":${deep}}`)],
      [
        `an exchange with a member whose ${name} is no text`,
        withMember(`{"outcome":"asked","${name}":{"toString":1}}`),
      ],
    ]),
    ['an exchange with a member whose outcome is deep', withMember(`{"outcome":${deep}}`)],
    [
      'an exchange with a consent whose id is deep',
      withMember(`{"outcome":"asked","consent":{"id":${deep},"hash":"h"}}`),
    ],
    ['an exchange whose payer is another folder', { ...exchanged, payer: { S: '../x' } }],
    ['a grant whose event is none', grant({ type: { S: 'toString' } })],
    ['a grant changed by no request', grant({ requestId: { S: '' } })],
    ['a grant changed at no time', grant({ at: { S: 'soon' } })],
    ['a grant whose event is a text', { ...grant({}), lastEvent: { S: 'canary' } }],
  ])('is filed by its key only, and raises the alarm: %s', async (_what, item) => {
    const record = streamRecord(undefined, item);
    const { event, keys, log } = await filed(record);

    const key = item['eventId']?.S ?? item['grantId']?.S ?? '';
    expect(event).toEqual(unreadable(key, record.dynamodb?.SequenceNumber));
    expect(keys).toEqual([expect.stringMatching(/^events\/partner=unknown\/date=2026-06-01\//)]);
    expect(log).toEqual([expect.objectContaining({ level: 'error', unreadable: 1, auditNotWritten: 1 })]);
    expect(JSON.stringify(log)).not.toMatch(/canary|northwind|my-app/);
  });

  it.each(['constructor', 'toString x', 'hasOwnProperty', '__proto__'])(
    'is filed as a line that the tools can read, though its interaction is %s',
    async (interaction) => {
      const audit = auditFunction();
      await audit.handle(streamRecord(undefined, { ...readOf(), interaction: { S: interaction } }));
      const lines = [...audit.objects.values()].join('');
      expect(parseEvents('a key', lines)[0]?.subtype[0]?.code).toBe(interaction.split(' ')[0]);
    },
  );

  it('is named unknown if the record has no keys, time or image', () => {
    expect(readRecords([{ eventName: 'INSERT' }], 'local', startMs)).toMatchObject([
      { unreadable: true, partner: 'unknown', event: unreadable('unknown') },
    ]);
  });
});
