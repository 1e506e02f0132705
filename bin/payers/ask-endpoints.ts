import { appendFile, readFile } from 'node:fs/promises';
import { setTimeout as after } from 'node:timers/promises';
import { parseObject } from '../../functions/shared/json/json-object.ts';
import { isGiven } from '../../functions/shared/payer/answers.ts';
import { smartPlace } from '../../functions/shared/payer/discovery-documents.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import { inParallel } from '../shared/pool.ts';
import { mayAsk } from './discover.ts';
import { judgeMetadata } from './endpoints.ts';
import { probe, type Probed } from './probe.ts';

/**
 * Whether a FHIR API answers at an address; `throttled` if its server wants to be asked later, `unasked` if a public bundle names an
 * address of a private network.
 */
export interface AskedEndpoint {
  readonly address: string;
  readonly result: 'living' | 'dead' | 'throttled' | 'unasked';
  /** What it answered, for the report. */
  readonly why: string;
}

/** What asking needs. */
export interface AskDeps {
  readonly http: PayerHttp;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Waits, in milliseconds. @default really */
  readonly wait?: (ms: number) => Promise<unknown>;
  /** Where the addresses come from: only a private address may name others. */
  readonly source: string;
}

/** Hosts asked at the same time. Each gets one request at a time. */
const hostsAtOnce = 16;
/** Between two endpoints of a host. */
const pauseMs = 100;
/** Before a throttling host is asked again: twice, each time longer. */
const backoffMs = [2000, 8000];
const longestRetryAfterMs = 30_000;

const isThrottled = (answer: Probed): boolean => 'status' in answer && (answer.status === 429 || answer.status === 503);

/** Asks an address for SMART's document, or for its CapabilityStatement. */
const askOnce = async (http: PayerHttp, address: string): Promise<AskedEndpoint> => {
  const smart = await probe(http, smartPlace(address).url, { accept: 'application/json' });
  if ('json' in smart && isGiven(smart) && typeof smart.json?.['token_endpoint'] === 'string') {
    return { address, result: 'living', why: 'it publishes smart-configuration' };
  }
  if (isThrottled(smart)) return { address, result: 'throttled', why: 'it throttles' };
  const url = `${address}/metadata`;
  const answer = await probe(http, url, { accept: 'application/fhir+json' });
  if (isThrottled(answer)) return { address, result: 'throttled', why: 'it throttles' };
  const { text, todo } = judgeMetadata(url, answer);
  return { address, result: todo === undefined ? 'living' : 'dead', why: text.replace(`${url} `, '') };
};

/** Asks again, twice, while a server throttles, and waits as long as it says. */
export const patiently = async <T>(
  { http, wait = after }: Pick<AskDeps, 'http' | 'wait'>,
  ask: (http: PayerHttp) => Promise<T>,
  isThrottling: (answer: T) => boolean,
): Promise<T> => {
  let retryAfterMs = 0;
  const noting: PayerHttp = async (url, init) => {
    const response = await http(url, init);
    retryAfterMs = Number(response.headers.get('retry-after') ?? 0) * 1000 || 0;
    return response;
  };
  for (const backoff of backoffMs) {
    const answer = await ask(noting);
    if (!isThrottling(answer)) return answer;
    await wait(Math.min(longestRetryAfterMs, Math.max(backoff, retryAfterMs)));
  }
  return ask(noting);
};

const askPatiently = (deps: AskDeps, address: string): Promise<AskedEndpoint> =>
  patiently(
    deps,
    (http) => askOnce(http, address),
    ({ result }) => result === 'throttled',
  );

/** A result is asked for anew after this long. */
const keptMs = 7 * 86_400_000;

/** Raise this when the rules that judge an answer change. Version 0.2 wrote no number, and recorded addresses that it never asked as `dead`. */
const judgement = 3;

interface Noted extends AskedEndpoint {
  readonly atMs: number;
  readonly judgement: number;
}

/** What an earlier run found out, if it judged as this one does. A last line that was not written to its end does not count. */
const readState = async (file: string, nowMs: number): Promise<AskedEndpoint[]> => {
  const lines = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return lines.split('\n').flatMap((line) => {
    const noted = parseObject(line) as Partial<Noted> | undefined;
    const isKept =
      typeof noted?.address === 'string' && noted.judgement === judgement && Number(noted.atMs) > nowMs - keptMs;
    return isKept ? [noted as Noted] : [];
  });
};

/**
 * Asks each address once whether a FHIR API answers there: a few hosts at a time, each with one request at a time. Results
 * are kept in a file line by line, so that another run goes on where this one stopped; what no server answered is not.
 * @param onDone is told after each
 */
export const askEndpoints = async (
  deps: AskDeps,
  addresses: readonly string[],
  stateFile: string,
  onDone: (done: ReadonlyMap<string, AskedEndpoint>) => void,
): Promise<ReadonlyMap<string, AskedEndpoint>> => {
  const wanted = new Set(addresses);
  const known = await readState(stateFile, deps.now());
  const done = new Map(known.filter(({ address }) => wanted.has(address)).map((one) => [one.address, one] as const));
  // After a torn line.
  await appendFile(stateFile, '\n');
  onDone(done);
  const left = [...wanted].filter((address) => !done.has(address));
  const byHost = [...Map.groupBy(left, (address) => new URL(address).host).values()];
  await inParallel(byHost, hostsAtOnce, async (ofHost) => {
    for (const address of ofHost) {
      const asked: AskedEndpoint = mayAsk(address, deps.source)
        ? await askPatiently(deps, address)
        : { address, result: 'unasked', why: 'it is no public address' };
      if (asked.result === 'living' || asked.result === 'dead') {
        await appendFile(stateFile, `${JSON.stringify({ ...asked, judgement, atMs: deps.now() })}\n`);
      }
      done.set(address, asked);
      onDone(done);
      await (deps.wait ?? after)(pauseMs);
    }
  });
  return done;
};
