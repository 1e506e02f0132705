import { dropBody } from '../../shared/payer/answers.ts';
import { asFormerPlan } from '../../shared/registry/former-plan.ts';
import { dropAccepted, noteEnded } from '../../shared/store/exchanges.ts';
import { exchangeDeps } from '../job/deps.ts';
import { inStep } from '../job/in-step.ts';
import type { Job } from '../job/job.ts';
import { askPlan } from './ask-plan.ts';
import { findWork, type PlanWork } from './work.ts';

/** How long the DELETE may wait for its turn under the plan's rate limit, in milliseconds. */
const turnMs = 60_000;

/** How many tries one step makes. */
const mostTries = 5;

/** The parts of a job that telling the plan needs. */
type Closing = Pick<Job, 'deps' | 'exportId' | 'tokens'>;

/** Asks the plan to delete its work. Returns the HTTP status of the answer, or 0 if there was none. */
const deleteWork = async ({ deps, tokens }: Closing, { payer: id, url }: PlanWork): Promise<number> => {
  const payer = await deps.registry.payer(id, { evenIfPaused: true });
  const plan = payer === undefined ? undefined : asFormerPlan(payer);
  if (plan === undefined) return 0;
  const asking = {
    deps,
    plan,
    tokens,
    untilAt: deps.clock.monotonic() + turnMs,
    isStillThere: () => Promise.resolve(true),
    stopped: new AbortController().signal,
  };
  for (let tries = 1; ; tries += 1) {
    const answer = await askPlan(asking, {
      url,
      named: 'status',
      method: 'DELETE',
      headers: { accept: 'application/json' },
      withToken: true,
    });
    if (answer.kind === 'answered') {
      await dropBody(answer.response);
      answer.end();
      return answer.response.status;
    }
    if (tries === mostTries || answer.kind === 'clientRefused' || answer.kind === 'elsewhere') return 0;
    const seconds = answer.kind === 'throttled' ? Math.min(answer.seconds, 60) : 2 ** tries;
    await deps.sleep(seconds * 1000);
  }
};

/**
 * Tells a former plan that an exchange is over, so that the plan can delete what it made for it. The exchange has ended, was deleted, or
 * can never end. Nothing is done while the exchange runs, since another execution may be running it. If the plan refuses, nothing is lost:
 * its files expire by themselves.
 * @param owner partner and payer, as `exchangeOwner` writes them
 * @throws Error with a message that contains nothing from the record
 */
export const closeAtPlan = (job: Closing, owner: string): Promise<{ readonly status: number }> =>
  inStep(job, 'close', async (running) => {
    const work = running === undefined ? await findWork(job, owner) : undefined;
    if (work === undefined) return { status: 0 };
    // Some plans delete the Group of a match with it.
    const status = work.exchange === 'match' ? 0 : await deleteWork(job, work);
    await dropAccepted(exchangeDeps(job.deps).table, owner, job.exportId);
    return { status };
  });

/**
 * Stops counting an exchange that has ended or was deleted as running. If this fails, it counts until it would be overdue.
 * @param owner as in {@link closeAtPlan}
 * @throws Error with a message that contains nothing from the record
 */
export const giveBack = (job: Pick<Job, 'deps' | 'exportId'>, owner: string): Promise<void> =>
  inStep(job, 'give-back', async (running) => {
    if (running === undefined) await noteEnded(exchangeDeps(job.deps).table, owner, job.exportId);
  });
