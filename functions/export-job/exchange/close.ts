import { isObject, parseObject } from '../../shared/json/json-object.ts';
import { dropBody } from '../../shared/payer/answers.ts';
import { asFormerPlan } from '../../shared/registry/former-plan.ts';
import type { Job } from '../job/job.ts';
import { loggedCause } from '../job/log.ts';
import { askPlan } from './ask-plan.ts';

/** How long the DELETE may wait for its turn under the plan's rate limit, in milliseconds. */
const turnMs = 60_000;

/** How many tries one step makes. */
const mostTries = 5;

/**
 * Tells a former plan that what it made for an export is no longer needed: that has ended, was deleted or can never end. It does
 * not matter to the export whether the plan takes it: its files expire by themselves. A match is never deleted, since some
 * plans delete its Group with it.
 * @param closing a box with the payer and the plan's status URL, in base64
 */
export const closeAtPlan = async (
  { deps, exportId, tokens }: Job,
  closing: string,
): Promise<{ readonly status: number }> => {
  try {
    const box = await deps.openInJob(exportId, 'payer status', Buffer.from(closing, 'base64'));
    const sealed = parseObject(Buffer.from(box).toString('utf8'));
    const { payer: id, url } = isObject(sealed) ? sealed : {};
    const payer = await deps.registry.payer(String(id), { evenIfPaused: true });
    const plan = payer === undefined ? undefined : asFormerPlan(payer);
    if (plan === undefined || typeof url !== 'string') return { status: 0 };
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
        return { status: answer.response.status };
      }
      if (tries === mostTries || answer.kind === 'clientRefused' || answer.kind === 'elsewhere') return { status: 0 };
      const seconds = answer.kind === 'throttled' ? Math.min(answer.seconds, 60) : 2 ** tries;
      await deps.sleep(seconds * 1000);
    }
  } catch (error) {
    throw loggedCause(deps, { exportId, jobStep: 'close' }, error);
  }
};
