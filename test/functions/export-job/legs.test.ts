import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { usualBuffers } from '../../../functions/export-job/job/buffers.ts';
import { unavailable } from '../../../functions/shared/errors.ts';
import { exportWorld, fhir, memberPatient, observation, pageOf, type Sent } from '../../support/export-world.ts';
import { groupInput, memberOf } from './former-plan.ts';

/** The log lines of legs, or of an export's end. */
const logged = (world: ReturnType<typeof exportWorld>, of: 'next' | 'outcome') =>
  world.lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => of in line);

describe('each leg', () => {
  it('leaves an audit event before it asks for anything, one at its end, and a log line, which agree', async () => {
    const calls: string[] = [];
    const world = exportWorld({ startMs: Date.parse('2026-01-01T00:00:00Z'), onCall: (name) => void calls.push(name) });
    const startMs = world.durable.now();
    let waited = false;
    world.answerWith(async ({ path }) => {
      if (path.startsWith('/Practitioner/')) {
        if (waited) return fhir({ resourceType: 'Practitioner', id: 'p' });
        waited = true;
        return { status: 429, headers: { 'retry-after': '90' } };
      }
      await world.durable.sleep(1500);
      return pageOf([memberPatient, observation(1, { performer: [{ reference: 'Practitioner/p' }] })]);
    });

    await world.run();

    expect(calls.indexOf('PutItemCommand')).toBeLessThan(calls.indexOf('payer'));
    const [first, second, ...others] = logged(world, 'next');
    expect(others).toEqual([]);
    const [patient = '', seen = '', practitioner = ''] = (await world.record()).lines;
    const bytes = Buffer.byteLength(patient + seen) + 2;
    const known = {
      level: 'info',
      function: 'export-job',
      grantId: world.grantId,
      payer: 'northwind',
      partner: 'demo-partner',
    };
    expect(first).toEqual({
      ...known,
      time: '2026-01-01T00:00:01.500Z',
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      next: 'wait',
      detail: 'throttled',
      pages: 1,
      resources: 2,
      bytes,
      ms: 1500,
    });
    const rest = { next: 'finish', pages: 0, resources: 1, bytes: Buffer.byteLength(practitioner) + 1, ms: 0 };
    expect(second).toEqual({ ...known, ...rest, time: '2026-01-01T00:01:31.500Z', requestId: second!['requestId'] });
    expect(second!['requestId']).not.toBe(first!['requestId']);

    const event = (type: string, leg: typeof first, interaction: string, atMs: number, end = {}) => ({
      eventId: { S: leg!['requestId'] },
      requestId: { S: leg!['requestId'] },
      type: { S: type },
      grantId: { S: world.grantId },
      partner: { S: 'demo-partner' },
      payer: { S: 'northwind' },
      patient: { S: 'member-1' },
      interaction: { S: interaction },
      atMs: { N: String(atMs) },
      expiresAt: { N: String(Math.floor(atMs / 1000) + 35 * 86_400) },
      ...(type === 'opened' ? { openId: { S: leg!['requestId'] } } : {}),
      ...end,
    });
    const ended = (count: unknown) => ({ status: { N: '200' }, bytes: { N: String(count) } });
    expect(world.dynamo.puts('Audit')).toEqual([
      event('opened', first, 'export metadata', startMs),
      event('ended', first, 'export metadata', startMs + 1500, ended(bytes)),
      event('opened', second, 'export references', startMs + 91_500),
      event('ended', second, 'export references', startMs + 91_500, ended(rest.bytes)),
    ]);
  });

  it('that fails says so in its audit event, and is tried again', async () => {
    let asked = 0;
    const world = exportWorld({
      payer: () => {
        asked += 1;
        if (asked === 1) throw unavailable('secrets: out of reach');
        return pageOf([memberPatient]);
      },
    });

    await world.run();

    const events = world.dynamo.puts('Audit').map(({ type, status, error }) => [type?.S, status?.N, error?.S]);
    expect(events).toEqual([
      ['opened', undefined, undefined],
      ['ended', '500', 'server_error'],
      ['opened', undefined, undefined],
      ['ended', '200', undefined],
    ]);
    expect(await world.item()).toMatchObject({ status: 'completed', resources: 1 });
  });

  it('reads nothing while its audit event cannot be written', async () => {
    let isDown = true;
    const world = exportWorld({
      onCall: (name) => {
        if (name === 'PutItemCommand' && isDown) throw new Error('down');
      },
    });
    await world.kickOff();
    const arn = world.start();
    await world.durable.pass(5000);
    expect(world.asked).toEqual([]);

    isDown = false;
    await world.durable.finish(arn);

    expect(await world.item()).toMatchObject({ status: 'completed' });
  });

  it("asks the payer only on its turn of the payer's pace, which all exports share", async () => {
    const turns: number[] = [];
    let freeAt = 0;
    const world = exportWorld({
      profile: { wholeRecord: { requestsPerSecond: 0.5 } },
      deps: {
        waitForTurn: async (payer, perSecond, { untilAt, isWanted }) => {
          expect([payer, perSecond]).toEqual(['northwind', 0.5]);
          if (freeAt > untilAt) return 'none';
          await world.durable.sleep(Math.max(0, freeAt - world.durable.now()));
          turns.push(world.durable.now());
          freeAt = world.durable.now() + 2000;
          return (await isWanted()) ? 'turn' : 'unwanted';
        },
      },
    });
    world.answerWith(({ path }) => {
      const page = Number(/page=(\d+)/.exec(path)?.[1] ?? 1);
      return pageOf(
        [page === 1 ? memberPatient : observation(page)],
        page < 20 ? `${world.base}?page=${page + 1}` : undefined,
      );
    });

    await world.run();

    expect(await world.item()).toMatchObject({ status: 'completed', resources: 20 });
    // One of them was for the payer's CapabilityStatement.
    expect(turns).toHaveLength(21);
    expect(world.asked).toHaveLength(20);
  });

  it('follows references until nothing new is found, within scope, and never to another patient', async () => {
    const world = exportWorld({ scope: 'patient/Observation.rs patient/Patient.rs patient/Practitioner.r' });
    world.answerWith(({ path }) => {
      if (path.startsWith('/Patient?')) return pageOf([memberPatient]);
      if (path.startsWith('/Practitioner/gone')) return { status: 404 };
      if (path.startsWith('/Practitioner/')) {
        const id = path.slice('/Practitioner/'.length);
        return fhir({
          resourceType: 'Practitioner',
          id,
          qualification: [{ issuer: { reference: 'Practitioner/deeper' } }],
        });
      }
      return pageOf([
        observation(1, {
          performer: [
            { reference: 'Practitioner/one' },
            { reference: `${world.base}/Practitioner/two/_history/3` },
            { reference: 'Practitioner/gone' },
            { reference: 'Organization/out-of-scope' },
            { reference: 'https://elsewhere.example/Practitioner/three' },
            { reference: 'Patient/somebody' },
          ],
        }),
      ]);
    });

    await world.run();

    const { resources, errors, manifest } = await world.record();
    expect(resources['Practitioner']!.map(({ id }) => id)).toEqual(['one', 'two', 'deeper']);
    expect(world.asked.map(({ path }) => path).filter((path) => /^\/(?:Organization|Patient\/)/.test(path))).toEqual(
      [],
    );
    expect(errors).toContain(
      'Practitioner/gone, which the record refers to, could not be read: the payer answered with status 404.',
    );
    // A resource that the payer does not have does not count as missing; one on another server does.
    expect(manifest.outcomes.find(({ type }) => type === 'Practitioner')).toMatchObject({
      outcome: 'incomplete',
      count: 3,
      reason: expect.stringContaining('one is on another server') as string,
    });
  });

  it('has the time of the payer, as it was when it was first asked', async () => {
    const world = exportWorld({ startMs: Date.parse('2026-01-02T00:00:00Z') });
    let page = 0;
    world.answerWith(async () => {
      page += 1;
      const date = `Thu, 01 Jan 2026 1${page}:00:00 GMT`;
      await world.durable.sleep(25_000);
      const { body } = pageOf(
        [memberPatient, observation(page)],
        page < 3 ? `${world.base}?page=${page + 1}` : undefined,
      );
      return { headers: { 'content-type': 'application/fhir+json', date }, body: body! };
    });

    await world.run();

    expect(world.lines.filter((line) => line.includes('"next"'))).toHaveLength(3);
    expect((await world.record()).manifest.transactionTime).toBe('2026-01-01T10:59:35.000Z');
  });

  it('has our time, where the payer’s is ahead of it: the next _since would miss what changes between', async () => {
    const world = exportWorld({ startMs: Date.parse('2026-01-01T10:00:00Z') });
    world.answerWith(() => {
      const { body, headers } = pageOf([memberPatient]);
      return { headers: { ...headers, date: 'Thu, 01 Jan 2026 10:50:00 GMT' }, body: body! };
    });

    await world.run();

    expect((await world.record()).manifest.transactionTime).toBe('2026-01-01T10:00:00.000Z');
  });

  it('has a time an hour before the kick-off if the payer tells none, since our clock may be ahead of it', async () => {
    const world = exportWorld({ startMs: Date.parse('2026-01-01T10:00:00Z') });
    world.answerWith(async () => {
      await world.durable.sleep(25_000);
      return pageOf([memberPatient]);
    });

    await world.run();

    expect((await world.record()).manifest.transactionTime).toBe('2026-01-01T09:00:00.000Z');
  });

  it('ends after twenty seconds, and in the invocation’s last seven minutes another one goes on', async () => {
    const world = exportWorld({ timeoutMs: 900_000 });
    world.answerWith(async ({ path }) => {
      await world.durable.sleep(10_000);
      const page = Number(/page=(\d+)/.exec(path)?.[1] ?? 1);
      return pageOf([memberPatient, observation(page)], page < 60 ? `${world.base}?page=${page + 1}` : undefined);
    });

    await world.run();

    const legs = logged(world, 'next').map(({ next, detail, pages, ms }) => [next, detail, pages, ms]);
    const usual = ['go', undefined, 2, 20_000];
    // 480 seconds are 24 legs. The next one ends with less than 420 left.
    expect(legs).toEqual([
      ...Array.from({ length: 24 }, () => usual),
      ['wait', 'invocation', 2, 20_000],
      ...Array.from({ length: 4 }, () => usual),
      ['finish', undefined, 2, 20_000],
    ]);
  });

  it('asks for no page once it has read 8 MB; by then it has asked for one ahead', async () => {
    const sized = (id: number): object => {
      const note = (text: string) => observation(id, { note: [{ text }] });
      // A line of the record ends with a line feed.
      return note('x'.repeat(2 * 1024 * 1024 - JSON.stringify(note('')).length - 1));
    };
    const world = exportWorld({ deps: { newBuffers: usualBuffers } });
    world.answerWith(({ path }) => {
      const page = Number(/page=(\d+)/.exec(path)?.[1] ?? 1);
      return pageOf([sized(page)], page < 6 ? `${world.base}?page=${page + 1}` : undefined);
    });

    await world.run();

    const legs = logged(world, 'next').map(({ next, pages, bytes }) => [next, pages, bytes]);
    expect(legs).toEqual([
      ['go', 5, 10 * 1024 * 1024],
      ['finish', 1, 2 * 1024 * 1024],
    ]);
  });

  it('uses a token until 60 seconds before its end, or in the first half of its life if that is shorter', async () => {
    const world = exportWorld({ tokenLives: 150, polledLives: 50 });
    const used: Record<string, number[]> = {};
    const since: Record<string, number> = {};
    world.answerWith(async ({ path, token }) => {
      since[token] ??= world.durable.now();
      (used[token] ??= []).push((world.durable.now() - since[token]) / 1000);
      await world.durable.sleep(10_000);
      const page = Number(/page=(\d+)/.exec(path)?.[1] ?? 1);
      return pageOf([memberPatient, observation(page)], page < 15 ? `${world.base}?page=${page + 1}` : undefined);
    });

    await world.run();

    expect(used).toEqual({
      'Bearer token-1': [0, 10, 20, 30, 40, 50, 60, 70, 80],
      'Bearer token-2': [0, 10, 20],
      'Bearer token-3': [0, 10, 20],
    });
  });

  // In a process of its own, since Jest handles what is unhandled, and Lambda does not.
  it('asks for a page ahead, and if that is rejected before its turn the process goes on: the leg is tried again', async () => {
    const script = join(import.meta.dirname, 'request-ahead.ts');
    const { stdout } = await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', script]);

    expect(stdout).toBe('completed, 202 resources, page 2 asked for 2 times\n');
  });
});

describe('the time between two requests', () => {
  /** Searches Patient at a payer that gives these answers, and returns the seconds after which each was asked for. */
  const gaps = async (answers: readonly Sent[], end: Sent = pageOf([memberPatient])): Promise<readonly number[]> => {
    const world = exportWorld({ profile: { wholeRecord: { searches: ['Patient'] } } });
    const askedAt: number[] = [];
    world.answerWith(({ path }) => {
      if (!path.startsWith('/Patient?')) return { status: 404 };
      askedAt.push(world.durable.now() / 1000);
      return answers[askedAt.length - 1] ?? end;
    });
    await world.run();
    return askedAt.slice(1).map((at, index) => at - askedAt[index]!);
  };
  const times = (count: number, sent: Sent): readonly Sent[] => Array.from({ length: count }, () => sent);

  it('grows if the payer fails: one second, four, thirty, two minutes, and after five tries there is none', async () => {
    expect(await gaps(times(9, { status: 500 }))).toEqual([1, 4, 30, 120]);
  });

  it('is what the payer asks for, and from the fourth time in a row at least twice as long each time, up to 15 minutes', async () => {
    const throttled = { status: 429, headers: { 'retry-after': '3' } };
    expect(await gaps(times(12, throttled))).toEqual([3, 3, 3, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
  });

  it('is half a minute if the payer throttles and does not say for how long', async () => {
    expect(await gaps([{ status: 503 }])).toEqual([30]);
  });
});

it.each([
  ['an exchange', { exchange: groupInput([memberOf('a')]) }, 3],
  ['a grant’s export', {}, undefined],
])('a payer that fails %s counts as down for exchanges alone: reads ring by themselves', async (_, options, count) => {
  const world = exportWorld(options);
  world.answerWith(async () => ({ status: 500 }));
  await world.run();

  const failed = logged(world, 'next').filter(({ detail }) => detail === 'failed');
  expect(failed.length).toBeGreaterThan(0);
  for (const line of failed) {
    expect(line['payerDown']).toBe(count);
    const { CloudWatchMetrics: [sets] = [] } = (line['_aws'] ?? {}) as {
      CloudWatchMetrics?: { Dimensions: unknown }[];
    };
    expect(sets?.Dimensions).toEqual(count === undefined ? undefined : [[], ['payer']]);
  }
});
