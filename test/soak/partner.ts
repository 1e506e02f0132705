import { countUnexpected, type Ending, type Observations, type Step } from './observations.ts';
import type { SoakPayer } from './payer.ts';

/** A grant as the partner holds it. */
interface Held {
  readonly patient: string;
  access: string;
  refresh: string;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** A partner with many members: each of its operations is one or more steps. */
export interface SoakPartner {
  /** A login, and its redemption. */
  readonly login: () => Promise<void>;
  /** With a grant that nobody is using; nothing where there is none. */
  readonly refresh: () => Promise<void>;
  readonly read: () => Promise<void>;
  readonly revoke: () => Promise<void>;
  /** Asks for each grant whether it is still good. */
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

const redirectUri = 'http://localhost:3002/callback';
/** Longer than the gateway waits for a payer. */
const longestMs = 75_000;
const payerFailed: ReadonlySet<string> = new Set(['temporarily_unavailable', 'server_error']);

/** Makes one. */
export const soakPartner = ({ origin, secret, payer, observations, random }: SoakPartnerOptions): SoakPartner => {
  const idle: Held[] = [];
  let busy = 0;
  const basic = `Basic ${Buffer.from(`demo-partner:${secret}`).toString('base64')}`;

  /** One request, timed, and judged by what came back. */
  const step = async (
    name: Step,
    url: string,
    init: RequestInit,
    judge: (answer: Answer) => Ending,
  ): Promise<Answer & { readonly ending: Ending }> => {
    const startedAt = performance.now();
    const answer = await fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(longestMs) })
      .then(async (response) => ({ status: response.status, headers: response.headers, body: await response.text() }))
      .catch(() => ({ status: 0, headers: new Headers(), body: '' }));
    const atMs = performance.now();
    const ending = judge(answer);
    observations.steps.push({ step: name, atMs, value: atMs - startedAt, ending });
    if (ending === 'unexpected') countUnexpected(observations, `${name}: ${answer.status}`);
    return { ...answer, ending };
  };
  const post = (name: Step, path: string, form: Record<string, string>, judge: (answer: Answer) => Ending) =>
    step(
      name,
      origin + path,
      { method: 'POST', headers: { Authorization: basic }, body: new URLSearchParams(form) },
      judge,
    );

  const ok = ({ status }: Answer): Ending => (status === 200 ? 'ok' : 'unexpected');
  const locationOf = ({ headers }: Answer): URL => new URL(headers.get('location') ?? 'about:blank');
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
  /** Works with a grant that nobody else uses meanwhile; `false` gives it up. */
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

  /** As a client should: again at once where no answer came, since later the same token is a reuse. */
  const refreshed = async (held: Held, triesLeft = 3): Promise<Answer & { readonly ending: Ending }> => {
    const form = { grant_type: 'refresh_token', refresh_token: held.refresh };
    const answer = await post('refresh', '/oauth2/token', form, judgeRefresh);
    return answer.ending === 'unexpected' && triesLeft > 1 ? refreshed(held, triesLeft - 1) : answer;
  };

  const login = async (): Promise<void> => {
    const query = new URLSearchParams({ client_id: 'demo-partner', redirect_uri: redirectUri, state: 'soak' });
    const toPayer = await step('authorize', `${origin}/oauth2/authorize/northwind?${query}`, {}, ({ status }) =>
      status === 302 ? 'ok' : 'unexpected',
    );
    if (toPayer.ending !== 'ok') return;
    const cookie = toPayer.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const atPayer = await fetch(locationOf(toPayer), { redirect: 'manual' });
    const callbackUrl = atPayer.headers.get('location') ?? '';
    const back = await step('callback', callbackUrl, { headers: { cookie } }, judgeCallback);
    const code = locationOf(back).searchParams.get('code');
    if (code === null) return;
    const redeemed = await post('redeem', '/oauth2/token', { grant_type: 'authorization_code', code }, ok);
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
        const headers = { Authorization: `Bearer ${held.access}` };
        const { ending } = await step('read', `${origin}/r4/northwind/Observation`, { headers }, judgeRead);
        if (ending === 'lost') noteLost(held);
        return ending !== 'lost';
      }),
    revoke: () =>
      withGrant(async ({ refresh }) => (await post('revoke', '/oauth2/revoke', { token: refresh }, ok), false)),
    introspectAll: async () => {
      for (const held of idle) {
        const { ending, body } = await post('introspect', '/oauth2/introspect', { token: held.refresh }, ok);
        if (ending === 'ok' && !body.includes('"active":true')) noteLost(held);
      }
    },
    held: () => idle.length + busy,
  };
};
