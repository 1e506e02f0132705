import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import type { PayerId, PayerMood } from './commands.ts';

/** Stands in every payer token and payer code, and so may be in nothing that leaves the gateway. */
export const canary = 'payer-canary';

/** What the payer did about one member's login; `refused` is an `invalid_grant`. */
type PayerEvent = 'rotated' | 'lost' | 'down' | 'refused' | 'revoked';

/** One member's login at a payer: its tokens, as the payer knows them. */
interface Login {
  readonly payer: PayerId;
  readonly patient: string;
  readonly lives: number;
  readonly renews: boolean;
  code: string | undefined;
  /** The newest token whose answer arrived. */
  access: { token: string; expiresAt: number } | undefined;
  refresh: string | undefined;
  /** Rotated refresh tokens, and how often each may still be shown: once where the gateway never heard the answer. */
  readonly used: Map<string, number>;
  ended: boolean;
  events: PayerEvent[];
}

/** What is known at the payer before a command, and what the payer saw during it. */
export interface PayerSays {
  /** Whether the payer takes the access token that the gateway holds. */
  readonly good: boolean;
  readonly renews: boolean;
  readonly mood: PayerMood;
  /** What it did meanwhile. */
  readonly events: readonly PayerEvent[];
  /** Whether two calls are about this login at once, so that the events may be either's. */
  readonly shared: boolean;
}

const oauthError = (error: string): Response => Response.json({ error }, { status: 400 });
const broken = (): never => {
  throw new TypeError('fetch failed');
};

/** Two payers that rotate refresh tokens and end a login where a used one is shown (RFC 9700 §4.14.2). */
export const strictPayers = (now: () => number) => {
  const moods: Record<PayerId, PayerMood> = { northwind: 'well', 'demo-health-plan': 'well' };
  const logins = new Map<string, Login>();
  const byToken = new Map<string, Login>();
  const misuse: string[] = [];
  let minted = 0;
  const mint = (login: Login, what: string): string => {
    const token = `${canary}-${what}-${(minted += 1)}`;
    byToken.set(token, login);
    return token;
  };

  const issue = (login: Login): Response => {
    login.access = { token: mint(login, 'access'), expiresAt: now() + login.lives };
    login.refresh = login.renews ? mint(login, 'refresh') : undefined;
    return Response.json({
      access_token: login.access.token,
      ...(login.refresh === undefined ? {} : { refresh_token: login.refresh }),
      token_type: 'Bearer',
      expires_in: login.lives,
      ...(login.payer === 'northwind' ? { patient: login.patient } : {}),
    });
  };

  const exchange = (code: string): Response => {
    const login = byToken.get(code);
    if (login?.code === undefined) {
      misuse.push('a payer code was sent twice');
      return oauthError('invalid_grant');
    }
    login.code = undefined;
    if (moods[login.payer] === 'down') return new Response('', { status: 503 });
    const answer = issue(login);
    return moods[login.payer] === 'lost' ? broken() : answer;
  };

  const refused = (login: Login): Response => {
    login.ended = true;
    login.events.push('refused');
    return oauthError('invalid_grant');
  };
  const refresh = (token: string): Response => {
    const login = byToken.get(token);
    if (login === undefined) {
      misuse.push('a refresh token that is none of the payer’s');
      return oauthError('invalid_grant');
    }
    if (moods[login.payer] === 'down') {
      login.events.push('down');
      return new Response('', { status: 503 });
    }
    const mayBeShown = login.used.get(token);
    if (mayBeShown === 0) misuse.push('a rotated refresh token was shown again though its answer had arrived');
    if (mayBeShown !== undefined) login.used.set(token, 0);
    if (login.ended || mayBeShown !== undefined) return refused(login);
    const lost = moods[login.payer] === 'lost';
    const held = login.access;
    login.used.set(token, lost ? 1 : 0);
    login.events.push(lost ? 'lost' : 'rotated');
    const answer = issue(login);
    if (!lost) return answer;
    login.access = held;
    return broken();
  };

  const read = (url: string, token: string): Response => {
    const login = byToken.get(token);
    const { access } = login ?? {};
    if (!login || login.ended || access?.token !== token || access.expiresAt <= now()) {
      return new Response('', { status: 401 });
    }
    const resource = { resourceType: 'Patient', id: login.patient };
    const isSearch = url.endsWith('/Patient');
    const body = isSearch ? { resourceType: 'Bundle', type: 'searchset', entry: [{ resource }] } : resource;
    return new Response(JSON.stringify(body), { headers: { 'content-type': 'application/fhir+json' } });
  };

  const http: PayerHttp = async (input, init) => {
    const url = String(input);
    const form = new URLSearchParams(typeof init?.body === 'string' ? init.body : '');
    if (url.endsWith('/oauth2/token')) {
      return form.get('grant_type') === 'refresh_token'
        ? refresh(form.get('refresh_token') ?? '')
        : exchange(form.get('code') ?? '');
    }
    if (url.endsWith('/oauth2/revoke')) {
      const login = byToken.get(form.get('token') ?? '');
      if (login) Object.assign(login, { ended: true }).events.push('revoked');
      return new Response('', { status: 200 });
    }
    return read(url, new Headers(init?.headers).get('authorization')?.slice('Bearer '.length) ?? '');
  };

  return {
    http,
    /** What the gateway must never have done to a payer. */
    misuse,
    mood: (payer: PayerId, mood: PayerMood): void => void (moods[payer] = mood),
    moodOf: (payer: PayerId): PayerMood => moods[payer],
    /** A member has signed in: the payer's code. */
    signIn: (payer: PayerId, patient: string, { lives, renews }: { lives: number; renews: boolean }): string => {
      const login: Login = {
        payer,
        patient,
        lives,
        renews,
        code: undefined,
        access: undefined,
        refresh: undefined,
        used: new Map(),
        ended: false,
        events: [],
      };
      login.code = mint(login, 'code');
      logins.set(patient, login);
      return login.code;
    },
    /** The payer ends a member's login, or forgets its access token only. */
    end: (patient: string): void => void Object.assign(logins.get(patient) ?? {}, { ended: true }),
    forget: (patient: string): void => void Object.assign(logins.get(patient)?.access ?? {}, { expiresAt: 0 }),
    /** How things stand for a member before a command; its events then come in. */
    says: (patient: string, { shared }: { shared: boolean }): PayerSays => {
      const login = logins.get(patient);
      if (!login) throw new Error(`nobody signed in as ${patient}`);
      login.events = [];
      const { access, ended, renews, payer } = login;
      const good = !ended && access !== undefined && access.expiresAt > now();
      return { good, renews, mood: moods[payer], events: login.events, shared };
    },
  };
};
