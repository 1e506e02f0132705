import { inspect } from 'node:util';
import { idOf } from '../../../bin/audit/event-facts.ts';
import { systems } from '../../../functions/audit/audit-event.ts';
import { readEventItem, type ReadEvent } from '../../../functions/shared/store/read-events.ts';
import { metric } from '../../support/embedded-metrics.ts';
import { startMs } from '../../support/gateway.ts';
import { auditFunction, streamRecord } from './records.ts';

const readEvent = (change: Partial<ReadEvent> = {}): ReadEvent => ({
  type: 'opened',
  atMs: startMs,
  requestId: 'request-1',
  grantId: 'grant-1',
  partner: 'demo-partner',
  payer: 'northwind',
  patient: 'patient-1',
  interaction: 'search-type Observation',
  ...change,
});

const recordOf = (change: Partial<ReadEvent> = {}) => streamRecord(undefined, readEventItem(readEvent(change)));

describe('a batch', () => {
  const batch = () => [
    recordOf(),
    recordOf({ type: 'ended', atMs: startMs + 90, end: { status: 200, bytes: 1 } }),
    recordOf({ requestId: 'request-2', partner: 'other-partner' }),
    recordOf({ requestId: 'request-3', atMs: startMs + 86_400_000 }),
  ];

  it('becomes one object for each partner and day', async () => {
    const audit = auditFunction();
    await audit.handle(...batch());
    expect(
      audit.events().map(({ key, event }) => [key.replace(/\/\w+\.ndjson$/, ''), idOf(event, systems.request)]),
    ).toEqual([
      ['events/partner=demo-partner/date=2026-06-01', 'request-1'],
      ['events/partner=demo-partner/date=2026-06-01', 'request-1'],
      ['events/partner=other-partner/date=2026-06-01', 'request-2'],
      ['events/partner=demo-partner/date=2026-06-02', 'request-3'],
    ]);
    expect(audit.keys()).toHaveLength(3);
  });

  it('that is repeated changes nothing', async () => {
    const audit = auditFunction();
    await audit.handle(...batch());
    const objects = new Map(audit.objects);
    await audit.handle(...batch());
    expect(audit.objects).toEqual(objects);
  });

  it('that is repeated shorter or longer loses no event, and no event has two ids', async () => {
    const audit = auditFunction();
    const [first, second, ...others] = batch();
    if (first === undefined || second === undefined) throw new Error('no batch');
    await audit.handle(first);
    await audit.handle(first, second);
    await audit.handle(second, ...others);
    expect(new Set(audit.events().map(({ event }) => event.id)).size).toBe(4);
  });

  it('continues past an unreadable item', async () => {
    const audit = auditFunction();
    const broken = streamRecord(undefined, { eventId: { S: 'request-9.opened' }, type: { S: 'canary' } });
    await audit.handle(recordOf(), broken, recordOf({ requestId: 'request-2' }));
    expect(audit.events()).toHaveLength(3);
    expect(audit.log()).toEqual([expect.objectContaining({ auditEvents: 3, unreadable: 1, auditNotWritten: 1 })]);
    expect(metric(JSON.stringify(audit.log()[0]), 'auditNotWritten')).toEqual({ '': 1 });
  });

  it.each([
    [500, 'InternalError'],
    [403, 'AccessDenied'],
  ])(
    'that S3 refuses with %d throws so that it is repeated, raises the alarm, and is then complete',
    async (status, name) => {
      const audit = auditFunction();
      audit.failNext(status, name);
      await expect(audit.handle(...batch())).rejects.toThrow(new Error(`The batch was not written: ${name}`));
      expect(audit.log()).toEqual([
        expect.objectContaining({ level: 'error', detail: name, auditEvents: 0, auditNotWritten: 1 }),
      ]);
      await audit.handle(...batch());
      expect(audit.events()).toHaveLength(4);
    },
  );

  it('that meets another write of the same name is written at the next try, without an alarm', async () => {
    const audit = auditFunction();
    audit.failNext(409, 'ConditionalRequestConflict');
    await audit.handle(...batch());
    expect(audit.events()).toHaveLength(4);
    expect(audit.log()[0]).not.toHaveProperty('auditNotWritten');
  });

  it('throws none of S3’s text, since Lambda prints the error', async () => {
    const audit = auditFunction();
    audit.failNext(500, 'InternalError', 'cannot store Patient/patient-1');
    const thrown: unknown = await audit.handle(...batch()).catch((error: unknown) => error);
    expect(inspect(thrown, { depth: 8 })).toContain('InternalError');
    expect(inspect(thrown, { depth: 8 })).not.toContain('patient-1');
  });

  it('counts its events and the age of its oldest', async () => {
    const audit = auditFunction();
    await audit.handle(recordOf({ atMs: startMs + 2000 }), recordOf({ atMs: startMs + 1000, requestId: 'request-2' }));
    expect(audit.log()).toEqual([
      expect.objectContaining({ level: 'info', function: 'audit', records: 2, auditEvents: 2, auditLagMs: 4000 }),
    ]);
    expect(audit.log()[0]).not.toHaveProperty('auditNotWritten');
    expect(audit.log()[0]).not.toHaveProperty('detail');
    expect(audit.log()[0]?.['_aws']).toEqual({
      Timestamp: startMs + 5000,
      CloudWatchMetrics: [
        {
          Namespace: 'p2p-gateway/local',
          Dimensions: [[]],
          Metrics: [
            { Name: 'auditEvents', Unit: 'Count' },
            { Name: 'auditLagMs', Unit: 'Milliseconds' },
          ],
        },
      ],
    });
  });

  it('of no event has no age, and an event from the future has the age 0', async () => {
    const audit = auditFunction();
    await audit.handle(streamRecord(recordOf().dynamodb?.NewImage as never, undefined));
    await audit.handle(recordOf({ atMs: startMs + 60_000 }));
    expect(audit.log().map((line) => [line['auditEvents'], line['auditLagMs']])).toEqual([
      [0, undefined],
      [1, 0],
    ]);
  });

  it('of which one object is refused writes the others before it throws', async () => {
    const audit = auditFunction();
    audit.failNext(500, 'InternalError');
    await expect(audit.handle(...batch())).rejects.toThrow('The batch was not written: InternalError');
    expect(audit.keys()).toHaveLength(2);
  });
});

it.each<unknown>(['a text with p2pr_secret', undefined, null, 7])(
  'an event that is not an object (%p) is refused without quoting it',
  async (event) => {
    const audit = auditFunction();
    await expect(audit.invoke(event)).rejects.toThrow(/^The event is not an object$/);
    expect(audit.objects.size).toBe(0);
  },
);
