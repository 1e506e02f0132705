import { createHash } from 'node:crypto';
import { createServer, get } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { generateRecords } from '../../sandbox/payer/data/generate.ts';
import { createFhirApi } from '../../sandbox/payer/fhir/server.ts';
import type { FhirApi } from '../../sandbox/payer/fhir/server.ts';
import { turns } from '../support/eventually.ts';

const member = generateRecords().find(({ onTheFly }) => onTheFly);
const onTheFly = member?.onTheFly;
if (!member || !onTheFly) throw new Error('a member with a large record expected');

let server: Server;
let base: string;
let made = 0;
/** Called when an answer has ended, or its client has left. */
let left = (): void => undefined;
let cutAfter: number | undefined;

beforeAll(async () => {
  let api: FhirApi | undefined;
  server = createServer((request, response) => {
    response.once('close', () => left());
    void api?.(request, response, member);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/r4`;
  const counted = {
    ...onTheFly,
    text: (index: number): string => {
      made++;
      return onTheFly.text(index);
    },
  };
  api = createFhirApi([{ ...member, onTheFly: counted }], { baseUrl: base, cutAfter: () => cutAfter });
});

beforeEach(() => {
  made = 0;
  cutAfter = undefined;
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
});

const open = (path: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    get(`${base}/${path}`, resolve).on('error', reject);
  });

const json = async (path: string): Promise<Record<string, unknown>> =>
  (await (await fetch(path.startsWith('http') ? path : `${base}/${path}`)).json()) as Record<string, unknown>;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes that are still referenced. The process's resident memory would also count the garbage of earlier suites. */
const heldBytes = (): number => {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

/** Reads the whole answer and keeps none of it; calls `each` every 10 MB. */
const measure = async (each: () => void = () => undefined): Promise<{ bytes: number; sha256: string }> => {
  const answer = await open('Observation?_count=100000');
  expect(answer.headers['transfer-encoding']).toBe('chunked');
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    if (Math.floor((bytes + chunk.length) / 10_000_000) > Math.floor(bytes / 10_000_000)) each();
    bytes += chunk.length;
    hash.update(chunk);
  }
  return { bytes, sha256: hash.digest('hex') };
};

describe('a search that answers 100 MB', () => {
  it('is chunked, about 100 MB, the same every time, and needs no memory in proportion', async () => {
    const first = await measure();
    expect(first.bytes).toBeGreaterThan(95_000_000);
    expect(first.bytes).toBeLessThan(110_000_000);
    const before = heldBytes();
    const held: number[] = [];
    expect(await measure(() => held.push(heldBytes() - before))).toEqual(first);
    expect(held).toHaveLength(10);
    // Bytes in transit between server and client vary, but a whole answer that was kept would show.
    expect(Math.max(...held)).toBeLessThan(30_000_000);
  });

  it('is generated no faster than the client reads, and only while the client stays', async () => {
    const answer = await open('Observation?_count=100000');
    answer.pause();
    // Meanwhile another client reads all of it.
    await measure();
    expect(made - onTheFly.count).toBeLessThan(onTheFly.count / 4);
    answer.on('error', () => undefined);
    const gone = new Promise<void>((resolve) => (left = resolve));
    answer.destroy();
    await gone;
    await turns();
    const afterLeaving = made;
    await json('Patient');
    expect(made).toBe(afterLeaving);
  });

  it('is cut after a given number of bytes, and generated no further', async () => {
    cutAfter = 200_000;
    const answer = await open('Observation?_count=100000');
    let bytes = 0;
    const readAll = async (): Promise<void> => {
      for await (const chunk of answer as AsyncIterable<Buffer>) bytes += chunk.length;
    };
    await expect(readAll()).rejects.toThrow('aborted');
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(200_000);
    expect(made).toBeLessThan(onTheFly.count / 4);
  });

  it('is whole if it ends before the cut', async () => {
    cutAfter = 10_000_000;
    expect(await json('Observation?_count=2')).toMatchObject({ total: onTheFly.count });
  });

  it('is a searchset with links, fullUrls and references below the base, with pages on request', async () => {
    const patient = `${base}/Patient/${member.patientId}`;
    const bundle = await json(`Observation?patient=${member.patientId}&_sort=-date&_count=2`);
    expect(bundle).toMatchObject({
      type: 'searchset',
      total: onTheFly.count,
      entry: [
        { fullUrl: `${base}/Observation/glucose-000000`, resource: { subject: { reference: patient } } },
        { fullUrl: `${base}/Observation/glucose-000001`, search: { mode: 'match' } },
      ],
    });
    const [, next] = bundle['link'] as { relation: string; url: string }[];
    expect(next?.relation).toBe('next');
    expect(await json(next?.url ?? '')).toMatchObject({
      entry: [{ fullUrl: `${base}/Observation/glucose-000002` }, { fullUrl: `${base}/Observation/glucose-000003` }],
    });
  });

  it('is paged by $everything after the stored resources, each once and in order', async () => {
    const stored = member.resources.length;
    const first = await json(`Patient/${member.patientId}/$everything?_count=${stored - 1}`);
    const idsOf = (bundle: Record<string, unknown>): string[] =>
      (bundle['entry'] as { resource: { id: string } }[]).map(({ resource }) => resource.id);
    const nextOf = (bundle: Record<string, unknown>): string =>
      (bundle['link'] as { relation: string; url: string }[]).find(({ relation }) => relation === 'next')?.url ?? '';
    const second = await json(nextOf(first));
    const third = await json(nextOf(second));

    const ids = [first, second, third].flatMap(idsOf);
    expect(ids).toHaveLength(3 * (stored - 1));
    expect(new Set(ids).size).toBe(ids.length);
    const following = Array.from(
      { length: 2 * stored - 3 },
      (_none, index) => `glucose-${String(index).padStart(6, '0')}`,
    );
    expect(ids.slice(stored)).toEqual(following);
  });

  it('leaves the member’s other searches and reads unchanged', async () => {
    expect(await json('Patient')).toMatchObject({ total: 1 });
    expect(await json('Observation/glucose-079999')).toMatchObject({ id: 'glucose-079999' });
    expect(await json('Observation/glucose-080000')).toMatchObject({ resourceType: 'OperationOutcome' });
    expect(await json('Observation?_id=glucose-000007,none')).toMatchObject({ total: 1 });
    expect(await json('Observation?code=8302-2')).toMatchObject({ total: 0 });
    expect(await json(`Patient/${member.patientId}/$everything?_count=20`)).toMatchObject({
      total: onTheFly.count + member.resources.length,
    });
    for (const refused of ['date=2019', '_sort=date', '_include=Observation:subject']) {
      expect(await json(`Observation?${refused}`)).toMatchObject({ resourceType: 'OperationOutcome' });
    }
  });
});
