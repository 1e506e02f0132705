import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { jest } from '@jest/globals';
import { exportHandler } from '../../../functions/export/handler.ts';
import { manifestReader } from '../../../functions/export/open-manifest.ts';
import type { TypeOutcome } from '../../../functions/shared/exports/manifest.ts';
import { askForToken, endExport, noteProgress } from '../../../functions/shared/store/exports.ts';
import { ask, exportEvent, exportGateway, type ExportGateway } from '../../support/export-gateway.ts';
import { issueOf, type TestGrant } from '../../support/fetch-gateway.ts';
import { startMs } from '../../support/gateway.ts';
import { callStreaming } from '../../support/stream-handler.ts';

const now = startMs / 1000;
const patients = { name: 'Patient-1.ndjson', type: 'Patient', parts: [['{"resourceType":"Patient"}']] };

let test: ExportGateway;
let grant: TestGrant;
beforeEach(async () => {
  test = exportGateway();
  grant = await test.grant({ accessLives: 100_000 });
});

const poll = (exportId: string, token = grant.token) => ask(test.deps, exportId, token);
const retryAfter = async (exportId: string): Promise<number> => Number((await poll(exportId)).headers['Retry-After']);

describe('a poll while the export runs', () => {
  it('is 202 with an outcome that any JSON reader reads, and is not stored', async () => {
    const item = await test.start(grant);
    const answer = await poll(item.exportId);
    expect(answer.statusCode).toBe(202);
    expect(JSON.parse(answer.text)).toEqual({
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'information', code: 'informational', diagnostics: '0 resources' }],
    });
    expect(answer.headers).toMatchObject({
      'X-Progress': '0 resources',
      'Retry-After': '2',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    });
  });

  it.each([
    [{ resources: 0, typesDone: 0, typesTotal: 1 }, '0 resources, 0 of 1 types'],
    [{ resources: 1, typesDone: 0, typesTotal: 2 }, '1 resource, 0 of 2 types'],
    [{ resources: 1240, typesDone: 12, typesTotal: 21 }, '1,240 resources, 12 of 21 types'],
    [{ resources: 1240, resourcesTotal: 3000, typesDone: 0, typesTotal: 21 }, '1,240 of 3,000 resources'],
    [{ resources: 2999, resourcesTotal: 3000, typesDone: 0, typesTotal: 0 }, '2,999 of 3,000 resources'],
    // References follow when everything has come.
    [{ resources: 3000, resourcesTotal: 3000, typesDone: 1, typesTotal: 1 }, '3,000 resources, 1 of 1 types'],
    [
      { resources: 1240, typesDone: 21, typesTotal: 21, attachments: 1 },
      '1,240 resources, 21 of 21 types, 1 attachment',
    ],
    [
      { resources: 1240, typesDone: 21, typesTotal: 21, attachments: 1200 },
      '1,240 resources, 21 of 21 types, 1,200 attachments',
    ],
    // Nobody knows yet which types there are.
    [{ resources: 10, typesDone: 0, typesTotal: 0 }, '10 resources'],
    [{ resources: 1e15, typesDone: 145, typesTotal: 145 }, '1,000,000,000,000,000 resources, 145 of 145 types'],
  ])('says of %j how far it is: %s', async (progress, text) => {
    const item = await test.start(grant);
    await test.begin(item);
    await noteProgress(test.deps.exports, item, progress);
    expect((await poll(item.exportId)).headers['X-Progress']).toBe(text);
  });

  it.each([
    // A fifth of its age, from two seconds to a minute.
    [1e6, 12, 2],
    [1e6, 13, 3],
    [1e6, 50, 10],
    [1e6, 297, 59],
    [1e6, 300, 60],
    [1e6, 10_000, 60],
    // 45 seconds before the payer's token ends.
    [280, 220, 15],
    [280, 230, 5],
    [280, 234, 2],
    [280, 320, 2],
  ])(
    'with a payer’s token of %i seconds, is asked again, once the export is %i seconds old, after %i',
    async (lives, age, seconds) => {
      grant = await test.grant({ tokens: { accessToken: 'a', expiresAt: now + lives }, accessLives: 1e6 });
      const item = await test.start(grant);
      await test.begin(item);
      test.passSeconds(age);
      expect(await retryAfter(item.exportId)).toBe(seconds);
    },
  );

  it('reads two items each time, and asks nobody else: a storm of polls is never 429', async () => {
    const item = await test.start(grant);
    let turns = 0;
    const noneLeft = async () => {
      turns += 1;
      return { taken: false, remaining: 0, resetSeconds: 9 };
    };
    Object.assign(test.deps, { takeTurn: noneLeft });
    await test.begin(item);
    test.dynamo.calls();
    const handler = exportHandler(test.deps);
    const answers = [];
    for (let count = 0; count < 200; count += 1) {
      answers.push(await callStreaming(handler, exportEvent(item.exportId, grant.token)));
    }
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([202]));
    expect(test.dynamo.calls()).toEqual(Array.from({ length: 400 }, () => 'GetItem'));
    expect([turns, test.opened, test.payer.requests]).toEqual([0, [], []]);
  });

  it('leaves no audit event: it says nothing about the record', async () => {
    const item = await test.start(grant);
    test.events.length = 0;
    await poll(item.exportId);
    expect(test.events).toEqual([]);
    expect(test.log().at(-1)).toMatchObject({ function: 'export', step: 'export', interaction: 'export status' });
  });
});

describe('a poll after the end', () => {
  it('is the manifest, with all that Bulk Data asks for', async () => {
    const item = await test.start(grant);
    const outcomes: TypeOutcome[] = [
      { type: 'Patient', outcome: 'complete', count: 1 },
      { type: 'Observation', outcome: 'incomplete', count: 0, reason: 'Page 3 could not be read.' },
      { type: 'Claim', outcome: 'refusedByScope', count: 0 },
    ];
    const errors = {
      name: 'OperationOutcome-1.ndjson',
      kind: 'error',
      type: 'OperationOutcome',
      parts: [['{"resourceType":"OperationOutcome"}']],
    } as const;
    const scan = {
      name: 'attachment-1',
      kind: 'attachment',
      type: 'Binary',
      contentType: 'application/pdf',
      hash: 'qvTGHdzF6KLavt4PO0gs2a6pQ00=',
      parts: [['hel'], ['lo']],
    } as const;
    await test.end(grant, item, [patients, errors, scan], { status: 'partial', outcomes });
    const answer = await poll(item.exportId);
    const base = `http://localhost:3000/exports/northwind/${item.exportId}`;
    expect(answer).toMatchObject({
      statusCode: 200,
      headers: {
        'Content-Type': 'application/json',
        'Cache-Control': 'no-store',
        Expires: new Date((now + 7 * 24 * 3600) * 1000).toUTCString(),
      },
    });
    expect(answer.json()).toEqual({
      transactionTime: '2026-06-01T12:00:00Z',
      request: 'http://localhost:3000/r4/northwind/Patient/$export',
      requiresAccessToken: true,
      output: [{ type: 'Patient', url: `${base}/Patient-1.ndjson`, count: 1 }],
      deleted: [],
      error: [{ type: 'OperationOutcome', url: `${base}/OperationOutcome-1.ndjson`, count: 1 }],
      extension: {
        complete: false,
        outcomes,
        attachments: [{ url: `${base}/attachment-1`, contentType: scan.contentType, size: 5, hash: scan.hash }],
        ignoredParameters: [],
      },
    });
  });

  it('has error, output and deleted even if they are empty', async () => {
    const item = await test.start(grant);
    await test.end(grant, item, []);
    expect((await poll(item.exportId)).json()).toMatchObject({ output: [], error: [], deleted: [] });
  });

  it('reads the bucket once for a storm of polls, and keeps the manifest sealed', async () => {
    const item = await test.start(grant);
    await test.end(grant, item, [patients]);
    const handler = exportHandler(test.deps);
    for (let count = 0; count < 50; count += 1) {
      expect((await callStreaming(handler, exportEvent(item.exportId, grant.token))).statusCode).toBe(200);
    }
    expect(test.opened).toEqual([`${item.exportId}/manifest`]);
    expect(test.dynamo.calls()).toEqual(Array.from({ length: 100 }, () => 'GetItem'));
  });

  it.each([
    ['fifty manifests', 50, 100],
    ['eight million bytes of them', 2, 4_000_000],
  ])('keeps %s in memory at most, and gives the bucket ten seconds for one', async (_, most, bytes) => {
    const timeout = jest.spyOn(AbortSignal, 'timeout');
    const opened: string[] = [];
    const sealed = (number: number): Buffer => Buffer.alloc(bytes, String(number).padStart(3, '0'));
    const readManifest = manifestReader(async (name) => {
      opened.push(name);
      return Readable.from([sealed(Number(name.split('/')[0]))]);
    });
    const readEach = async (from: number, to: number): Promise<number> => {
      const before = opened.length;
      for (let number = from; number <= to; number += 1) {
        const manifestDigest = createHash('sha256').update(sealed(number)).digest('base64url');
        await readManifest({ exportId: String(number), manifestDigest } as Parameters<typeof readManifest>[0]);
      }
      return opened.length - before;
    };

    expect([await readEach(1, most), await readEach(1, most)]).toEqual([most, 0]);
    expect([await readEach(most + 1, most + 1), await readEach(1, 1)]).toEqual([1, 1]);
    expect(new Set(timeout.mock.calls.flat())).toEqual(new Set([10_000]));
    timeout.mockRestore();
  });

  it('of an export that failed as a whole is a 500 that says so', async () => {
    const item = await test.start(grant);
    await test.endWithout(item);
    const answer = await poll(item.exportId);
    expect(answer.statusCode).toBe(500);
    expect(issueOf(answer)).toMatchObject({
      code: 'exception',
      diagnostics: expect.stringContaining('failed') as string,
    });
  });

  it('is a 500 if the manifest is not the one that the job wrote', async () => {
    const item = await test.start(grant);
    await test.end(grant, item, [patients]);
    const name = `${item.exportId}/manifest`;
    const other = await test.start(await test.grant());
    const { manifest } = await test.end(grant, { ...item, exportId: other.exportId }, [patients]);
    expect(manifest.files).toHaveLength(1);
    test.objects.set(name, test.objects.get(`${other.exportId}/manifest`)!);
    const answer = await poll(item.exportId);
    expect(answer.statusCode).toBe(500);
    expect(answer.text).not.toContain('Patient-1');
    expect(test.log().at(-1)).toMatchObject({ detail: 'the manifest is not the one that the job wrote' });
  });

  it('is a 503 while the bucket does not answer, and the next one has it', async () => {
    const item = await test.start(grant);
    await test.end(grant, item, [patients]);
    const handler = exportHandler(test.deps);
    const name = `${item.exportId}/manifest`;
    const sealed = test.objects.get(name)!;
    test.objects.delete(name);
    expect((await callStreaming(handler, exportEvent(item.exportId, grant.token))).statusCode).toBe(503);
    test.objects.set(name, sealed);
    expect((await callStreaming(handler, exportEvent(item.exportId, grant.token))).statusCode).toBe(200);
  });
});

describe('an export that has no end in its time', () => {
  /** An export whose job died for good, three days after its kick-off. */
  const overdue = async () => {
    const item = await test.start(grant);
    await test.begin(item);
    expect(item.expiresAt).toBe(item.startedAt + 3 * 86_400);
    const items = test.dynamo.items('Exports');
    items.set(grant.grantId, { ...items.get(grant.grantId), expiresAt: { N: String(now) } });
    return item;
  };

  it('is a 500 that says so, for the status and for files', async () => {
    const item = await overdue();
    for (const options of [{}, { file: 'Patient-1.ndjson' }]) {
      const answer = await ask(test.deps, item.exportId, grant.token, options);
      expect(answer.statusCode).toBe(500);
      expect(issueOf(answer).diagnostics).toContain('did not end within three days');
    }
    expect(test.opened).toEqual([]);
    expect(test.woken).toEqual([]);
  });

  it('is replaced by a new kick-off, and stays failed until then: no end can be written', async () => {
    const item = await overdue();
    const counts = { resources: 1, typesDone: 1, typesTotal: 1, manifestDigest: 'late' };
    const late = { ...counts, status: 'completed', endedAt: now, expiresAt: now + 3600 } as const;
    expect(await endExport(test.deps.exports, item, late, { arn: 'arn:execution' })).toBe(false);
    const next = await test.start(grant);
    expect(next.exportId).not.toBe(item.exportId);
    expect((await poll(next.exportId)).statusCode).toBe(202);
    expect((await poll(item.exportId)).statusCode).toBe(404);
  });

  it('can be deleted', async () => {
    const item = await overdue();
    expect((await ask(test.deps, item.exportId, grant.token, { method: 'DELETE' })).statusCode).toBe(202);
    expect((await poll(item.exportId)).statusCode).toBe(404);
  });
});

describe('an ended wait for a token', () => {
  it('is not asked for once the export is over', async () => {
    const item = await test.start(grant);
    await test.end(grant, item, []);
    expect(await askForToken(test.deps.exports, item, { callbackId: 'c', refusedVersion: 1, now })).toBe(false);
    await poll(item.exportId);
    expect(test.woken).toEqual([]);
  });
});
