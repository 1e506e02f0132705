import { ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { auditHandler } from '../../../functions/audit/handler.ts';
import { metric } from '../../support/embedded-metrics.ts';
import { startMs } from '../../support/gateway.ts';

const overdue = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => ({
    eventId: { S: `read-${from + index}` },
    atMs: { N: String(startMs - 3_600_000) },
  }));

/** The audit function on its schedule, over an index with these pages. */
const runOver = async (
  pages: readonly Record<string, { S: string } | { N: string }>[][],
  refuse: (eventId: string) => boolean = () => false,
) => {
  const scans: unknown[] = [];
  const closed: string[] = [];
  const lines: Record<string, unknown>[] = [];
  const send = async (command: unknown): Promise<unknown> => {
    if (command instanceof ScanCommand) {
      scans.push(command.input);
      const page = scans.length - 1;
      const more = page + 1 < pages.length;
      return { Items: pages[page], ...(more ? { LastEvaluatedKey: { eventId: { S: `page-${page}` } } } : {}) };
    }
    if (!(command instanceof UpdateItemCommand)) throw new Error('no such call');
    const eventId = command.input.Key?.['eventId']?.S ?? '';
    if (refuse(eventId)) throw Object.assign(new Error('Patient/patient-1'), { name: 'ThrottlingException' });
    closed.push(eventId);
    return {};
  };
  const run = auditHandler({
    clock: { now: () => startMs },
    stage: 'local',
    table: { client: { send } as never, name: 'AuditEvents' },
    bucket: { client: new S3Client({ region: 'eu-central-1' }), name: 'none' },
    writeLog: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  })({ source: 'aws.events' } as never, { awsRequestId: 'audit-1' });
  const failure = await run.then(
    () => undefined,
    (error: unknown) => (error as Error).message,
  );
  return { scans, closed, lines, failure };
};

it('reads without an end are found on every page of the index', async () => {
  const { scans, closed, failure } = await runOver([overdue(2), [], overdue(1, 2)]);
  expect(scans).toEqual([
    { TableName: 'AuditEvents', IndexName: 'OpenReads', ExclusiveStartKey: undefined },
    { TableName: 'AuditEvents', IndexName: 'OpenReads', ExclusiveStartKey: { eventId: { S: 'page-0' } } },
    { TableName: 'AuditEvents', IndexName: 'OpenReads', ExclusiveStartKey: { eventId: { S: 'page-1' } } },
  ]);
  expect(closed).toEqual(['read-0', 'read-1', 'read-2']);
  expect(failure).toBeUndefined();
});

it('a run closes a thousand, and leaves the rest and further pages to the next', async () => {
  const { scans, closed } = await runOver([overdue(600), overdue(600, 600), overdue(1, 1200)]);
  expect(scans).toHaveLength(2);
  expect(closed).toHaveLength(1000);
  expect(closed.at(-1)).toBe('read-999');
});

it('an item without a time, and one that began 870 s ago, are left alone', async () => {
  const { closed } = await runOver([
    [
      { eventId: { S: 'no-time' } },
      { atMs: { N: '1' } },
      { eventId: { S: 'running' }, atMs: { N: String(startMs - 870_000) } },
      { eventId: { S: 'overdue' }, atMs: { N: String(startMs - 870_001) } },
    ],
  ]);
  expect(closed).toEqual(['overdue']);
});

it('a run in which some cannot be closed says how many it closed, names the cause alone, and fails', async () => {
  const { closed, lines, failure } = await runOver([overdue(60)], (eventId) => eventId === 'read-25');
  // Twenty at a time; those beside the failure are finished, the next twenty are left.
  expect(closed).toHaveLength(39);
  expect(lines).toEqual([
    expect.objectContaining({
      level: 'error',
      time: new Date(startMs).toISOString(),
      function: 'audit',
      closed: 39,
      detail: 'ThrottlingException',
      auditEndUnknown: 39,
      auditNotWritten: 1,
    }),
  ]);
  const line = JSON.stringify(lines[0]);
  expect([metric(line, 'auditEndUnknown'), metric(line, 'auditNotWritten')]).toEqual([{ '': 39 }, { '': 1 }]);
  expect(failure).toBe('Reads without an end were not closed: ThrottlingException');
});
