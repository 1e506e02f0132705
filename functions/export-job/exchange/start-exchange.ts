import { GatewayError } from '../../shared/errors.ts';
import { asFormerPlan, type FormerPlan } from '../../shared/registry/former-plan.ts';
import type { Payer } from '../../shared/registry/types.ts';
import type { Export } from '../../shared/store/export-item.ts';
import type { Job } from '../job/job.ts';
import { fetchAttachments } from '../leg/fetch-attachments.ts';
import type { LegStop } from '../leg/leg-stop.ts';
import type { Started } from '../leg/leg.ts';
import type { JobState, Task } from '../state/state.ts';
import { ask } from './ask.ts';
import { makeExchangeLeg, noteLost, typeOfAll, type ExchangeLeg } from './exchange-leg.ts';
import { groupNow } from './group-now.ts';
import { patientIn } from './line-rules.ts';
import { poll } from './poll.ts';
import { readFiles } from './read-files.ts';
import { takeGroups } from './take-groups.ts';

/** Whether resources may still come, and not only remarks and deletions. */
const isOutputLeft = async ({ readList }: ExchangeLeg, task: Task): Promise<boolean> => {
  if (task.kind !== 'files') return true;
  const { files } = await readList(task.list);
  return files.slice(task.at).some(({ kind }) => kind === 'output');
};

const readTask = async (leg: ExchangeLeg, task: Task): Promise<LegStop | undefined> => {
  const { input, lines } = leg;
  if (task.kind === 'ask') return ask(leg, task);
  if (task.kind === 'attachments') return fetchAttachments(leg, task);
  if (lines?.allowed.size === 0) {
    if (await isOutputLeft(leg, task)) noteLost(leg);
    leg.problems.add({ kind: 'planUnusable', type: typeOfAll(input), why: 'allEnded' });
    // The lines that wait stay in the queue, so that each is left out and counted.
    leg.next.queue.shift();
    return undefined;
  }
  if (task.kind === 'poll') {
    noteLost(leg);
    return poll(leg, task);
  }
  if (task.kind !== 'files') throw new Error(`no task of an exchange: ${task.kind}`);
  return input.kind === 'match' ? takeGroups(leg, input, task) : readFiles(leg, task);
};

/** Reads the queue, one task at a time. */
const readQueue = async (leg: ExchangeLeg): Promise<LegStop> => {
  for (;;) {
    const [task] = leg.next.queue;
    if (task === undefined) return { kind: 'finish' };
    const stop = await readTask(leg, task);
    if (stop !== undefined) return stop;
  }
};

/**
 * An operator has ended a member whose lines the leg keeps, no member's consent holds, or the profile no longer names a server that it may
 * be asking.
 */
type LegEnd = 'memberEnded' | 'nobodyLeft' | 'serverRemoved';

/** The servers that a profile names, each for its purpose. */
const serversOf = ({ fhirBaseUrl, exchange }: FormerPlan): readonly string[] => [
  `base ${new URL(fhirBaseUrl).origin}`,
  ...(exchange.statusOrigins ?? []).map((origin) => `status ${origin}`),
  ...(exchange.fileOrigins ?? []).map((origin) => `file ${origin}`),
];

/** Why a leg must not continue; undefined if it may. @throws GatewayError */
const findEnd = async ({ deps, item, payer, input, lines }: ExchangeLeg): Promise<LegEnd | undefined> => {
  const registered = await deps.registry.payer(payer.id);
  const planNow = registered === undefined ? undefined : asFormerPlan(registered);
  const serversNow = new Set(planNow === undefined ? [] : serversOf(planNow));
  if (serversOf(payer).some((server) => !serversNow.has(server))) return 'serverRemoved';
  if (input.kind === 'match') return undefined;
  lines?.leaveOutEnded(deps.clock.now());
  if (lines?.allowed.size === 0) return 'nobodyLeft';
  const { ended, isMixed } = await groupNow(deps, item, input);
  // Such a leg may go on: what names nobody no longer comes.
  if (isMixed) lines?.noteMixed();
  return [...ended].some((reference) => lines?.allowed.has(patientIn({ reference })) === true)
    ? 'memberEnded'
    : undefined;
};

/** Starts a leg that asks a former plan. @param stopped aborts when the leg must stop reading */
export const startExchange = async (
  job: Job,
  item: Export,
  { payer }: { readonly payer: Payer },
  state: JobState,
  stopped: AbortSignal,
): Promise<Started> => {
  const leg = await makeExchangeLeg(job, item, payer, state, stopped);
  return {
    leg,
    read: () => readQueue(leg),
    watched: {
      // The next leg leaves out what it may no longer read.
      findEnd: async () => {
        const detail = await findEnd(leg);
        return detail === undefined
          ? undefined
          : new GatewayError('access_denied', 'The exchange may read less than when this leg began.', { detail });
      },
    },
    added: () => ({ referred: [], files: leg.files }),
    progress: () => {
      const { progress } = leg.next.queue[0]?.kind === 'poll' ? leg : {};
      return { payerProgress: progress?.text, pollAgainAt: progress?.againAt };
    },
  };
};
