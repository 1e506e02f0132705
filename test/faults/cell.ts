import type { Dynamo } from '../support/world/dynalite.ts';
import { describeAnswer } from './answers.ts';
import type { GatewayAnswer, GatewayRequest, Instance } from './instance.ts';
import { checkAudit, checkPayer, checkStored, checkTokensOnce } from './invariants.ts';
import { broughtRecord, refreshedEarly, type Path, type Prepared } from './paths.ts';
import { dependencyOf, type Fault } from './proxy.ts';
import { connect, readRequest, type Pair } from './requests.ts';
import { startWorld, type World } from './world.ts';

/** An execution environment that may be killed in the middle of a request. */
export interface Mortal extends Instance {
  /** Resolves with undefined if it died before it answered. */
  readonly callUntilDeath: (request: GatewayRequest) => Promise<GatewayAnswer | undefined>;
  readonly kill: () => void;
}

export type StartMortal = (world: World) => Promise<Mortal>;

/** The result of one path under one fault. */
export interface CellResult {
  readonly path: string;
  readonly fault: Fault;
  /** What the caller saw. */
  readonly saw: string;
  /** What it saw in the end when it retried, once all was well. */
  readonly again: string;
}

const mostTries = 4;
/** A little longer than payer tokens live, in milliseconds. */
const payerTokenLivesMs = 301_000;

/** What a path does if nothing fails. */
export interface CleanRun {
  readonly calls: readonly string[];
  readonly saw: string;
}

const inWorld = async <T>(dynamo: Dynamo, { profile }: Path, run: (world: World) => Promise<T>): Promise<T> => {
  const world = await startWorld(dynamo, { profile });
  try {
    return await run(world);
  } finally {
    await world.close();
  }
};

/** Records a path's calls. */
export const runClean = (dynamo: Dynamo, path: Path): Promise<CleanRun> =>
  inWorld(dynamo, path, async (world) => {
    const instance = world.instance();
    const prepared = await path.prepare(world, instance);
    world.proxy.record();
    const answer = await instance.call(await prepared.request());
    const calls = world.proxy.calls();
    const saw = describeAnswer(path.kind, answer);
    await checkAudit(world, [answer]);
    await checkOutcome(world, prepared, answer, false);
    return { calls, saw };
  });

const lostAtPayer: ReadonlySet<string> = new Set(['answer lost', 'answer cut', 'answer late', 'killed after']);
const neverStored: ReadonlySet<string> = new Set(['refused', 'throttled', 'out of order', 'killed before']);

/**
 * The only way in which a rotating payer may cost a grant: it used up the old refresh token, and its answer reached no
 * one who could keep it.
 */
const mayLoseGrant = ({ call, kind, times }: Fault): boolean =>
  (call.startsWith('payer OAuth: POST /oauth2/token') && lostAtPayer.has(kind)) ||
  (call.startsWith('DynamoDB: UpdateItem Grants (sealedPayerTokens)') &&
    neverStored.has(kind) &&
    (times === 'always' || kind === 'killed before'));

/** What is left of a grant that existed before. @throws Error if the path should have left something else */
const checkOutcome = async (
  world: World,
  { use, pair, endsGrant = false }: Prepared,
  good: GatewayAnswer | undefined,
  mayLose: boolean,
): Promise<string> => {
  world.mend();
  const instance = world.instance();
  const held = good !== undefined && use !== undefined ? await use(good, instance) : pair;
  if (held === undefined) return '';
  const alive = await isAlive(world, held);
  if (endsGrant && good !== undefined && alive) throw new Error('the grant lives on');
  if (!endsGrant && !alive && !mayLose) throw new Error('the grant is lost');
  return !endsGrant && !alive ? 'the grant is lost' : '';
};

/**
 * Whether a pair still reads after its payer token has expired, possibly after waiting for a lease that no one
 * releases.
 */
const isAlive = async (world: World, pair: Pair): Promise<boolean> => {
  world.clock.pass(payerTokenLivesMs);
  for (let tries = 0; tries < mostTries; tries += 1) {
    const answer = await world.instance().call(readRequest(pair.access));
    const saw = describeAnswer('FHIR', answer);
    if (broughtRecord(answer)) return true;
    if (answer.status !== 503) return saw.startsWith('200');
    world.clock.pass(Number(answer.headers['Retry-After']) * 1000);
  }
  return false;
};

const isOver = (path: Path, saw: string): boolean => {
  // The browser has left for the partner, and the partner knows.
  if (path.kind === 'browser') return saw.startsWith('back') || saw.startsWith('page 4');
  return /^4(?!29)/.test(saw);
};

/** Repeats the request until it succeeds or fails for good. */
const tryAgain = async (
  world: World,
  path: Path,
  prepared: Prepared,
  { saw: goodSaw }: CleanRun,
  first: { saw: string; answer: GatewayAnswer | undefined },
): Promise<{ answers: GatewayAnswer[]; seen: string[] }> => {
  const answers: GatewayAnswer[] = first.answer === undefined ? [] : [first.answer];
  const seen: string[] = [];
  for (let saw = first.saw; saw !== goodSaw && !isOver(path, saw) && seen.length < mostTries;) {
    world.clock.pass(Number(answers.at(-1)?.headers['Retry-After'] ?? 1) * 1000);
    const answer = await world.instance().call(await prepared.request());
    answers.push(answer);
    saw = describeAnswer(path.kind, answer);
    seen.push(saw);
  }
  return { answers, seen };
};

const asked = '503 `transient` (wait 5 s)';

/**
 * If every store of new tokens times out, the retries take about as long as the old token lives. Depending on the
 * machine, the read then uses the old token, or the caller is told to retry. Undefined for any other cell.
 */
const eitherWay = (
  path: Path,
  { call, kind, times }: Fault,
  saw: string,
  again: string,
): Pick<CellResult, 'saw' | 'again'> | undefined => {
  const isLateStore = call.includes('(sealedPayerTokens)') && kind === 'answer late' && times === 'always';
  if (!isLateStore || path.name !== refreshedEarly) return undefined;
  const isEither = (saw === '200 record' && again === '') || (saw === asked && again === '200 record');
  return isEither ? { saw: `200 record or ${asked}`, again: '200 record' } : undefined;
};

/** Runs a path under a fault, and checks what is left. @throws Error if a promise is broken */
export const runCell = (
  dynamo: Dynamo,
  path: Path,
  clean: CleanRun,
  fault: Fault,
  startMortal?: StartMortal,
): Promise<CellResult> => {
  const run = async (world: World): Promise<CellResult> => {
    const mortal = await startMortal?.(world);
    try {
      const instance = mortal ?? world.instance();
      const prepared = await path.prepare(world, instance);
      const request = await prepared.request();
      await instance.warm();
      if (fault.kind === 'answer late') instance.hurry(dependencyOf(fault.call));
      world.proxy.arm(fault, mortal?.kill);
      const answer = await (mortal === undefined ? instance.call(request) : mortal.callUntilDeath(request));
      if (!world.proxy.struck()) throw new Error('the call was not made');
      world.proxy.heal();

      const saw = answer === undefined ? 'nothing' : describeAnswer(path.kind, answer);
      const { answers, seen } = await tryAgain(world, path, prepared, clean, { saw, answer });
      const last = seen.at(-1) ?? saw;
      const good = last === clean.saw ? answers.at(-1) : undefined;
      if (good === undefined && !isOver(path, last)) throw new Error(`${last}, for ever`);

      if (path.kind === 'OAuth' && prepared.pair === undefined) checkTokensOnce(answers);
      // A refresh's result is stored before it is used.
      const mayLose = mayLoseGrant(fault) && world.payer.readRefreshed() === 0;
      const lost = await checkOutcome(world, prepared, good, mayLose);
      await checkAudit(world, answers);
      await checkStored(world);
      checkPayer(world, mayLoseGrant(fault));
      const rest = good !== undefined && lost === '' ? [] : [lost, await startOver(world)];
      // How many times it is told to wait depends on how the machine's speed relates to the lease.
      const again = [seen.at(-1) ?? '', ...rest].filter((part) => part !== '').join('; ');
      return { path: path.name, fault, ...(eitherWay(path, fault, saw, again) ?? { saw, again }) };
    } finally {
      mortal?.kill();
    }
  };
  return inWorld(dynamo, path, run);
};

/** Whatever happened, a new login works. */
const startOver = async (world: World): Promise<string> => {
  world.mend();
  const instance = world.instance();
  const answer = await instance.call(readRequest((await connect(world, instance)).access));
  if (!broughtRecord(answer)) throw new Error('not even a new login works');
  return 'a new login works';
};
