import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { eventually } from '../support/eventually.ts';
import { root } from './documents.ts';

type SignIn = (options: object) => Promise<{ readonly access_token: string }>;
type Keep = (options: object) => (url: string, init?: RequestInit) => Promise<Response>;

const load = async <T>(file: string): Promise<T> => (await import(join(root, 'docs/examples', file))) as T;
const base = 'https://gateway.example.org/r4/plan';
const redirectUri = 'https://app.example.org/back';
const app = { base, clientId: 'my-app', redirectUri };

interface Sent {
  readonly url: string;
  readonly form: Readonly<Record<string, string>>;
  readonly authorization: string | null;
  readonly prefer?: string;
}

/** Answers in place of the gateway, and keeps what was sent. */
const answerWith = (answer: (sent: Sent) => Response): Sent[] => {
  const all: Sent[] = [];
  globalThis.fetch = (url, { body, headers } = {}) => {
    const form = Object.fromEntries(new URLSearchParams(body instanceof URLSearchParams ? body : ''));
    const headersSent = new Headers(headers);
    const prefer = headersSent.get('prefer');
    const sent = {
      url: url as string,
      form,
      authorization: headersSent.get('authorization'),
      ...(prefer !== null && { prefer }),
    };
    all.push(sent);
    return Promise.resolve(answer(sent));
  };
  return all;
};

const { fetch: realFetch } = globalThis;
afterEach(() => {
  globalThis.fetch = realFetch;
});

describe('the helper for browsers', () => {
  const smart = {
    authorization_endpoint: 'https://gateway.example.org/authorize',
    token_endpoint: 'https://gateway.example.org/token',
  };
  const stored = new Map<string, string>();
  let went: URL | undefined;
  let shown: string;
  /** A page of the app at this query. */
  const pageAt = (search: string): void => {
    Object.assign(globalThis, {
      location: { search, pathname: '/back', assign: (url: string) => (went = new URL(url)) },
      history: { replaceState: (_state: null, _title: string, path: string) => (shown = path) },
      sessionStorage: {
        getItem: (key: string) => stored.get(key) ?? null,
        setItem: (key: string, value: string) => stored.set(key, value),
        removeItem: (key: string) => stored.delete(key),
      },
    });
  };
  const begin = async (signIn: SignIn): Promise<URLSearchParams> => {
    pageAt('');
    void signIn(app);
    await eventually(() => went !== undefined);
    return went?.searchParams ?? new URLSearchParams();
  };
  beforeEach(() => {
    stored.clear();
    went = undefined;
    shown = '';
  });
  afterAll(() => {
    for (const name of ['location', 'history', 'sessionStorage']) Reflect.deleteProperty(globalThis, name);
  });

  // RFC 7636 Appendix B.
  const bytes = [
    116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105, 214, 191, 240, 91,
    88, 5, 88, 83, 132, 141, 121,
  ];
  const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
  const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

  it('asks with the challenge of RFC 7636, and redeems the code with its verifier, once', async () => {
    const { signIn } = await load<{ signIn: SignIn }>('sign-in.mjs');
    const real = Object.getOwnPropertyDescriptor(crypto, 'getRandomValues');
    crypto.getRandomValues = (array) => {
      (array as unknown as Uint8Array).set(bytes);
      return array;
    };
    const sent = answerWith(({ url }) => Response.json(url === smart.token_endpoint ? { access_token: 'a' } : smart));

    const asked = await begin(signIn);
    if (real === undefined) Reflect.deleteProperty(crypto, 'getRandomValues');
    else Object.defineProperty(crypto, 'getRandomValues', real);
    expect(Object.fromEntries(asked)).toMatchObject({
      response_type: 'code',
      client_id: 'my-app',
      redirect_uri: redirectUri,
      aud: base,
      code_challenge: challenge,
      code_challenge_method: 'S256',
    });
    const back = new URLSearchParams({ code: 'c', state: asked.get('state') ?? '', iss: base });
    pageAt(`?${back.toString()}`);
    expect(await signIn(app)).toEqual({ access_token: 'a' });
    expect(shown).toBe('/back');
    expect(sent.at(-1)?.form).toEqual({
      grant_type: 'authorization_code',
      code: 'c',
      redirect_uri: redirectUri,
      code_verifier: verifier,
      client_id: 'my-app',
    });
    await expect(signIn(app)).rejects.toThrow('No sign-in of this tab has this answer.');
  });

  it('takes a base with a slash at its end', async () => {
    const { signIn } = await load<{ signIn: SignIn }>('sign-in.mjs');
    const sent = answerWith(({ url }) => Response.json(url === smart.token_endpoint ? { access_token: 'a' } : smart));
    pageAt('');
    void signIn({ ...app, base: `${base}/` });
    await eventually(() => went !== undefined);
    expect(went?.searchParams.get('aud')).toBe(base);
    pageAt(
      `?${new URLSearchParams({ code: 'c', state: went?.searchParams.get('state') ?? '', iss: base }).toString()}`,
    );
    expect(await signIn({ ...app, base: `${base}/` })).toEqual({ access_token: 'a' });
    expect(sent.every(({ url }) => !url.includes('plan//'))).toBe(true);
  });

  it('takes the code out of the address bar even if the gateway cannot be reached', async () => {
    const { signIn } = await load<{ signIn: SignIn }>('sign-in.mjs');
    answerWith(() => {
      throw new TypeError('fetch failed');
    });
    pageAt(`?code=c&state=s&iss=${base}`);
    await expect(signIn(app)).rejects.toThrow('fetch failed');
    expect(shown).toBe('/back');
  });

  it.each([smart.token_endpoint, `${base}/.well-known/smart-configuration`])(
    'throws what the gateway says at %s, and goes nowhere',
    async (failing) => {
      const { signIn } = await load<{ signIn: SignIn }>('sign-in.mjs');
      answerWith(() => Response.json(smart));
      const state = (await begin(signIn)).get('state') ?? '';
      went = undefined;
      answerWith(({ url }) =>
        url === failing
          ? Response.json({ error: 'e', error_description: 'No.' }, { status: 400 })
          : Response.json(smart),
      );
      pageAt(`?${new URLSearchParams({ code: 'c', state, iss: base }).toString()}`);
      await expect(signIn(app)).rejects.toThrow('e: No.');
      expect(went).toBeUndefined();
    },
  );

  it.each([
    ['another state', { state: 'forged', iss: base, code: 'c' }, 'No sign-in of this tab'],
    ['another issuer', { iss: 'https://evil.example.org', code: 'c' }, 'No sign-in of this tab'],
    ['an error', { iss: base, error: 'access_denied', error_description: 'No.' }, 'access_denied: No.'],
  ])('redeems nothing for %s', async (_what, parameters, message) => {
    const { signIn } = await load<{ signIn: SignIn }>('sign-in.mjs');
    const sent = answerWith(() => Response.json(smart));
    const state = (await begin(signIn)).get('state') ?? '';
    pageAt(`?${new URLSearchParams({ state, ...parameters }).toString()}`);
    await expect(signIn(app)).rejects.toThrow(message);
    expect(shown).toBe('/back');
    expect(sent.filter(({ url }) => url === smart.token_endpoint)).toEqual([]);
  });
});

describe('the helper for servers', () => {
  const tokenEndpoint = 'https://gateway.example.org/token';
  const hour = 3_600_000;
  const at = (path: string): string => `https://gateway.example.org/r4/northwind/${path}`;

  const keeper = async (endsInMs: number) => {
    const { keepTokens } = await load<{ keepTokens: Keep }>('keep-tokens.mjs');
    let kept: object = { access_token: 'a1', refresh_token: 'r1', endsAt: Date.now() + endsInMs };
    const client = { tokenEndpoint, clientId: 'my app', clientSecret: 's:1' };
    const read = keepTokens({
      ...client,
      load: () => Promise.resolve(kept),
      save: (tokens: object) => Promise.resolve((kept = tokens)),
    });
    return { read, kept: () => kept };
  };
  const refreshed = (): Response => Response.json({ access_token: 'a2', refresh_token: 'r2', expires_in: 3600 });
  const refreshes = (sent: readonly Sent[]): readonly Sent[] => sent.filter(({ url }) => url === tokenEndpoint);

  it('refreshes once for all calls that wait, before a token ends, and keeps the new pair', async () => {
    const { read, kept } = await keeper(30_000);
    const sent = answerWith(({ url }) => (url === tokenEndpoint ? refreshed() : new Response('ok')));
    await Promise.all(['x', 'y', 'z'].map((path) => read(at(path))));
    expect(refreshes(sent)).toEqual([
      {
        url: tokenEndpoint,
        form: { grant_type: 'refresh_token', refresh_token: 'r1' },
        // RFC 6749 §2.3.1: both parts form-encoded.
        authorization: `Basic ${Buffer.from('my%20app:s%3A1').toString('base64')}`,
      },
    ]);
    expect(sent.filter(({ url }) => url !== tokenEndpoint).map(({ authorization }) => authorization)).toEqual(
      Array(3).fill('Bearer a2'),
    );
    expect(kept()).toMatchObject({ access_token: 'a2', refresh_token: 'r2' });
  });

  it('asks once more after a 401, with a new token, and does not refresh otherwise', async () => {
    const { read } = await keeper(hour);
    const sent = answerWith(({ url, authorization }) =>
      url === tokenEndpoint ? refreshed() : new Response(null, { status: authorization === 'Bearer a1' ? 401 : 200 }),
    );
    expect((await read(at('x'))).status).toBe(200);
    expect((await read(at('y'))).status).toBe(200);
    expect(refreshes(sent)).toHaveLength(1);
  });

  it.each([
    ['Headers', new Headers({ prefer: 'respond-async' })],
    ['pairs', [['prefer', 'respond-async']] as [string, string][]],
    ['an object', { prefer: 'respond-async' }],
  ])('sends the headers that it is given as %s', async (_what, headers) => {
    const { read } = await keeper(hour);
    const sent = answerWith(() => new Response('ok'));
    await read(at('x'), { headers });
    expect(sent).toEqual([{ url: at('x'), form: {}, authorization: 'Bearer a1', prefer: 'respond-async' }]);
  });

  it('sends the token to the gateway only, whatever a link says', async () => {
    const { read } = await keeper(hour);
    const sent = answerWith(() => new Response('ok'));
    await expect(read('https://evil.example.org/steal?x')).rejects.toThrow('Not the gateway');
    expect(sent).toEqual([]);
  });

  it('says when the member has to sign in again', async () => {
    const { read } = await keeper(0);
    answerWith(() => Response.json({ error: 'invalid_grant', error_description: 'Ended.' }, { status: 400 }));
    await expect(read(at('x'))).rejects.toMatchObject({ message: 'Ended.', code: 'invalid_grant' });
  });
});

describe('the example programs end with one line', () => {
  const key = ['my-app', join(root, 'docs/examples/demo-partner-key.pem'), 'key-1'];
  const signIn = ['my-app', redirectUri];
  const programs: [string, string, readonly string[]][] = [
    ['read-record.mjs', process.execPath, signIn],
    ['read_record.py', '/usr/bin/python3', signIn],
    ['read-record.sh', 'sh', signIn],
    ['present-identity.mjs', process.execPath, key],
    ['present_identity.py', '/usr/bin/python3', key],
    ['present-identity.sh', 'sh', key],
    ['system-token.mjs', process.execPath, key],
    ['whole-record.mjs', process.execPath, ['.']],
    ['whole_record.py', 'python3', ['.']],
  ];
  const env = { ...process.env, NODE_OPTIONS: '', ACCESS_TOKEN: 'a', ID_TOKEN: 'i' };
  const run = (name: string, program: string, rest: readonly string[], more: Readonly<Record<string, string>> = {}) => {
    const { status, stderr } = spawnSync(program, [join(root, 'docs/examples', name), ...rest], {
      env: { ...env, ...more },
      encoding: 'utf8',
    });
    // A machine without Authlib or jq runs the others.
    const isMissing = /No module named|jq: not found/.test(stderr) && process.env['CI'] === undefined;
    return isMissing ? undefined : { status, lines: stderr.trim().split('\n') };
  };

  it.each([...programs, ['serve-smart-app.mjs', process.execPath, []] as (typeof programs)[number]])(
    '%s without arguments says how it is called',
    (name, program) => {
      const ended = run(name, program, []);
      if (ended === undefined) return;
      expect(ended).toEqual({ status: 1, lines: [expect.stringMatching(new RegExp(`${name} BASE [A-Z_ ]+$`))] });
    },
  );

  it.each(programs.flatMap((row) => (/identity|whole/.test(row[0]) ? [row] : [])))(
    '%s without its variable says what to set',
    (name, program, rest) => {
      const variable = name.startsWith('whole') ? 'ACCESS_TOKEN' : 'ID_TOKEN';
      const ended = run(name, program, ['http://localhost:2/r4/plan', ...rest], { [variable]: '' });
      if (ended === undefined) return;
      expect(ended).toEqual({ status: 1, lines: [expect.stringMatching(new RegExp(`^Set ${variable} to an? `))] });
    },
  );

  it.each(programs)('%s says that the gateway cannot be reached', (name, program, rest) => {
    // Nothing listens at this port.
    const ended = run(name, program, ['http://localhost:2/r4/plan', ...rest]);
    if (ended === undefined) return;
    expect(ended).toMatchObject({ lines: [expect.stringMatching(/refused|ECONNREFUSED|connect to/)] });
    expect(ended.status).not.toBe(0);
  });
});
