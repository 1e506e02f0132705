import type { RegistryData } from '../../functions/shared/registry/types.ts';
import { gateway, localRegistry } from '../support/login.ts';
import { spellingsOf } from './redirect-uri-spellings.ts';
import { expectSound } from './sound-answer.ts';

const uris = {
  'web-app': [
    'https://app.example.org/callback',
    'https://app.example.org:8443/deep/path/callback',
    'https://app.example.org/cb?tenant=one',
    'https://xn--mnchen-3ya.example/callback',
    // Only a native app's redirect URI may have another port.
    'http://localhost:3002/web',
  ],
  'native-app': [
    'http://127.0.0.1/callback',
    'http://[::1]/callback',
    'http://localhost:3002/app/callback',
    'https://app.example.org/native',
    'org.example.app:/callback',
  ],
} as const;

const registry = (): RegistryData => {
  const data = localRegistry();
  const [web, native] = data.partners;
  if (web === undefined || native === undefined) throw new Error('no partners');
  return {
    ...data,
    partners: [
      { ...web, clientId: 'web-app', redirectUris: uris['web-app'] },
      { ...native, clientId: 'native-app', pkceOptional: true, redirectUris: uris['native-app'] },
    ],
  };
};

const login = gateway({ registry: registry() });
const asks = async (clientId: string, redirectUri: string) => {
  login.dynamo.calls();
  login.payer.requests.length = 0;
  const answer = await login.authorize([
    ['client_id', clientId],
    ['redirect_uri', redirectUri],
    ['state', 'state-of-the-partner'],
  ]);
  return { answer, writes: login.dynamo.calls(), calls: login.payer.requests };
};

/** RFC 8252 §7.3, written independently: host and path are the registered ones, and the port is a port. */
const isLoopbackOfAnotherPort = (clientId: string, uri: string): boolean => {
  if (clientId !== 'native-app') return false;
  const port = '(?::(?:[1-9]\\d{0,3}|[1-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d\\d|655[0-2]\\d|6553[0-5]))?';
  return [
    `http://127\\.0\\.0\\.1${port}/callback`,
    `http://\\[::1\\]${port}/callback`,
    `http://localhost${port}/app/callback`,
  ].some((pattern) => new RegExp(`^${pattern}$`).exec(uri)?.[0] === uri);
};

const registered = Object.entries(uris).flatMap(([clientId, own]) => own.map((uri) => ({ clientId, uri })));
const cases = registered.flatMap(({ clientId, uri }) =>
  Object.entries(spellingsOf(uri)).map(([kind, spellings]) => ({ clientId, uri, kind, spellings })),
);

it('each redirect URI is tried with at least 500 other spellings', () => {
  for (const { uri } of registered) {
    const tried = cases.filter((one) => one.uri === uri).flatMap(({ spellings }) => spellings);
    expect(new Set(tried).size).toBeGreaterThanOrEqual(500);
  }
  expect(new Set(cases.flatMap(({ spellings }) => spellings)).size).toBeGreaterThan(4000);
});

describe('a redirect URI must match exactly (RFC 6749 §3.1.2.3, RFC 9700 §2.1)', () => {
  it.each(registered)(
    'a redirect URI must match exactly (RFC 6749 §3.1.2.3, RFC 9700 §2.1) and $clientId is redirected to $uri itself',
    async ({ clientId, uri }) => {
      const { answer, writes } = await asks(clientId, uri);

      expect(answer.statusCode).toBe(302);
      expect(writes).toEqual(['PutItem']);
    },
  );

  it.each(cases)(
    'a redirect URI must match exactly (RFC 6749 §3.1.2.3, RFC 9700 §2.1) or a page is shown and nothing is sent or written: $uri, $kind',
    async ({ clientId, uri, spellings }) => {
      const own: readonly string[] = uris[clientId as keyof typeof uris];
      const strangers = spellings.filter((one) => !own.includes(one) && !isLoopbackOfAnotherPort(clientId, one));
      expect(strangers.length).toBeGreaterThan(0);

      for (const stranger of strangers) {
        const { answer, writes, calls } = await asks(clientId, stranger);

        expectSound(answer);
        const { Location: location, 'Content-Type': type } = answer.headers;
        expect({ stranger, uri, status: answer.statusCode, location, type, writes, calls: calls.length }).toEqual({
          stranger,
          uri,
          status: 400,
          location: undefined,
          type: 'text/html; charset=utf-8',
          writes: [],
          calls: 0,
        });
      }
    },
  );
});

describe('a native app’s loopback redirect URI (RFC 8252 §7.3)', () => {
  it.each(['http://127.0.0.1:#/callback', 'http://[::1]:#/callback', 'http://localhost:#/app/callback'])(
    'may have any port: %s',
    async (pattern) => {
      for (const port of [1, 80, 443, 1024, 3002, 8080, 49_152, 65_535]) {
        const { answer } = await asks('native-app', pattern.replace('#', String(port)));
        expect({ port, status: answer.statusCode }).toEqual({ port, status: 302 });
      }
    },
  );

  it('may have another port only for a native app', async () => {
    for (const port of [1, 80, 3001, 3003, 65_535]) {
      const { answer, writes } = await asks('web-app', `http://localhost:${port}/web`);
      expect({ port, status: answer.statusCode, writes }).toEqual({ port, status: 400, writes: [] });
    }
  });
});

describe('redirect_uri at the token endpoint (RFC 6749 §4.1.3)', () => {
  it('consumes no code if it is spelled in any other way', async () => {
    const uri = 'https://app.example.org/callback';
    const code = await login.login([
      ['client_id', 'web-app'],
      ['redirect_uri', uri],
    ]);
    const client = { Authorization: `Basic ${Buffer.from('web-app:demo-partner-secret').toString('base64')}` };
    const strangers = Object.values(spellingsOf(uri))
      .flat()
      .filter((one) => one !== '');

    for (const stranger of strangers) {
      const answer = await login.redeem(code, { redirect_uri: stranger }, client);
      expectSound(answer);
      expect({ stranger, status: answer.statusCode }).toEqual({ stranger, status: 400 });
    }

    expect((await login.redeem(code, { redirect_uri: uri }, client)).statusCode).toBe(200);
  });
});
