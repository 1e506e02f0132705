import { GatewayError } from '../../../functions/shared/errors.ts';
import { payerDownThreshold } from '../../../functions/shared/metrics/metrics.ts';
import { UnusableAnswer } from '../../../functions/shared/payer/decode-body.ts';
import type { Payer } from '../../../functions/shared/registry/types.ts';
import { exportWorld, type Sent } from '../../support/export-world.ts';
import { endOf, type World } from './end-of.ts';
import {
  and,
  answering,
  askedFor,
  cameOf,
  consentEnded,
  ended,
  namedIn,
  observations,
  onlyOfA,
  patients,
  people,
  run,
  runningIn,
  three,
  tokenTimes,
  two,
  unusable,
  worldOf,
  type Exchange,
} from './exchange-run.ts';
import { groupInput, matchInput, memberOf, type Plan } from './former-plan.ts';

describe('a group export', () => {
  it('is asked as PDex says, read to the end, and deleted at the plan', async () => {
    const output = [
      { ...patients('a', 'b'), count: 2 },
      { ...observations('1 a', '2 b'), count: 2 },
      { type: 'Practitioner', lines: [{ resourceType: 'Practitioner', id: 'p' }] },
    ];
    const { world, errors, status, ids, outcomes } = await run(groupInput([memberOf('a'), memberOf('b')]), { output });

    expect({ errors, status, ids }).toEqual({ errors: [], status: 'completed', ids: ['a', 'b', '1', '2', 'p'] });
    expect(outcomes).toMatchObject({ Patient: 'complete 2', Observation: 'complete 2', Practitioner: 'complete 1' });
    expect(world.asked[0]).toMatchObject({ path: '/Group/g1/$davinci-data-export', method: 'POST' });
    expect(JSON.parse(world.asked[0]!.form!)).toEqual({
      resourceType: 'Parameters',
      parameter: [{ name: 'exportType', valueCanonical: 'hl7.fhir.us.davinci-pdex#payertopayer' }],
    });
    const [came] = world.dynamo.items('Audit').values();
    expect(came).toMatchObject({ type: { S: 'came' }, how: { S: 'completed' } });
    expect(cameOf(world)).toEqual(
      ['a', 'b'].map((id) => ({
        submitted: `ours-${id}`,
        reference: `Patient/${id}`,
        consent: { id: `consent-${id}`, hash: 'hash' },
        outcome: 'exported',
        resources: 2,
      })),
    );
    expect(runningIn(world)).toBe(0);
    const token = expect.stringMatching(/^Bearer system-/);
    expect(world.asked.at(-1)).toMatchObject({ path: '/status/1', method: 'DELETE', token });
  });
});

const periodEnded = "Member ours-b is left out: the member's period in the payer's Group has ended.";
describe('what comes of a Group', () => {
  it.each<[string, Plan, string, Partial<Payer>?]>([
    ['does not take the request', answering('POST', { status: 422 }), 'The payer refused the request with status 422.'],
    [
      'sends the request elsewhere',
      answering('POST', { status: 307, headers: { location: 'https://other.example' } }),
      'The payer refused the request with status 307.',
    ],
    [
      'does not answer',
      { instead: ({ method }) => (method === 'POST' ? Promise.reject(new Error('down')) : undefined) },
      'The payer did not answer the request.',
    ],
    ...[
      ['POST', 'The payer answered the request, but'],
      ['/status/1', 'The payer answered when it was asked for the status, but'],
    ].map(([which = '', said]): [string, Plan, string] => [
      `answers ${which} in a coding that was not asked for`,
      {
        instead: ({ method, path }) =>
          [method, path].includes(which) ? Promise.reject(new UnusableAnswer('CONTENT_ENCODING')) : undefined,
      },
      `${said} ${unusable}.`,
    ]),
    [
      'says nowhere to ask for the status',
      answering('POST', { status: 202 }),
      'The payer accepted the request, and did not say where to ask for its status.',
    ],
    [
      'has its status elsewhere',
      answering('POST', { status: 202, headers: { 'content-location': 'https://other.example/1' } }),
      "The payer's status is on a server that its profile does not name, so it was not asked.",
    ],
    [
      'has its status at a URL whose origin alone is its own',
      answering('POST', { status: 202, headers: { 'content-location': `blob:${exportWorld().base}/status/1` } }),
      "The payer's status is on a server that its profile does not name, so it was not asked.",
    ],
    ['fails', answering('/status/1', { status: 500 }), 'The payer ended the request with status 500.'],
    ['forgets the request', answering('/status/1', { status: 404 }), 'The payer ended the request with status 404.'],
    ['refuses every token', { instead: () => ({ status: 401 }) }, 'The payer refused the request with status 401.'],
    ['has no manifest', { manifest: { output: 'none' } }, "The payer's manifest could not be read."],
    ...['"output":[]', '"link":[]', '"error":[]', '"output":[{"type":"Patient","url":"x","url":"y"}]'].map(
      (member): [string, Plan, string] => [
        `has a member twice in its manifest, the second in ${member}`,
        answering('/status/1', {
          headers: { 'content-type': 'application/json' },
          body: `{"output":[],"link":[{"relation":"next"}],"error":[],${member}}`,
        }),
        "The payer's manifest could not be read.",
      ],
    ),
    ...['"x":DEEP', '"requiresAccessToken":DEEP', '"transactionTime":DEEP', '"error":[{"url":"x","count":DEEP}]'].map(
      (member): [string, Plan, string] => [
        `has a manifest that nests 100,000 levels deep: ${member}`,
        answering('/status/1', {
          headers: { 'content-type': 'application/json' },
          body: `{"output":[],${member.replace('DEEP', '['.repeat(1e5) + ']'.repeat(1e5))}}`,
        }),
        "The payer's manifest could not be read.",
      ],
    ),
    [
      'has a manifest of a million values',
      { manifest: { x: Array(1e6).fill(0) } },
      "The payer's manifest could not be read.",
    ],
    [
      'works for too long',
      answering('/status/1', { status: 202, headers: { 'retry-after': '3600' } }),
      'The payer had not ended its work: the export took longer than it may.',
    ],
  ])('nothing comes of a plan that %s', async (_, plan, error) => {
    const made = await run(groupInput(two), { output: [people], ...plan });

    expect(made).toMatchObject({ errors: [error], status: 'failed', ids: [] });
    expect(made.world.asked.every(({ url }) => url.startsWith(made.world.base))).toBe(true);
  });

  const elsewhere = 'https://other.example';
  it.each([
    ['the status of an export', groupInput(two), 'statusOrigins', 'status is'],
    ['a file of an export', groupInput(two), 'fileOrigins', ''],
    ['a file of a match', three, 'fileOrigins', ''],
  ] as const)('nothing goes to a server of %s once the profile names it no longer', async (_, input, origins, what) => {
    const plan = ({ payer }: World): Plan => ({
      output: [{ type: 'Group', url: `${elsewhere}/file`, lines: [] }],
      instead: ({ method, url }): Sent | undefined => {
        if (method === 'POST' && origins === 'statusOrigins')
          return { status: 202, headers: { 'content-location': `${elsewhere}/status` } };
        if (!url.startsWith(elsewhere)) return undefined;
        const { [origins]: _no, ...left } = payer.exchange!;
        Object.assign(payer, { exchange: left });
        return { status: 503, headers: { 'retry-after': '600' } };
      },
    });
    const { world, errors } = await run(input, plan, { plan: { [origins]: [elsewhere] } });

    expect(world.asked.filter(({ url }) => url.startsWith(elsewhere))).toHaveLength(1);
    expect(errors[0]).toMatch(new RegExp(`${what}.* on a server that (?:its|the payer's) profile does not name`));
  });

  it('is asked of those alone whose consent still holds, and of nobody if there are none', async () => {
    const some = await run(groupInput([memberOf('a'), ended]), { output: [patients('a')] });
    const none = await run(groupInput([ended]), {});
    const byGet = await run(groupInput(two, { groupMembers: 3 }), {}, { plan: { exportMethod: 'GET' } });

    expect([byGet.world.asked, byGet.status]).toEqual([[], 'failed']);
    expect(namedIn(some.world)).toEqual(onlyOfA);
    expect(none.world.asked).toEqual([]);
    expect(none.errors).toEqual([
      'No member of the Group may be exported any more, so nothing was requested.',
      consentEnded,
    ]);
  });

  it('is asked of those alone whom the plan’s Group still has, by the periods that it gave', async () => {
    const past = memberOf('b', { until: '2026-11-26' });
    const some = await run(groupInput([memberOf('a', { until: '2026-11-27' }), past]), { output: [people] });
    const none = await run(groupInput([past]), {});

    expect(namedIn(some.world)).toEqual(onlyOfA);
    expect(some.ids).toEqual(['a']);
    expect(some.errors).toContain(periodEnded);
    expect(cameOf(some.world)).toMatchObject([{ outcome: 'exported' }, { outcome: 'notNow' }]);
    expect(none.world.asked).toEqual([]);
    expect(none.errors).toEqual([
      'No member of the Group may be exported any more, so nothing was requested.',
      periodEnded,
    ]);
  });

  it.each<[string, Sent]>([
    ['fails', { status: 503 }],
    ['asks to wait', { status: 429, headers: { 'retry-after': '600' } }],
    ['refuses a token, and the next one takes long', { status: 401 }],
  ])('is not asked again once a consent has ended, if the plan %s', async (_, answer) => {
    const endsAt = '2026-11-27T00:01:00Z';
    const consent = { id: 'c', hash: 'h', endsAt };
    const askedOf = async (exchange: Exchange) => {
      const sentMs: number[] = [];
      let tokensMs: readonly number[] = [];
      const made = await run(exchange, (world) => {
        const { deps } = world;
        tokensMs = tokenTimes(world);
        return {
          output: [patients('a')],
          instead: ({ form }) => {
            if (form === undefined || !/MemberBundle|Patient\/b/.test(form)) return undefined;
            sentMs.push(deps.clock.now());
            return deps.sleep(answer.status === 401 ? 61_000 : 1000).then(() => answer);
          },
        };
      });
      const isLate = (at: number): boolean => at >= Date.parse(endsAt);
      const [late, lateTokens] = [sentMs.filter(isLate), tokensMs.filter(isLate)];
      const came = cameOf(made.world).map(({ outcome }) => outcome);
      return { ...made, sent: sentMs.length > 0, late, lateTokens, came };
    };
    const input = matchInput('ours-a', 'ours-b') as Extract<Exchange, { kind: 'match' }>;
    const members = [input.members[0]!, { ...input.members[1]!, consent }];
    const match = await askedOf({ ...input, members });
    const group = await askedOf(groupInput([memberOf('a'), memberOf('b', { consent })], { groupMembers: 3 }));
    const inTime = memberOf('b', { until: endsAt });
    const byPeriod = await askedOf(groupInput([memberOf('a'), inTime], { groupMembers: 3 }));

    expect(match).toMatchObject({
      sent: true,
      late: [],
      lateTokens: [],
      status: 'failed',
      came: ['notNamed', 'consentEnded'],
    });
    expect(match.errors).toEqual([
      "A member's consent ended before the payer could be asked, so nothing was requested. Send the others again.",
      consentEnded,
    ]);
    expect(group).toMatchObject({ sent: true, late: [], ids: ['a'], came: ['exported', 'consentEnded'] });
    expect(byPeriod).toMatchObject({ sent: true, late: [], ids: ['a'], came: ['exported', 'notNow'] });
  });

  it('is read no further when nobody is left of whom it may be', async () => {
    const consent = { id: 'c', hash: 'h', endsAt: '2026-11-27T00:10:00Z' };
    const plan = { output: [people], busy: 100 };
    const { world, status, errors } = await run(groupInput([memberOf('a', { consent })]), plan);

    expect({ status, errors }).toEqual({
      status: 'failed',
      errors: [
        'Nobody of the Group may be exported any more, so the rest was not read.',
        'Member ours-a is left out: the consent has ended.',
      ],
    });
    expect(world.asked.filter(({ path }) => path.startsWith('/files'))).toEqual([]);
    expect(world.asked.length).toBeLessThan(30);
    expect(world.asked.at(-1)?.method).toBe('DELETE');
  });

  // HAPI's text, the id of BCDA's job, Microsoft's empty list, and what Bulk Data 3.0 has.
  it.each([
    { msg: 'Export complete' },
    { JobID: 7 },
    { issues: [], deleted: null },
    { outputFormat: 'application/fhir+ndjson', outputOrganizedBy: '', extension: { 'https://plan.example/x': [1] } },
  ])('is all of them with a manifest that also has %j', async (manifest) => {
    const made = await run(groupInput(two), { output: [people], manifest });

    expect(made).toMatchObject({ complete: true, ids: ['a', 'b'], errors: [] });
  });

  const ahead = 'Thu, 31 Dec 2026 00:00:00 GMT';
  const none = 'Thu, 01 Jan 1970 00:00:00 GMT';
  const [request, hourBefore] = ['2026-11-27T00:00:00.000Z', '2026-11-26T23:00:00.000Z'];
  it.each([
    ['as the plan says', undefined, undefined, hourBefore],
    ['never later than our request', undefined, '2027-01-01T00:00:00Z', request],
    ['by our clock if the plan’s is ahead', ahead, '2027-01-01T00:00:00Z', request],
    ['by ours if both are beyond all dates', '+275000-01-01T00:00:00.000Z', '+275000-01-01T00:00:00Z', request],
    ['an hour before the start if the plan has no clock', none, '-200000-01-01T00:00:00Z', hourBefore],
    ['at the request if the manifest’s is before all dates', undefined, '-200000-01-01T00:00:00Z', request],
  ])('is as of a time: %s', async (_, date, transactionTime, expected) => {
    const manifest = transactionTime === undefined ? {} : { transactionTime };
    const made = await run(groupInput(two), { output: [people], manifest, date });

    expect(made.manifest.transactionTime).toBe(expected);
  });

  it.each([
    ['with the token if the manifest says so', true, {}, 'Bearer system-2'],
    ['with the token if the manifest says so as a text', 'true', {}, 'Bearer system-2'],
    ['without it if it does not', false, {}, ''],
    ['with it if the profile says so', false, { fileToken: 'always' }, 'Bearer system-2'],
    ['without it if the profile says so', true, { fileToken: 'never' }, ''],
  ] as const)('is fetched from a named server %s', async (_, requiresAccessToken, profile, token) => {
    const url = 'https://files.example/1';
    const body = people.lines.map((line) => JSON.stringify(line)).join('\n');
    const plan: Plan = {
      output: [{ ...people, url }],
      manifest: { requiresAccessToken },
      instead: (asked) => (asked.url === url ? { body } : undefined),
    };
    const made = await run(groupInput(two), plan, { plan: { fileOrigins: ['https://files.example'], ...profile } });

    expect(made.ids).toEqual(['a', 'b']);
    expect(askedFor(made.world, url)[0]?.token).toBe(token);
  });

  it('has its attachments fetched with the token of the gateway', async () => {
    const document = {
      resourceType: 'DocumentReference',
      id: 'd',
      subject: { reference: 'Patient/a' },
      content: [{ attachment: { url: 'Binary/1', contentType: 'application/pdf' } }],
    };
    const { world, attachments, lines, errors } = await run(groupInput(two), {
      ...and({ type: 'DocumentReference', lines: [document] }),
      ...answering('/Binary/1', { headers: { 'content-type': 'application/pdf' }, body: 'form' }),
    });

    const content = attachments.get('attachment-1')?.bytes.toString();
    expect({ errors, content }).toEqual({ errors: [], content: 'form' });
    expect(lines.find((line) => line.includes('DocumentReference'))).toContain('/attachment-1"');
    expect(askedFor(world, '/Binary/1')[0]?.token).toMatch(/^Bearer system-/);
  });

  it('whose attachments cannot wait as long as the plan asks counts no line that was left out at the end', async () => {
    const document = {
      resourceType: 'DocumentReference',
      id: 'd',
      subject: { reference: 'Patient/a' },
      content: [{ attachment: { url: 'Binary/1', contentType: 'application/pdf' } }],
    };
    const ofNobody = { resourceType: 'Provenance', id: 'p', target: [{ reference: 'Observation/none' }] };
    const { world, ids } = await run(groupInput(two), {
      ...and({ type: 'DocumentReference', lines: [document] }, { type: 'Provenance', lines: [ofNobody] }),
      ...answering('/Binary/1', { status: 429, headers: { 'retry-after': '999999' } }),
    });

    expect(ids).toEqual(['a', 'b', 'd']);
    expect((await world.item())?.resources).toBe(3);
  });

  it('rings that a plan is down once it has answered 503 for a while, and not of one that is busy', async () => {
    const downs = async (status: number): Promise<number> => {
      let busy = 30;
      const { world, ...made } = await run(groupInput(two), {
        output: [people],
        instead: ({ method }) =>
          method === 'POST' && (busy -= 1) >= 0 ? { status, headers: { 'retry-after': '120' } } : undefined,
      });
      expect(made.status).toBe('completed');
      const lines = world.lines.map((line) => JSON.parse(line) as { readonly payerDown?: number });
      return lines.filter(({ payerDown = 0 }) => payerDown >= payerDownThreshold).length;
    };

    expect(await downs(429)).toBe(0);
    expect(await downs(503)).toBeGreaterThan(10);
  });

  it('is polled more seldom the longer it takes, however often the plan would like it', async () => {
    const polls: number[] = [];
    const { status } = await run(groupInput(two), ({ deps }) => ({
      output: [people],
      instead: ({ path, method }) => {
        if (path !== '/status/1' || method !== 'GET') return undefined;
        polls.push(deps.clock.now() / 1000);
        return polls.at(-1)! - polls[0]! < 900 ? { status: 202, headers: { 'retry-after': '1' } } : undefined;
      },
    }));

    expect(status).toBe('completed');
    const gaps = polls.slice(1).map((at, index) => at - polls[index]!);
    expect(gaps[0]).toBeLessThan(2);
    expect(Math.min(...gaps.filter((_, index) => polls[index]! - polls[0]! >= 600))).toBeGreaterThanOrEqual(10);
  });

  it('waits as long as a busy plan says, and renews a token that it refuses', async () => {
    let busy = 2;
    const refused = new Set<string>();
    const { world, status } = await run(groupInput(two), {
      output: [people],
      instead: ({ path, method, token }) => {
        if (method === 'POST' && (busy -= 1) >= 0) return { status: 409, headers: { 'retry-after': '600' } };
        if (!path.startsWith('/files/') || refused.size > 0) return undefined;
        refused.add(token);
        return { status: 401 };
      },
    });

    expect(status).toBe('completed');
    const { endedAt, startedAt } = (await world.item())!;
    expect(endedAt! - startedAt).toBeGreaterThan(1200);
    const files = world.asked.filter(({ path }) => path.startsWith('/files/'));
    expect(files.map(({ token }) => refused.has(token))).toEqual([true, false]);
  });
});

describe('the gateway’s own token', () => {
  it.each<[string, Exchange]>([
    ['an export', groupInput(two)],
    ['a match', three],
  ])('is not asked for once %s is deleted, though a leg has begun', async (_, input) => {
    const world = worldOf(input, { output: [people] });
    const { openInJob } = world.deps;
    const asked = tokenTimes(world);
    let isOver = false;
    Object.assign(world.deps, {
      openInJob: async (...which: Parameters<typeof openInJob>) => {
        if (which[1] === 'input key' && !isOver) {
          isOver = true;
          await world.deleteExport();
        }
        return openInJob(...which);
      },
    });
    await world.kickOff();

    await world.durable.finish(world.start());

    expect({ isOver, asked, sent: world.asked }).toEqual({ isOver: true, asked: [], sent: [] });
  });
});

describe('an exchange without a secret that the plan takes', () => {
  const missing = 'the secret of payer northwind is missing or not in its form';
  const atToken = (status: number, answer: object): Partial<World['deps']> => ({
    payerHttp: async () => Response.json(answer, { status }),
  });
  it.each<[what: string, change: (world: World) => Partial<World['deps']>, detail: string, end: string]>([
    [
      'there is none',
      ({ exchanges: table }) => ({
        exchange: {
          table,
          readSecret: async () => {
            throw new GatewayError('temporarily_unavailable', '', { detail: missing, signal: 'secretMissing' });
          },
        },
      }),
      missing,
      missing,
    ],
    ...['invalid_client', 'invalid_grant'].map((error): [string, () => Partial<World['deps']>, string, string] => [
      `the plan says ${error}`,
      () => atToken(400, { error }),
      `token endpoint answered 400 with an OAuth error (${error})`,
      'nothing came: planUnusable client',
    ]),
  ])('says so in the log, and rings for the secret alone: %s', async (_what, change, detail, end) => {
    const world = worldOf(groupInput(two), {});
    Object.assign(world.deps, change(world));

    await world.run();

    expect((await world.item())?.status).toBe('failed');
    const lines = world.lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    const ringing = lines.filter((line) => line['secretMissing'] === 1);
    expect(ringing.length).toBeGreaterThan(1);
    for (const line of ringing) expect(line).toMatchObject({ level: 'error', payer: 'northwind', detail });
    expect(lines.filter((line) => 'payerDown' in line)).toEqual([]);
    expect(lines.at(-1)).toMatchObject({ outcome: 'failed', detail: end });
  });

  it('rings for the secret alone, too, if the plan refuses the token and the client at an attachment', async () => {
    const content = [{ attachment: { url: 'Binary/1', contentType: 'application/pdf' } }];
    const document = { resourceType: 'DocumentReference', id: 'd', subject: { reference: 'Patient/a' }, content };
    let isRefused = false;
    const world = worldOf(groupInput(two), {
      output: [people, { type: 'DocumentReference', lines: [document] }],
      instead: ({ path }) => {
        if (path !== '/Binary/1') return undefined;
        isRefused = true;
        return { status: 401 };
      },
    });
    const { payerHttp } = world.deps;
    Object.assign(world.deps, {
      payerHttp: async (...[url, init]: Parameters<typeof payerHttp>) =>
        isRefused && url === world.payer.exchange?.tokenEndpoint
          ? Response.json({ error: 'invalid_client' }, { status: 400 })
          : payerHttp(url, init),
    });

    await world.run();

    expect((await endOf(world)).ids).toEqual(['a', 'b', 'd']);
    const lines = world.lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    expect(lines.filter((line) => line['secretMissing'] === 1).length).toBeGreaterThan(1);
    expect(lines.filter((line) => 'payerDown' in line)).toEqual([]);
  });
});
