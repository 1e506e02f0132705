import { createHash } from 'node:crypto';
import type { AttributeValue } from 'aws-lambda';
import { readRecords } from '../../../functions/audit/read-records.ts';

const at = '1780315200';
const recorded = '2026-06-01T12:00:00Z';

const idOf = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 40);

/** The AuditEvent of one item as a stream shows it, with what it is filed under. */
const filed = (item: Record<string, AttributeValue>, key: 'eventId' | 'grantId', sequence = '7') => {
  const { [key]: value = { S: 'unknown' } } = item;
  const [first] = readRecords(
    [
      {
        eventName: 'INSERT',
        dynamodb: {
          Keys: { [key]: value },
          NewImage: item,
          SequenceNumber: sequence,
          ApproximateCreationDateTime: Number(at),
        },
      },
    ],
    'local',
    0,
  );
  return first;
};

const dicom = 'http://dicom.nema.org/resources/ontology/DCM';
const entityType = 'http://terminology.hl7.org/CodeSystem/audit-entity-type';
const objectRole = 'http://terminology.hl7.org/CodeSystem/object-role';
const systemObject = { system: entityType, code: '2', display: 'System Object' };

const partnerAgent = (requestor: boolean) => ({
  type: { coding: [{ system: dicom, code: '110152', display: 'Destination Role ID' }] },
  who: { identifier: { system: 'urn:p2p-gateway:partner', value: 'demo-partner' } },
  requestor,
});
const payerAgent = {
  type: { coding: [{ system: dicom, code: '110153', display: 'Source Role ID' }] },
  who: { identifier: { system: 'urn:p2p-gateway:payer', value: 'northwind' } },
  requestor: false,
};
const gatewayAgent = {
  type: { coding: [{ system: dicom, code: '110150', display: 'Application' }] },
  who: { display: 'p2p-gateway-local' },
  requestor: true,
};
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
const grantEntity = (...detail: readonly { type: string; valueString: string }[]) => ({
  what: { identifier: { system: 'urn:p2p-gateway:grant', value: 'grant-1' } },
  type: systemObject,
  role: { system: objectRole, code: '13', display: 'Security Resource' },
  ...(detail.length === 0 ? {} : { detail }),
});
const patientEntity = {
  what: { reference: 'Patient/patient-1' },
  type: { system: entityType, code: '1', display: 'Person' },
  role: { system: objectRole, code: '1', display: 'Patient' },
};
const requestEntity = (id: string, ...detail: readonly { type: string; valueString: string }[]) => ({
  what: { identifier: { system: 'urn:p2p-gateway:request', value: id } },
  type: systemObject,
  role: { system: objectRole, code: '20', display: 'Job' },
  ...(detail.length === 0 ? {} : { detail }),
});

const read = (change: Record<string, AttributeValue> = {}): Record<string, AttributeValue> => ({
  eventId: { S: 'request-1.opened' },
  type: { S: 'opened' },
  atMs: { N: '1780315200123' },
  requestId: { S: 'request-1' },
  grantId: { S: 'grant-1' },
  partner: { S: 'demo-partner' },
  payer: { S: 'northwind' },
  patient: { S: 'patient-1' },
  interaction: { S: 'search-type Observation' },
  ...change,
});

const grant = (
  lastEvent: Record<string, AttributeValue>,
  change: Record<string, AttributeValue> = {},
): Record<string, AttributeValue> => ({
  grantId: { S: 'grant-1' },
  partner: { S: 'demo-partner' },
  payer: { S: 'northwind' },
  patient: { S: 'patient-1' },
  scope: { S: 'patient/*.rs offline_access' },
  endsAt: { N: '1811851200' },
  lastEvent: { M: { at: { N: at }, ...lastEvent } },
  ...change,
});

const changed = {
  resourceType: 'AuditEvent',
  type: { system: dicom, code: '110137', display: 'User Security Attributes Changed' },
  recorded,
  outcome: '0',
  source,
};

describe('the whole AuditEvent', () => {
  it('of a read that began', () => {
    expect(filed(read(), 'eventId')).toEqual({
      partner: 'demo-partner',
      event: {
        resourceType: 'AuditEvent',
        id: idOf('read', 'request-1.opened'),
        type: {
          system: 'http://terminology.hl7.org/CodeSystem/audit-event-type',
          code: 'rest',
          display: 'RESTful Operation',
        },
        subtype: [
          { system: 'http://hl7.org/fhir/restful-interaction', code: 'search-type' },
          { system: 'urn:p2p-gateway:event', code: 'opened' },
        ],
        action: 'E',
        recorded: '2026-06-01T12:00:00.123Z',
        agent: [partnerAgent(true), payerAgent],
        source,
        entity: [
          grantEntity(),
          patientEntity,
          requestEntity('request-1', { type: 'interaction', valueString: 'search-type Observation' }),
        ],
      },
    });
  });

  it('of a read that ended, without a patient', () => {
    const { patient: _patient, ...unbound } = read({
      type: { S: 'ended' },
      status: { N: '200' },
      bytes: { N: '17' },
      interaction: { S: 'read Patient' },
    });
    expect(filed(unbound, 'eventId')?.event).toMatchObject({
      id: idOf('read', 'request-1.ended'),
      action: 'R',
      outcome: '0',
      outcomeDesc: '200',
      entity: [
        grantEntity(),
        requestEntity(
          'request-1',
          { type: 'interaction', valueString: 'read Patient' },
          { type: 'bytes', valueString: '17' },
        ),
      ],
    });
  });

  it('of a read whose process died', () => {
    expect(filed(read({ type: { S: 'endUnknown' } }), 'eventId')?.event).toMatchObject({
      id: idOf('read', 'request-1.endUnknown'),
      subtype: [{}, { code: 'endUnknown' }],
      outcome: '8',
      outcomeDesc: 'end unknown',
    });
  });

  it('of a new grant: the gateway is no agent, since the partner asked', () => {
    expect(filed(grant({ type: { S: 'created' }, requestId: { S: 'login' } }), 'grantId')).toEqual({
      partner: 'demo-partner',
      createdGrant: 'grant-1',
      event: {
        ...changed,
        id: createHash('sha256')
          .update(JSON.stringify(['grant', 'grant-1', `["created","${at}","login",null]`]))
          .digest('hex')
          .slice(0, 40),
        subtype: [{ system: 'urn:p2p-gateway:event', code: 'created' }],
        action: 'C',
        agent: [partnerAgent(true), payerAgent],
        entity: [
          grantEntity(
            { type: 'scope', valueString: 'patient/*.rs offline_access' },
            { type: 'ends', valueString: '2027-06-01T12:00:00Z' },
          ),
          patientEntity,
          requestEntity('login'),
        ],
      },
    });
  });

  it('of payer tokens that the gateway refreshed', () => {
    const item = grant({ type: { S: 'payerRefreshed' }, requestId: { S: 'request-3' } }, { payerVersion: { N: '4' } });
    expect(filed(item, 'grantId')).toEqual({
      partner: 'demo-partner',
      event: {
        ...changed,
        id: idOf('grant', 'grant-1', `["payerRefreshed","${at}","request-3","4"]`),
        subtype: [{ system: 'urn:p2p-gateway:event', code: 'payerRefreshed' }],
        action: 'U',
        agent: [gatewayAgent, partnerAgent(false), payerAgent],
        entity: [grantEntity(), patientEntity, requestEntity('request-3')],
      },
    });
  });

  it('of a grant that an operator ended', () => {
    const item = grant({
      type: { S: 'revoked' },
      requestId: { S: 'request-2' },
      reason: { S: 'byOperator' },
      operator: { S: 'operator-1' },
      note: { S: 'The member asked' },
    });
    expect(filed(item, 'grantId')?.event).toEqual({
      ...changed,
      id: idOf('grant', 'grant-1', `["revoked","${at}","request-2",null]`),
      subtype: [{ system: 'urn:p2p-gateway:event', code: 'revoked' }],
      action: 'D',
      agent: [
        {
          type: {
            coding: [
              {
                system: 'http://terminology.hl7.org/CodeSystem/extra-security-role-type',
                code: 'humanuser',
                display: 'human user',
              },
            ],
          },
          who: { identifier: { system: 'urn:p2p-gateway:operator', value: 'operator-1' } },
          requestor: true,
        },
        partnerAgent(false),
        payerAgent,
      ],
      entity: [
        grantEntity({ type: 'reason', valueString: 'byOperator' }, { type: 'note', valueString: 'The member asked' }),
        patientEntity,
        requestEntity('request-2'),
      ],
    });
  });

  it.each(['eventId', 'grantId'] as const)('of an item of the table with %s that cannot be read', (key) => {
    expect(filed({ [key]: { S: 'item-1' }, type: { S: 'later' }, partner: { S: 'demo-partner' } }, key)).toEqual({
      partner: 'unknown',
      unreadable: true,
      event: {
        resourceType: 'AuditEvent',
        id: idOf('unreadable', 'item-1', '7'),
        type: { system: dicom, code: '110100', display: 'Application Activity' },
        subtype: [{ system: 'urn:p2p-gateway:event', code: 'unreadable' }],
        action: 'E',
        recorded: '2026-06-01T12:00:00.000Z',
        outcome: '8',
        outcomeDesc: 'An item was written that the audit cannot read',
        agent: [gatewayAgent],
        source,
        entity: [{ what: { identifier: { system: 'urn:p2p-gateway:item', value: 'item-1' } }, type: systemObject }],
      },
    });
  });

  it.each([
    ['a type that is none', { type: { S: 'closed' } }],
    ['no type', { type: { S: '' } }],
    ['a time that is no number', { atMs: { N: 'soon' } }],
    ['no partner', { partner: { S: '' } }],
    ['an end without a status', { type: { S: 'ended' } }],
    ['an end whose status is no number', { type: { S: 'ended' }, status: { N: 'x' } }],
    ['no request', { requestId: { S: '' } }],
  ] as const)('of a read with %s names only the item', (_what, change) => {
    expect(filed(read(change), 'eventId')).toMatchObject({ unreadable: true, partner: 'unknown' });
  });

  it.each([
    ['a type that is none', { type: { S: 'toString' } }],
    ['no request', { requestId: { S: '' } }],
    ['no time', { at: { S: 'soon' } }],
  ] as const)('of a grant with %s names only the item', (_what, change) => {
    const event = { type: { S: 'redeemed' }, requestId: { S: 'request-2' }, ...change };
    expect(filed(grant(event), 'grantId')).toMatchObject({ unreadable: true, partner: 'unknown' });
  });

  it('of a record without keys, time or image says so', () => {
    expect(readRecords([{ eventName: 'INSERT' }], 'local', 1_780_315_200_000)).toMatchObject([
      {
        unreadable: true,
        event: {
          id: idOf('unreadable', 'unknown', ''),
          recorded: '2026-06-01T12:00:00.000Z',
          entity: [{ what: { identifier: { value: 'unknown' } } }],
        },
      },
    ]);
  });
});

it.each([
  ['byPartner', true],
  ['codeReplayed', false],
])('a grant that ended %s was ended by its partner: %s', (reason, requestor) => {
  const item = grant({ type: { S: 'revoked' }, requestId: { S: 'request-2' }, reason: { S: reason } });
  const agents = filed(item, 'grantId')?.event.agent;
  expect(agents).toEqual(
    requestor ? [partnerAgent(true), payerAgent] : [gatewayAgent, partnerAgent(false), payerAgent],
  );
});
