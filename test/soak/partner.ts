import { redirectUri } from '../support/login.ts';
import { lookAt, openPayer, sendTo } from '../support/login/over-http.ts';
import {
  authorizeRequest,
  basicOf,
  partnerRequest,
  readRequest,
  redemption,
  renewal,
  type Change,
  type GatewayRequest,
} from '../support/login/requests.ts';
import { cookieHeader, returnRequest, type Seen } from '../support/login/steps.ts';
import { countUnexpected, type Ending, type Observations, type Step } from './observations.ts';
import type { SoakPayer } from './payer.ts';

/** A grant as the partner holds it. */
interface Held {
  readonly patient: string;
  access: string;
  refresh: string;
}

interface Answer extends Omit<Seen, 'text'> {
  readonly body: string;
}

/** A partner with many members; each of its operations is one or more steps. */
export interface SoakPartner {
  /** A login, and its redemption. */
  readonly login: () => Promise<void>;
  /** With a grant that is not in use; nothing if there is none. */
  readonly refresh: () => Promise<void>;
  readonly read: () => Promise<void>;
  readonly revoke: () => Promise<void>;
  /** Checks for each grant whether it is still valid. */
  readonly introspectAll: () => Promise<void>;
  /** Grants that are held now. */
  readonly held: () => number;
}

export interface SoakPartnerOptions {
  readonly origin: string;
  readonly secret: string;
  readonly payer: Pick<SoakPayer, 'lostRotation'>;
  readonly observations: Observations;
  readonly random: () => number;
}

const authorizing = authorizeRequest('northwind', {
  client_id: 'demo-partner',
  redirect_uri: redirectUri,
  state: 'soak',
});
/** Longer than the gateway waits for a payer. */
const longestMs = 75_000;
const payerFailed: ReadonlySet<string> = new Set(['temporarily_unavailable', 'server_error']);

/** Makes one. */
export const soakPartner = ({ origin, secret, payer, observations, random }: SoakPartnerOptions): SoakPartner => {
  const idle: Held[] = [];
  let busy = 0;
  const proof = { Authorization: basicOf('demo-partner', secret) };

  /** One request, timed and judged by its answer. */
  const step = async (
    name: Step,
    request: GatewayRequest,
    judge: (answer: Answer) => Ending,
  ): Promise<Answer & { readonly ending: Ending }> => {
    const startedAt = performance.now();
    const answer = await sendTo(origin, request, { signal: AbortSignal.timeout(longestMs) })
      .then(async (response) => ({ ...lookAt(response), body: await response.text() }))
      .catch(() => ({ status: 0, location: undefined, cookies: [], body: '' }));
    const atMs = performance.now();
    const ending = judge(answer);
    observations.steps.push({ step: name, atMs, value: atMs - startedAt, ending });
    if (ending === 'unexpected') countUnexpected(observations, `${name}: ${answer.status}`);
    return { ...answer, ending };
  };
  const tokenStep = (name: Step, form: Change, judge: (answer: Answer) => Ending) =>
    step(name, partnerRequest('token', form, proof), judge);

  const ok = ({ status }: Answer): Ending => (status === 200 ? 'ok' : 'unexpected');
  const locationOf = ({ location = 'about:blank' }: Answer): URL => new URL(location);
  const judgeCallback = (answer: Answer): Ending => {
    const { searchParams } = locationOf(answer);
    if (searchParams.has('code')) return 'ok';
    return payerFailed.has(searchParams.get('error') ?? '') ? 'payer' : 'unexpected';
  };
  const judgeRead = ({ status }: Answer): Ending => {
    if (status === 200) return 'ok';
    if (status === 401 || status === 403) return 'lost';
    return [502, 503, 504].includes(status) ? 'payer' : 'unexpected';
  };
  const judgeRefresh = ({ status, body }: Answer): Ending =>
    status === 200 ? 'ok' : status === 400 && body.includes('invalid_grant') ? 'lost' : 'unexpected';

  const noteLost = ({ patient }: Held): void => {
    if (payer.lostRotation(patient)) observations.lost.named += 1;
    else observations.lost.unnamed += 1;
  };
  /** Works with a grant that nothing else uses in the meantime; `false` drops it. */
  const withGrant = async (work: (held: Held) => Promise<boolean>): Promise<void> => {
    const [held] = idle.splice(Math.floor(random() * idle.length), 1);
    if (held === undefined) return;
    busy += 1;
    try {
      if (await work(held)) idle.push(held);
    } finally {
      busy -= 1;
    }
  };

  /** As a client should: retry at once if there was no answer, since later the same token is a reuse. */
  const refreshed = async (held: Held, triesLeft = 3): Promise<Answer & { readonly ending: Ending }> => {
    const answer = await tokenStep('refresh', renewal(held.refresh), judgeRefresh);
    return answer.ending === 'unexpected' && triesLeft > 1 ? refreshed(held, triesLeft - 1) : answer;
  };

  const login = async (): Promise<void> => {
    const toPayer = await step('authorize', authorizing, ({ status }) => (status === 302 ? 'ok' : 'unexpected'));
    if (toPayer.ending !== 'ok') return;
    const url = await openPayer(locationOf(toPayer));
    const back = await step('callback', returnRequest(url, cookieHeader(toPayer.cookies)), judgeCallback);
    const code = locationOf(back).searchParams.get('code');
    if (code === null) return;
    const redeemed = await tokenStep('redeem', redemption(code), ok);
    if (redeemed.ending !== 'ok') return;
    const {
      access_token: access,
      refresh_token: refresh,
      patient,
    } = JSON.parse(redeemed.body) as Record<string, string>;
    idle.push({ patient: patient ?? '', access: access ?? '', refresh: refresh ?? '' });
  };

  return {
    login,
    refresh: () =>
      withGrant(async (held) => {
        const { ending, body } = await refreshed(held);
        if (ending === 'lost') noteLost(held);
        if (ending !== 'ok') return false;
        const pair = JSON.parse(body) as Record<string, string>;
        Object.assign(held, { access: pair['access_token'], refresh: pair['refresh_token'] });
        return true;
      }),
    read: () =>
      withGrant(async (held) => {
        const { ending } = await step('read', readRequest('northwind', 'Observation', held.access), judgeRead);
        if (ending === 'lost') noteLost(held);
        return ending !== 'lost';
      }),
    revoke: () =>
      withGrant(
        async ({ refresh }) => (await step('revoke', partnerRequest('revoke', { token: refresh }, proof), ok), false),
      ),
    introspectAll: async () => {
      for (const held of idle) {
        const { ending, body } = await step(
          'introspect',
          partnerRequest('introspect', { token: held.refresh }, proof),
          ok,
        );
        if (ending === 'ok' && !body.includes('"active":true')) noteLost(held);
      }
    },
    held: () => idle.length + busy,
  };
};
