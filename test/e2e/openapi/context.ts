import { setTimeout as wait } from 'node:timers/promises';
import { connect, login, type LoggedIn } from '../../conformance/client.ts';
import type { LocalTarget } from '../../conformance/local-target.ts';
import { systemToken } from '../../conformance/plan-client.ts';
import type { Tokens } from '../../support/login/steps.ts';

/** Tokens and codes of partners in different states, for the answers that those states bring. */
export interface Context {
  readonly target: LocalTarget;
  /** May read the whole record at payer `clear-health`. */
  readonly full: Tokens;
  /** Has scopes for Patient, and for reading an Observation by its id. */
  readonly narrow: Tokens;
  /** Of a partner that is blocked by now. */
  readonly blocked: Tokens;
  /** Of a payer that is paused by now. */
  readonly paused: Tokens;
  /** The system token of a plan that is blocked by now. */
  readonly blockedPlan: string;
  readonly codeOfBlocked: LoggedIn;
  /** Of the payer that reads with a short time-out. */
  readonly slow: Tokens;
}

/** An environment keeps an entry of the registry for twenty seconds. */
const knownMs = 21_000;

/** The payer that is paused, and the partner that is blocked. */
export const pausedPayer = 'plain-health';
export const blockedPartner = 'other-portal';

/** Signs in, and stops a payer and a partner. */
export const prepare = async (target: LocalTarget): Promise<Context> => {
  const { otherPortal, narrow } = target.apps;
  const context = {
    target,
    full: await connect(target),
    narrow: await connect(target, {}, { app: narrow }),
    blocked: await connect(target, {}, { app: otherPortal }),
    paused: await connect(target, {}, { payer: pausedPayer }),
    blockedPlan: await systemToken(target, 'third-plan'),
    codeOfBlocked: await login(target, {}, { app: otherPortal }),
    slow: await connect(target, {}, { payer: 'slow-health' }),
  };
  await target.store.setStop(`partner#${blockedPartner}`, true);
  await target.store.setStop('partner#third-plan', true);
  await target.store.setStop(`payer#${pausedPayer}`, true);
  return context;
};

/** Waits until each environment knows of the stops. */
export const untilStopsAreKnown = (): Promise<void> => wait(knownMs);

/** Reads an answer to its end. */
export const drain = async (sent: Promise<Response>): Promise<void> => {
  await (await sent).arrayBuffer().catch(() => undefined);
};

/** Sends a request again if the gateway asks to come back in five seconds: then a table was slow, as on a busy machine. */
const answerAtLast = async (send: () => Promise<Response>): Promise<Response> => {
  for (let tries = 1; ; tries += 1) {
    const response = await send();
    if (response.status !== 503 || response.headers.get('retry-after') !== '5' || tries === 5) return response;
    await drain(Promise.resolve(response));
    await wait(1000);
  }
};

/** The status at last, once the answer was read to its end. */
export const statusAtLast = async (send: () => Promise<Response>): Promise<number> => {
  const response = await answerAtLast(send);
  await drain(Promise.resolve(response));
  return response.status;
};

/** Sends requests one after the other. */
export const inTurn = async (requests: readonly (() => Promise<Response>)[]): Promise<void> => {
  for (const send of requests) await statusAtLast(send);
};
