import { nowSeconds } from '../../shared/clock.ts';
import { isDeeperThan } from '../../shared/json/depth.ts';
import { parseOnceEach } from '../../shared/json/repeated-member.ts';
import { countValues } from '../../shared/json/values.ts';
import { dropBody, retryAfterOf } from '../../shared/payer/answers.ts';
import type { PayerResponse } from '../../shared/payer/http.ts';
import { readText } from '../../shared/payer/read-text.ts';
import { afterFailure, waitOrSleep } from '../leg/after-answer.ts';
import { secondsLeft, type LegStop } from '../leg/leg-stop.ts';
import { fresh, updateTask } from '../leg/leg.ts';
import { saidTime } from '../leg/payer-time.ts';
import type { PollTask } from '../state/state.ts';
import { afterPlan, endExchange, lastProblem } from './ask.ts';
import { typeOfAll, type ExchangeLeg } from './exchange-leg.ts';
import { readPlanManifest } from './plan-manifest.ts';

/** How many polls in a row may fail. The plan keeps working meanwhile, so polls are retried more often than other requests. */
const mostTries = 12;

/** The longest manifest, in bytes. */
const mostManifestBytes = 16 * 1024 * 1024;

/** The most values of a manifest: far more than its files have. */
const mostManifestValues = 1_000_000;

/** The longest wait between polls if the plan does not say, in seconds. */
const longestWait = 120;

/** The shortest wait, even if the plan asks for a shorter one, in seconds: a sixtieth of the time since the start, up to a minute. */
const shortestWait = (sinceStart: number): number => Math.min(60, Math.max(1, Math.floor(sinceStart / 60)));

/** What the plan says of its progress, in characters that a header and a page can carry; at most 100 of them. */
const progressOf = ({ headers }: PayerResponse): string | undefined => {
  const text = (headers.get('x-progress') ?? '')
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, 100);
  return text === '' ? undefined : text;
};

/** How long to wait before the next poll: as long as the plan says, if that is not too short; otherwise a little longer each time. */
const waitOf = ({ deps, item }: ExchangeLeg, { waits }: PollTask, response: PayerResponse): number => {
  const said = response.headers.get('retry-after');
  const seconds =
    said === null ? Math.min(longestWait, 2 ** Math.min(waits, 7)) : retryAfterOf(response, deps.clock.now());
  const shortest = shortestWait(nowSeconds(deps.clock) - item.startedAt);
  // The plan may name a time that is after the export's own time limit.
  return Math.max(1, Math.min(Math.max(shortest, seconds), secondsLeft(deps, item) - 1));
};

/** How deep a manifest may nest. Bulk Data's own elements do not reach 10. */
const deepestManifest = 50;

const parse = (text = ''): unknown =>
  countValues(text) > mostManifestValues || isDeeperThan(deepestManifest, text) ? undefined : parseOnceEach(text);

/** Reads the manifest, and queues its files. */
const takeManifest = async (
  leg: ExchangeLeg,
  task: PollTask,
  text: string | undefined,
  linkHeader: string | null,
): Promise<void> => {
  const type = typeOfAll(leg.input);
  const manifest = readPlanManifest(leg.payer, parse(text), task.url, linkHeader);
  if (typeof manifest === 'string') return endExchange(leg, { kind: 'planUnusable', type, why: manifest });
  const { files, withToken, transactionTime, linesTotal, more } = manifest;
  if (more !== undefined) leg.problems.add({ kind: 'planUnusable', type, why: more });
  for (const { kind, number, type: ofFile, isCountUnreadable } of files) {
    if (kind === 'output' && isCountUnreadable === true)
      leg.problems.add({ kind: 'saidUnreadable', type: ofFile, file: number, what: 'count' });
  }
  const { next } = leg;
  const asked = Date.parse(next.transactionTime!);
  // The files need not include changes made after our request, whatever time the plan gives.
  next.transactionTime = new Date(saidTime(transactionTime, asked) ?? asked).toISOString();
  next.linesTotal = linesTotal;
  next.planned.push(...new Set(files.filter(({ kind }) => kind === 'output').map((file) => file.type)));
  const list = await leg.writeList({ files, withToken });
  next.queue.splice(0, 1, { kind: 'files', list, at: 0, offset: 0, lines: 0, kept: 0, left: {}, ...fresh });
  return undefined;
};

/** The connection broke before the whole answer arrived. */
const broken = Symbol('broken');

/** Polls a former plan until it is done, as often as it says. */
export const poll = async (leg: ExchangeLeg, first: PollTask): Promise<LegStop | undefined> => {
  const type = typeOfAll(leg.input);
  let task = first;
  for (;;) {
    const stop = leg.calls.whyNot();
    if (stop !== undefined) return stop;
    const answer = await leg.ask({
      url: task.url,
      named: 'status',
      headers: { accept: 'application/json' },
      withToken: true,
    });
    if (answer.kind !== 'answered') {
      const after = await afterPlan(leg, task, answer, mostTries);
      if ('stop' in after) return after.stop;
      if (!('again' in after)) return endExchange(leg, lastProblem(type, 'poll', answer));
      task = leg.next.queue[0] as PollTask;
      continue;
    }
    const { response, end } = answer;
    const { status } = response;
    const text = status === 200 ? await readText(response, mostManifestBytes).catch(() => broken) : undefined;
    if (status !== 200) await dropBody(response);
    end();
    if (text === broken) {
      const after = await afterFailure(leg, task, mostTries);
      if ('stop' in after) return after.stop;
      if (!('again' in after)) return endExchange(leg, { kind: 'planUnusable', type, why: 'manifest' });
      task = leg.next.queue[0] as PollTask;
      continue;
    }
    if (status === 200) {
      await takeManifest(leg, task, text as string | undefined, response.headers.get('link'));
      return { kind: 'go' };
    }
    if (status !== 202) return endExchange(leg, { kind: 'planRefused', type, step: 'poll', status });
    const seconds = waitOf(leg, task, response);
    leg.progress = { text: progressOf(response), againAt: nowSeconds(leg.deps.clock) + seconds };
    task = updateTask(leg, task, { tries: 0, down: 0, waits: task.waits + 1 });
    const after = await waitOrSleep(leg, seconds, 'payerBusy');
    if ('stop' in after) return after.stop;
  }
};
