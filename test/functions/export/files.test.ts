import { gunzipSync } from 'node:zlib';
import { jest } from '@jest/globals';
import type { ExportDeps } from '../../../functions/export/deps.ts';
import { unavailable } from '../../../functions/shared/errors.ts';
import type { StoredManifest } from '../../../functions/shared/exports/manifest.ts';
import type { Export } from '../../../functions/shared/store/export-item.ts';
import { turns } from '../../support/eventually.ts';
import { ask, exportGateway, type ExportGateway } from '../../support/export-gateway.ts';
import { fakeIntervals } from '../../support/fake-timeouts.ts';
import { issueOf, type TestGrant } from '../../support/fetch-gateway.ts';
import { startMs } from '../../support/gateway.ts';

const name = 'Observation-1.ndjson';
/** Three parts, of more than one chunk of age each. */
const parts = [0, 1, 2].map((part) =>
  Array.from({ length: 1000 }, (_, index) =>
    JSON.stringify({ resourceType: 'Observation', id: `${part}-${index}`, note: 'n'.repeat(80) }),
  ),
);
const whole = parts
  .flat()
  .map((line) => `${line}\n`)
  .join('');

let test: ExportGateway;
let grant: TestGrant;
let item: Export;
let manifest: StoredManifest;
const ended: unknown[] = [];
beforeEach(async () => {
  ended.length = 0;
  test = exportGateway();
  grant = await test.grant();
  item = await test.start(grant);
  ({ manifest } = await test.end(grant, item, [
    { name, type: 'Observation', parts },
    { name: 'Patient-1.ndjson', type: 'Patient', parts: [] },
  ]));
  Object.assign(test.deps, {
    onEnd: async ({ record }: { record: { status?: number; error?: string } }) =>
      void ended.push({ status: record.status, error: record.error }),
  });
});
afterEach(() => {
  jest.useRealTimers();
});

const download = (options: Parameters<typeof ask>[3] = {}, deps: ExportDeps = test.deps) =>
  ask(deps, item.exportId, grant.token, { file: name, ...options });
const partOf = (index: number): string => manifest.files[0]!.parts[index]!.object;

describe('a download', () => {
  it('is the parts, joined and opened, byte for byte', async () => {
    const answer = await download();
    expect(answer).toMatchObject({ statusCode: 200, error: undefined });
    expect(answer.text === whole).toBe(true);
    expect(answer.headers).toMatchObject({ 'Content-Type': 'application/fhir+ndjson', 'Cache-Control': 'no-store' });
    expect(answer.headers).not.toHaveProperty('Content-Encoding');
    expect(test.opened).toEqual([`${item.exportId}/manifest`, partOf(0), partOf(1), partOf(2)]);
  });

  it.each(['gzip', 'br;q=1, GZIP;q=0.5', '*', 'x-gzip'])(
    'is gzipped for a client that sends Accept-Encoding: %s',
    async (accepted) => {
      const answer = await download({ headers: { 'Accept-Encoding': accepted } });
      expect(answer.headers).toMatchObject({
        'Content-Encoding': 'gzip',
        Vary: expect.stringContaining('Accept-Encoding') as string,
      });
      expect(gunzipSync(answer.body).toString() === whole).toBe(true);
      expect(answer.body.length).toBeLessThan(whole.length / 5);
      // The log and the audit count what the member's record has.
      expect(test.log().at(-1)?.['bytes']).toBe(Buffer.byteLength(whole));
    },
  );

  it.each(['identity', 'gzip;q=0', 'br', 'gzip;q=0, *', ''])('is plain for Accept-Encoding: %s', async (accepted) => {
    const answer = await download({ headers: { 'Accept-Encoding': accepted } });
    expect(answer.headers).not.toHaveProperty('Content-Encoding');
    expect(answer.text === whole).toBe(true);
  });

  it.each([
    ['application/pdf', 'application/pdf'],
    ['text/html', 'text/html'],
    [undefined, 'application/octet-stream'],
  ])('of an attachment is a download that cannot run under our origin: %s', async (contentType, sent) => {
    const text = '<script>alert(1)</script>';
    const file = 'attachment-1';
    const named = contentType === undefined ? {} : { contentType };
    await test.end(grant, (item = await test.start(grant)), [
      { name: file, kind: 'attachment', type: 'Binary', parts: [[text.slice(0, 9)], [text.slice(9)]], ...named },
    ]);
    const answer = await download({ file, headers: { 'Accept-Encoding': 'gzip' } });
    expect(answer).toMatchObject({ statusCode: 200, text });
    expect(answer.headers).toMatchObject({
      'Content-Type': sent,
      'Content-Disposition': 'attachment; filename="attachment-1"',
      'Content-Security-Policy': "sandbox; default-src 'none'",
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': 'no-store',
    });
    expect(answer.headers).not.toHaveProperty('Content-Encoding');
    expect(test.log().at(-1)).toMatchObject({ interaction: 'export file Binary', bytes: text.length });
  });

  it('of a file without parts is empty', async () => {
    expect(await download({ file: 'Patient-1.ndjson' })).toMatchObject({ statusCode: 200, text: '', error: undefined });
  });

  it('of a name that the manifest does not have is 404, and the bucket is not asked for it', async () => {
    for (const file of ['Observation-2.ndjson', 'manifest', '../manifest', partOf(0), '']) {
      expect((await download({ file })).statusCode).toBe(404);
    }
    expect(test.opened.every((object) => object.endsWith('/manifest'))).toBe(true);
  });

  it('is 404 while the export runs', async () => {
    const next = await test.start(grant);
    const answer = await ask(test.deps, next.exportId, grant.token, { file: name });
    expect([answer.statusCode, issueOf(answer).code]).toEqual([404, 'not-found']);
    expect(issueOf(answer).diagnostics).toMatch(/^The export is still running\. /);
  });

  it('costs one turn of the partner’s rate, and is 429 without one', async () => {
    const asked: string[] = [];
    let taken = true;
    const deps = {
      ...test.deps,
      takeTurn: async (key: string) => {
        asked.push(key);
        return { taken, remaining: 0, resetSeconds: 3 };
      },
    };
    expect((await download({}, deps)).statusCode).toBe(200);
    expect(asked).toEqual(['partner#demo-partner']);
    taken = false;
    const answer = await download({}, deps);
    expect([answer.statusCode, answer.headers['Retry-After']]).toEqual([429, '3']);
  });
});

describe('the audit of a download', () => {
  it('is opened before a part is asked for, and ended after the last byte', async () => {
    const order: string[] = [];
    const deps: ExportDeps = {
      ...test.deps,
      openGate: async ({ record, patient }) => void order.push(`open ${record.interaction} ${patient}`),
      openObject: (object, signal) => {
        if (!object.endsWith('/manifest')) order.push('part');
        return test.deps.openObject(object, signal);
      },
      onEnd: async ({ record }) => void order.push(`end ${record.bytes}`),
    };
    await download({}, deps);
    expect(order).toEqual([
      'open export file Observation patient-1',
      'part',
      'part',
      'part',
      `end ${Buffer.byteLength(whole)}`,
    ]);
    expect(test.log().at(-1)).toMatchObject({
      function: 'export',
      interaction: 'export file Observation',
      outcome: 'ok',
    });
  });

  it('keeps the file shut if it cannot be written', async () => {
    const deps = { ...test.deps, openGate: () => Promise.reject(new Error('table')) };
    const answer = await download({}, deps);
    expect([answer.statusCode, answer.text.includes('Observation')]).toEqual([503, false]);
    expect(test.opened).toEqual([`${item.exportId}/manifest`]);
  });

  it('has refused downloads, too', async () => {
    await download({ file: 'none.ndjson' });
    expect(ended).toEqual([{ status: 404, error: 'not_found' }]);
  });
});

describe('a part that is not as the job wrote it', () => {
  const expectCut = async (): Promise<string> => {
    const answer = await download();
    expect([answer.statusCode, String(answer.error)]).toEqual([200, 'Error: The answer was cut']);
    expect(whole.startsWith(answer.text)).toBe(true);
    expect(answer.text.length).toBeLessThan(whole.length);
    expect(ended).toEqual([{ status: 200, error: 'server_error' }]);
    expect(test.log().at(-1)).toMatchObject({ outcome: 'failed', error: 'server_error' });
    return answer.text;
  };
  const change = (index: number, by: (bytes: Buffer) => Uint8Array): void => {
    const object = partOf(index);
    test.objects.set(object, by(Buffer.from(test.objects.get(object)!)));
  };

  it('cuts the answer if a bit of it changed', async () => {
    change(1, (bytes) => {
      bytes[bytes.length >> 1]! ^= 1;
      return bytes;
    });
    await expectCut();
  });

  it('cuts the answer if it ends early, also at the end of a chunk', async () => {
    change(1, (bytes) => bytes.subarray(0, bytes.length - 1));
    await expectCut();
    ended.length = 0;
    change(1, () => Buffer.from(test.objects.get(partOf(0))!).subarray(0, 216));
    await expectCut();
  });

  it('cuts the answer if another part of the export stands in its place', async () => {
    change(1, () => test.objects.get(partOf(2))!);
    // It can be opened, since it is sealed to the same key. Only its digest differs.
    await expectCutAtDigest();
  });
  const expectCutAtDigest = async (): Promise<void> => {
    const answer = await download();
    expect([answer.statusCode, String(answer.error)]).toEqual([200, 'Error: The answer was cut']);
    expect(test.log().at(-1)).toMatchObject({ detail: expect.stringContaining('ChangedPart') as string });
  };

  it('does not open with another grant’s key', async () => {
    const other = await test.grant();
    const elsewhere = await test.start(other);
    await test.end(other, elsewhere, [{ name, type: 'Observation', parts: [['{}']] }]);
    test.objects.set(
      partOf(0),
      test.objects.get([...test.objects.keys()].find((key) => key.startsWith(`${elsewhere.exportId}/parts`))!)!,
    );
    const answer = await download();
    expect([answer.text, String(answer.error)]).toEqual(['', 'Error: The answer was cut']);
  });
});

describe('a bucket that refuses', () => {
  it('the first part is 503 with Retry-After: nothing has left', async () => {
    test.objects.delete(partOf(0));
    const answer = await download();
    expect([answer.statusCode, answer.headers['Retry-After']]).toEqual([503, '5']);
    expect(ended).toEqual([{ status: 503, error: 'temporarily_unavailable' }]);
  });

  it('a later part cuts the answer', async () => {
    test.objects.delete(partOf(2));
    const answer = await download();
    expect([answer.statusCode, String(answer.error)]).toEqual([200, 'Error: The answer was cut']);
    expect(test.log().at(-1)).toMatchObject({ error: 'temporarily_unavailable', outcome: 'failed' });
  });
});

describe('a download under way', () => {
  /** Parts that the test releases one by one, and whether each transfer was ended. */
  const held = () => {
    const closed: string[] = [];
    const { openObject } = test.deps;
    const release = Promise.withResolvers<void>();
    const deps: ExportDeps = {
      ...test.deps,
      openObject: async (object, signal) => {
        const body = await openObject(object, signal);
        return (async function* () {
          try {
            if (object === partOf(1)) {
              await new Promise<void>((resolve, reject) => {
                if (signal.aborted) reject(signal.reason as Error);
                void release.promise.then(resolve);
                signal.addEventListener('abort', () => reject(signal.reason as Error));
              });
            }
            yield* body;
          } finally {
            closed.push(object);
          }
        })();
      },
    };
    return { deps, closed, release: release.resolve };
  };

  it('is cut within seconds when its partner is blocked', async () => {
    const pass = fakeIntervals();
    const { deps } = held();
    const first = Promise.withResolvers<void>();
    const answer = download({ stream: { onChunk: () => first.resolve() } }, deps);
    await first.promise;
    test.stops.set('partner#demo-partner', { at: startMs / 1000, by: 'arn', reason: 'a leak' });
    pass(5000);
    await turns();
    const { statusCode, error } = await answer;
    expect([statusCode, String(error)]).toEqual([200, 'Error: The answer was cut']);
    expect(ended).toEqual([{ status: 200, error: 'unauthorized_client' }]);
    expect(test.log().at(-1)).toMatchObject({ outcome: 'refused', level: 'warn' });
  });

  it('ends its transfers when its stream is closed', async () => {
    const { deps, closed } = held();
    await download({ stream: { onChunk: (_chunk, stream) => void stream.destroy(new Error('gone')) } }, deps);
    expect(ended).toEqual([{ status: 200, error: 'server_error' }]);
    expect(closed).toContain(partOf(0));
  });

  it('asks for a part only when the one before is being read', async () => {
    const { deps, release } = held();
    const chunks: number[] = [];
    const answer = download(
      {
        stream: {
          onChunk: async (chunk) => {
            if (chunks.push(chunk.length) === 1) expect(test.opened).not.toContain(partOf(2));
            await turns();
          },
        },
      },
      deps,
    );
    release();
    await answer;
    expect(chunks.reduce((sum, length) => sum + length, 0)).toBe(Buffer.byteLength(whole));
  });

  it('is cut when its time is over', async () => {
    const { deps } = held();
    const answer = await download({ stream: { remainingMs: 3000 } }, deps);
    expect(String(answer.error)).toBe('Error: The answer was cut');
    expect(ended).toEqual([{ status: 200, error: 'temporarily_unavailable' }]);
  });

  it('is cut without a trace of the record if the bucket breaks off', async () => {
    const deps: ExportDeps = {
      ...test.deps,
      openObject: async (object, signal) => {
        if (object === partOf(1)) throw unavailable('s3: TimeoutError');
        return test.deps.openObject(object, signal);
      },
    };
    expect(String((await download({}, deps)).error)).toBe('Error: The answer was cut');
    expect(test.lines.join('')).not.toContain('"id":"0-');
  });
});
