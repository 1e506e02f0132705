import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import { revoke } from '../../functions/shared/store/grants.ts';
import type { Manifest } from '../../sandbox/partner/exports.ts';
import { ask, async } from '../support/export-gateway.ts';
import { read } from '../support/fetch-gateway.ts';
import { randomOf } from '../support/random.ts';
import { exportsWorld, type Planted } from './export-world.ts';

/** A promise of exports that a history breaks. */
export class Broken extends Error {}

const require = (holds: boolean, promise: string, about: unknown = ''): void => {
  if (!holds) throw new Broken(`${promise}: ${JSON.stringify(about)}`);
};

/** What happened in histories: those in which nothing happens would keep every promise. */
export type Seen = Record<
  'whole' | 'partial' | 'failed' | 'deleted' | 'refused' | 'waited' | 'overdue' | 'ended' | 'outlived' | 'told',
  number
>;

const pages = 4;
const perPage = 3;
const all = ['patient-1', ...Array.from({ length: pages * perPage }, (_, at) => `o-${at}`), 'p-1'].toSorted();

/** What the payer declares: what its member's record has, and nothing else. */
const statement = {
  resourceType: 'CapabilityStatement',
  status: 'active',
  kind: 'instance',
  fhirVersion: '4.0.1',
  format: ['json'],
  rest: [
    {
      mode: 'server',
      resource: [
        { type: 'Patient', interaction: [{ code: 'read' }] },
        { type: 'Practitioner', interaction: [{ code: 'read' }] },
        {
          type: 'Observation',
          interaction: [{ code: 'read' }, { code: 'search-type' }],
          searchParam: [{ name: 'patient', type: 'reference' }],
        },
      ],
    },
  ],
};

/** A payer with one member, that throttles, refuses tokens and breaks off at random. */
const payerOf = (random: () => number): PayerHttp => {
  let refreshes = 0;
  const isBad = random() < 0.4;
  const isSlow = random() < 0.2;
  return async (input, init) => {
    const url = new URL(String(input));
    if (init?.method === 'POST') {
      refreshes += 1;
      const tokens = {
        access_token: `t-${refreshes}`,
        refresh_token: `r-${refreshes}`,
        token_type: 'Bearer',
        expires_in: 300,
      };
      return Response.json(tokens);
    }
    const fate = random();
    if (isSlow && fate < 0.3) return new Response('{}', { status: 429, headers: { 'retry-after': '3600' } });
    if (fate < 0.04) return new Response('{}', { status: 429, headers: { 'retry-after': '30' } });
    if (fate < 0.06) return new Response('{}', { status: 401 });
    if (fate < 0.07) return new Response('{}', { status: 500 });
    const headers = { 'content-type': 'application/fhir+json' };
    if (url.pathname.includes('/Practitioner/'))
      return Response.json({ resourceType: 'Practitioner', id: 'p-1' }, { headers });
    if (url.pathname.endsWith('/metadata')) return Response.json(statement, { headers });
    const page = Number(url.searchParams.get('page') ?? 0);
    if (isBad && page === 2) return new Response('<html>', { headers: { 'content-type': 'text/html' } });
    const resources: object[] = Array.from({ length: perPage }, (_, at) => ({
      resourceType: 'Observation',
      id: `o-${page * perPage + at}`,
      subject: { reference: 'Patient/patient-1' },
      performer: [{ reference: 'Practitioner/p-1' }],
    }));
    if (page === 0) resources.push({ resourceType: 'Patient', id: 'patient-1' });
    const base = url.href.slice(
      0,
      url.href.indexOf('/Patient/') < 0 ? url.href.indexOf('?') : url.href.indexOf('/Patient/'),
    );
    const link = page + 1 < pages ? [{ relation: 'next', url: `${base}?page=${page + 1}` }] : [];
    const bundle = { resourceType: 'Bundle', link, entry: resources.map((resource) => ({ resource })) };
    const text = JSON.stringify(bundle);
    return new Response(fate < 0.09 ? text.slice(0, -30) : text, { headers });
  };
};

type Rank = 'running' | 'ended' | 'gone';
const ranks: readonly Rank[] = ['running', 'ended', 'gone'];

/** What a partner knows of one export. */
interface Known {
  readonly exportId: string;
  rank: Rank;
  answer: string;
  resources: number;
  manifest?: Manifest;
  /** When its files end, in milliseconds, as its manifest's answer says. */
  endsAt?: number;
  /** Whether its partner must have heard of its end: the stream was read to its end since, and never while the partner was blocked. */
  isTold?: boolean;
}

/**
 * Runs one grant's exports: kick-offs, polls, downloads, DELETE, ends of the grant, blocks, clocks, deliveries of the
 * streams, and jobs whose calls fail and whose processes die.
 * @throws Broken, with the promise that does not hold
 */
export const runExports = async (seed: number, seen: Seen, planted?: Planted): Promise<void> => {
  const random = randomOf(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const payer = payerOf(random);
  const world = exportsWorld(random, payer, planted);
  const { gateway, deps, durable, events, objects, faults } = world;
  gateway.payer.http = payer;
  const lives = pick([86_400, 60 * 86_400]);
  const grant = await gateway.grant({ accessLives: 1e7, lives, scope: 'patient/*.rs' });
  const exports: Known[] = [];
  let isEnded = false;
  let isBlocked = false;
  const nowSeconds = (): number => Math.floor(durable.now() / 1000);
  const grantIsOver = (): boolean => isEnded || nowSeconds() >= gateway.deps.clock.now() / 1000 + lives;

  /** Notes what the partner learned of an export's status, which only goes one way. */
  const learn = (one: Known, rank: Rank, answer: string): void => {
    require(ranks.indexOf(rank) >= ranks.indexOf(one.rank), 'a status only goes one way', [one.rank, rank]);
    require(one.rank !== rank || rank === 'gone' || one.answer === answer, 'an end does not change', [
      one.answer,
      answer,
    ]);
    Object.assign(one, { rank, answer });
  };

  const kickOff = async (): Promise<void> => {
    const answer = await read(deps, 'Patient/$export', grant.token, { headers: async });
    if (answer.statusCode !== 202) {
      if (answer.statusCode === 429) seen.refused += 1;
      require([401, 403, 429, 503].includes(answer.statusCode), 'a kick-off is answered', answer.statusCode);
      return;
    }
    require(!isEnded && !isBlocked, 'a grant that is over starts nothing');
    const exportId = String(answer.headers['Content-Location']).split('/').at(-1) ?? '';
    require(world.replaced() === 0, 'one export runs at a time');
    for (const one of exports) learn(one, 'gone', 'gone');
    exports.push({ exportId, rank: 'running', answer: 'running', resources: 0 });
  };

  /** What is stored, and so what it costs, is bounded. */
  const checkStored = (): void => {
    const item = JSON.stringify(gateway.dynamo.items('Exports').get(grant.grantId) ?? {});
    require(item.length < 16_384, 'an item stays small');
    require(gateway.dynamo.items('Exports').size <= 1, 'a grant has one item');
    require(objects.size < 400, 'few objects are stored', objects.size);
  };

  const readFile = async (one: Known, file: string): Promise<string | undefined> => {
    const answer = await ask(deps, one.exportId, grant.token, { file });
    return answer.statusCode === 200 && answer.error === undefined ? answer.text : undefined;
  };

  /** Downloads a record: each resource once, and whole unless the manifest says what is missing. */
  const checkRecord = async (one: Known, manifest: Manifest): Promise<void> => {
    const ids: string[] = [];
    for (const { type, url, count } of manifest.output) {
      const text = await readFile(one, url.split('/').at(-1) ?? '');
      if (text === undefined) {
        require(isEnded || isBlocked, 'each file of a manifest can be read', url);
        return;
      }
      const lines = text.split('\n').filter((line) => line !== '');
      require(lines.length === count, 'a file has as many lines as the manifest says', [lines.length, count]);
      if (type !== 'Provenance') ids.push(...lines.map((line) => (JSON.parse(line) as { id: string }).id));
    }
    require(new Set(ids).size === ids.length, 'each resource comes once', ids);
    const isWhole = ids.toSorted().join() === all.join();
    const names =
      manifest.error.length > 0 || manifest.extension?.outcomes?.some(({ outcome }) => outcome !== 'complete');
    require(isWhole || names === true, 'a record is whole, or says what is missing', ids);
    if (one.manifest === undefined) seen[isWhole ? 'whole' : 'partial'] += 1;
    one.manifest = manifest;
  };

  const poll = async (one: Known): Promise<void> => {
    const answer = await ask(deps, one.exportId, grant.token);
    const { statusCode } = answer;
    if (statusCode === 401 || statusCode === 403) {
      require(isBlocked ||
        grantIsOver() ||
        gateway.dynamo.items('Grants').get(grant.grantId)?.['revokedAt'] !==
          undefined, 'a live token is taken', statusCode);
      return;
    }
    require(!isEnded && !isBlocked, 'an ended grant and a blocked partner get nothing', statusCode);
    if (statusCode === 202) {
      learn(one, 'running', 'running');
      const resources = Number(/[\d,]+/.exec(String(answer.headers['X-Progress']))?.[0]);
      require(resources >= one.resources, 'progress does not go back', [one.resources, resources]);
      one.resources = resources;
    } else if (statusCode === 404) learn(one, 'gone', 'gone');
    else if (statusCode === 500) {
      if (one.rank === 'running') seen[answer.text.includes('three days') ? 'overdue' : 'failed'] += 1;
      learn(one, 'ended', 'failed');
    } else {
      require(statusCode === 200, 'a poll is answered', [statusCode, answer.text]);
      learn(one, 'ended', 'manifest');
      require(!grantIsOver(), 'a grant whose time is over gets nothing');
      one.endsAt = Date.parse(String(answer.headers['Expires']));
      require(durable.now() < one.endsAt, 'an export ends when it says');
      await checkRecord(one, JSON.parse(answer.text) as Manifest);
    }
  };

  const remove = async (one: Known): Promise<void> => {
    const { statusCode } = await ask(deps, one.exportId, grant.token, { method: 'DELETE' });
    if (statusCode !== 202) return;
    seen.deleted += 1;
    learn(one, 'gone', 'gone');
  };

  /** Files that were seen are not read once their export or its grant is over. */
  const readOld = async (one: Known): Promise<void> => {
    const file = one.manifest?.output[0]?.url.split('/').at(-1);
    if (file === undefined) return;
    const text = await readFile(one, file);
    const isOver = durable.now() >= (one.endsAt ?? 0);
    if (isOver && !isEnded && !isBlocked && !grantIsOver()) seen.outlived += 1;
    require(text === undefined ||
      (one.rank !== 'gone' &&
        !isEnded &&
        !isBlocked &&
        !grantIsOver() &&
        !isOver), 'no file is read after its end', file);
  };

  const endGrant = async (): Promise<void> => {
    const how = pick(['byOperator', 'byPartner'] as const);
    await revoke(deps.grants, grant.grantId, how, { now: nowSeconds(), requestId: 'end' });
    isEnded = true;
    seen.ended += 1;
  };

  const block = (): void => {
    isBlocked = !isBlocked;
    const entry = 'partner#demo-partner';
    if (isBlocked) gateway.stops.set(entry, { at: nowSeconds(), by: 'operator', reason: 'x' });
    else gateway.stops.delete(entry);
  };

  /** The engine gives up every job, as after its longest time. Three days pass then. */
  const giveUp = (): boolean => {
    const jobs = durable.engine.executions().filter(({ arn, status }) => arn.includes(':job') && status === 'RUNNING');
    for (const { arn } of jobs) durable.engine.stop(arn);
    return jobs.length > 0;
  };
  let isGivenUp = false;

  /** How often a partner does nothing but poll, so that some exports come to their end. */
  const patience = pick([0, 0, 0.8]);

  /** Something that the partner, an operator or AWS does. */
  const act = async (): Promise<void> => {
    const one = exports.length === 0 ? undefined : random() < 0.8 ? exports.at(-1) : pick(exports);
    const isPatient = random() < patience;
    const at = random();
    if (one !== undefined && isPatient) await poll(one);
    else if (one === undefined || at < 0.12) await kickOff();
    else if (at < 0.7) await poll(one);
    else if (at < 0.85) await readOld(one);
    else if (at < 0.9) await remove(one);
    else if (at < 0.93) block();
    else if (at < 0.945) await endGrant();
    else if (at < 0.98) world.expire();
    else isGivenUp = giveUp();
    checkStored();
  };

  let isActing = false;
  let broken: unknown;
  world.setBetween(async () => {
    if (isActing || random() > 0.03) return;
    isActing = true;
    try {
      await act();
    } catch (error) {
      broken ??= error;
    } finally {
      isActing = false;
    }
  });
  Object.assign(
    faults,
    pick([
      { failed: 0, death: 0 },
      { failed: 0.03, death: 0.03 },
      { failed: 0.1, death: 0.02 },
    ]),
  );
  await kickOff();
  for (let step = 0; step < 25; step += 1) {
    if (random() < 0.8) {
      await world.deliver();
      for (const one of exports) {
        if (isBlocked) one.isTold = false;
        else if (one.rank === 'ended') one.isTold ??= true;
      }
    }
    const longest = isGivenUp ? 80 * 3_600_000 : 600_000;
    isGivenUp = false;
    const mayEnd = exports.at(-1)?.manifest !== undefined && random() < 0.1;
    await durable.pass(mayEnd ? 7 * 86_400_000 : pick([50, 1000, 20_000, 120_000, longest, longest]));
    isActing = true;
    await act();
    isActing = false;
    if (broken !== undefined) throw broken;
    if (gateway.stored(grant.grantId)?.wanted !== undefined) seen.waited += 1;
  }

  // In the end the grant goes, and everything with it.
  Object.assign(faults, { failed: 0, death: 0 });
  world.setBetween(async () => {});
  if (!isEnded) await endGrant();
  for (let round = 0; round < 3; round += 1) {
    await world.deliver();
    await durable.pass(3_600_000);
  }
  // A job that waits for a poll finds no export when its wait ends.
  await durable.pass(2 * 86_400_000);
  require(gateway.stored(grant.grantId) === undefined, 'no export outlives its grant');
  require(objects.size === 0, 'every part is deleted in the end', [...objects.keys()].length);
  const running = durable.engine
    .executions()
    .filter(({ status, name }) => status === 'RUNNING' && !name.includes('-gone'));
  require(running.length === 0, 'no job outlives its export', running);
  for (const { exportId, isTold } of exports) {
    const ends = events.filter(({ type, data }) => data.export === exportId && /completed|partial|failed/.test(type));
    require(ends.length <= 1, 'a partner hears once that an export has ended', ends);
    require(isTold !== true || ends.length === 1, 'a partner hears that an export has ended', exportId);
    if (isTold === true) seen.told += 1;
    const readers = durable.engine
      .all()
      .filter(
        ({ name, operations }) =>
          name.startsWith(exportId) && [...operations.values()].some((made) => made.name === 'leg'),
      );
    require(readers.length <= 1, 'one job reads for an export', readers.length);
  }
};
