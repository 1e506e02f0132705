import { dropBody, isThrottling, retryAfterOf } from '../../shared/payer/answers.ts';
import { PayerError } from '../../shared/payer/errors.ts';
import type { PayerRequest } from '../../shared/payer/http.ts';
import { readSecretHeaders } from '../../shared/payer/secrets.ts';
import type { SystemTokens } from '../../shared/payer/system-token.ts';
import type { FormerPlan } from '../../shared/registry/former-plan.ts';
import type { JobDeps } from '../job/deps.ts';
import { exchangeDeps } from '../job/deps.ts';
import { sendInTurn, type Asking, type OpenAnswer, type Pace, type Sent } from '../leg/ask-payer.ts';
import { payerTime } from '../leg/payer-time.ts';

/** A former plan's answer. */
export type PlanAnswer =
  /** Any answer but those below. */
  | (OpenAnswer & { readonly kind: 'answered' })
  | { readonly kind: 'throttled'; readonly seconds: number; readonly status: number }
  /** It issues no token to the gateway's client. */
  | { readonly kind: 'clientRefused' }
  /** Another try may succeed. There is no status if it did not answer at all, or its answer is `unusable`: its HTTP cannot be read. */
  | { readonly kind: 'failed'; readonly status?: number; readonly fault?: 'unusable' }
  | { readonly kind: 'paced' }
  | { readonly kind: 'gone' }
  /** A consent on which the request rests has ended, so it was not sent. */
  | { readonly kind: 'lapsed' }
  /** The profile does not name the URL's server, or no longer does, so no request was sent. */
  | { readonly kind: 'elsewhere' };

export interface PlanRequest extends Pick<PayerRequest, 'method' | 'body'> {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The purpose for which the plan gave the URL. Absent for a URL from the profile. */
  readonly named?: 'status' | 'file';
  /** Whether to send the gateway's token. */
  readonly withToken: boolean;
  /** The longest that the answer may take, in milliseconds. @default a minute */
  readonly longestMs?: number;
  /** When the consents on which it rests no longer hold all, in epoch milliseconds. @default it rests on none */
  readonly consentsEndMs?: number;
}

const usualMs = 60_000;

/** How a former plan is asked. */
export interface PlanAsking extends Pick<Asking, 'isStillThere' | 'stopped'> {
  readonly deps: JobDeps;
  readonly plan: FormerPlan;
  readonly tokens: SystemTokens;
  /** The monotonic time after which it stops asking for a turn. */
  readonly untilAt: number;
  /** Called when the plan issues no token to the gateway's client. @default nothing is called */
  readonly noteRefusal?: (detail: string) => void;
}

/** The pace of all exchanges with a plan. */
export const paceOf = ({ id, exchange }: FormerPlan): Pace => ({
  key: `${id}/exchange`,
  perSecond: exchange.requestsPerSecond,
});

/** Whether a URL is on the server of the plan's base. */
const isAtBase = ({ fhirBaseUrl }: FormerPlan, url: string): boolean =>
  new URL(fhirBaseUrl).origin === new URL(url).origin;

/**
 * A URL from the plan, if requests to it are allowed: its server is that of the plan's base, or one that the profile names.
 * @param from the request that the URL is relative to
 */
export const allowedUrl = (
  plan: FormerPlan,
  origins: readonly string[] | undefined,
  text: string,
  from: string,
): string | undefined => {
  if (!URL.canParse(text, from)) return undefined;
  const url = new URL(text, from);
  // A `blob:` URL has the origin of the URL inside it.
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  if (url.username !== '' || url.password !== '') return undefined;
  url.hash = '';
  return isAtBase(plan, url.href) || origins?.includes(url.origin) === true ? url.href : undefined;
};

/**
 * The gateway's token at a plan, or why there is none. None is asked for once the export is gone.
 * @throws GatewayError if the gateway's own secret cannot be read
 */
export const tokenOf = async ({
  tokens,
  plan,
  isStillThere,
  noteRefusal,
}: Pick<PlanAsking, 'tokens' | 'plan' | 'isStillThere' | 'noteRefusal'>): Promise<
  string | Extract<PlanAnswer, { kind: 'clientRefused' | 'gone' }> | { readonly kind: 'failed' }
> => {
  const known = tokens.known(plan);
  if (known !== undefined) return known;
  if (!(await isStillThere())) return { kind: 'gone' };
  try {
    return await tokens.get(plan);
  } catch (error) {
    if (!(error instanceof PayerError)) throw error;
    if (error.failure !== 'invalid_client' && error.failure !== 'invalid_grant') return { kind: 'failed' };
    noteRefusal?.(error.detail);
    return { kind: 'clientRefused' };
  }
};

const answerOf = async ({ deps }: PlanAsking, { response, tookMs, end }: Sent): Promise<PlanAnswer> => {
  const { status } = response;
  // Some plans answer 409 while they work on an earlier request of ours.
  const isBusy = isThrottling(response) || status === 409;
  if (!isBusy && status < 500 && status !== 408) {
    const at = { nowMs: deps.clock.now(), tookMs };
    return { kind: 'answered', response, dateMs: payerTime(response, at), end };
  }
  await dropBody(response);
  end();
  return isBusy
    ? { kind: 'throttled', seconds: retryAfterOf(response, deps.clock.now(), Number.POSITIVE_INFINITY), status }
    : { kind: 'failed', status };
};

/** Whether requests to a URL are allowed now. The profile may name fewer servers than when the plan gave the URL. */
const mayAsk = (plan: FormerPlan, { url, named }: PlanRequest): boolean => {
  if (named === undefined) return true;
  const { statusOrigins, fileOrigins } = plan.exchange;
  return allowedUrl(plan, named === 'status' ? statusOrigins : fileOrigins, url, url) !== undefined;
};

/**
 * Asks a former plan, in its turn, at a server that its profile names. A token that it refuses is replaced once. No redirect is followed: one could take the token,
 * or what is said of members, to another server.
 * @throws GatewayError `temporarily_unavailable` if the gateway's own secret cannot be read
 */
export const askPlan = async (asking: PlanAsking, request: PlanRequest): Promise<PlanAnswer> => {
  const { deps, plan, tokens, untilAt } = asking;
  if (!mayAsk(plan, request)) return { kind: 'elsewhere' };
  const { url, headers, withToken, longestMs = usualMs, method, body } = request;
  const secretHeaders = isAtBase(plan, url)
    ? await readSecretHeaders({ readPayerSecret: exchangeDeps(deps).readSecret }, plan)
    : {};
  const pace = paceOf(plan);
  const isLapsed = (): boolean => deps.clock.now() >= (request.consentsEndMs ?? Number.POSITIVE_INFINITY);
  // Checked last, right before each send: getting a token or a turn may have taken a long time.
  const isStillThere = async (): Promise<boolean> => (await asking.isStillThere()) && !isLapsed();
  const orLapsed = async <T extends PlanAnswer>(answer: T): Promise<T | Extract<PlanAnswer, { kind: 'lapsed' }>> =>
    answer.kind === 'gone' && isLapsed() && (await asking.isStillThere()) ? { kind: 'lapsed' } : answer;
  for (let isAgain = false; ; isAgain = true) {
    const token = withToken ? await tokenOf({ ...asking, isStillThere }) : '';
    if (typeof token !== 'string') return orLapsed(token);
    const sent = { ...headers, ...secretHeaders };
    // Sent twice, it would start two requests at the plan.
    const sending = {
      method,
      body,
      oneTime: method === 'POST',
      headers: withToken ? { ...sent, authorization: `Bearer ${token}` } : sent,
    };
    const answer = await sendInTurn<PlanAnswer>(
      deps,
      { payer: plan, isStillThere, stopped: asking.stopped },
      { to: url, request: sending, untilAt, pace, longestMs },
      (one) => answerOf(asking, one),
    );
    if (answer.kind !== 'answered' || answer.response.status !== 401 || !withToken || isAgain) return orLapsed(answer);
    await dropBody(answer.response);
    answer.end();
    tokens.forget(plan, token);
  }
};
