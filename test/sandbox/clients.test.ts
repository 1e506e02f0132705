import { localStage } from '../../config/local.ts';
import { newClientSecret, partnerOf, readClients, registerClients } from '../../sandbox/clients.ts';

const taken = ['demo-partner'];
const read = (clients: readonly string[], secrets: readonly string[] = [], webhooks: readonly string[] = []) =>
  readClients({ clients, secrets, webhooks }, taken);

describe('npm start -- --client', () => {
  it('registers a public client, and each further redirect URI of the same id', () => {
    const uris = ['http://localhost:5210/callback', 'http://127.0.0.1:5210/callback?from=gateway'];
    expect(read(uris.map((uri) => `my-app=${uri}`))).toEqual([
      { clientId: 'my-app', redirectUris: uris, secret: 'none' },
    ]);
  });

  it('registers several clients, and gives a secret only to those that ask for one', () => {
    const clients = ['a=http://localhost:1/', 'b=http://localhost:2/', 'c=http://localhost:3/'];
    const asked = read(clients, ['b', 'c=my=secret']);
    expect(registerClients(asked, (clientId) => `made-for-${clientId}`)).toEqual([
      { clientId: 'a', redirectUris: ['http://localhost:1/'] },
      { clientId: 'b', redirectUris: ['http://localhost:2/'], secret: 'made-for-b' },
      { clientId: 'c', redirectUris: ['http://localhost:3/'], secret: 'my=secret' },
    ]);
    expect(newClientSecret()).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    [['my-app'], [], /^--client "my-app": has no redirect URI; write ID=REDIRECT_URI, such as my-app=http/],
    [['my-app='], [], /^--client "my-app=": has no redirect URI/],
    [['=http://localhost/'], [], /^--client "=http:\/\/localhost\/": its id is not a valid id; write .* "my-app"$/],
    [['My App=http://localhost/'], [], /its id is not a valid id/],
    [['demo-partner=http://localhost/'], [], /demo-partner is one of the sandbox's own clients; choose another id$/],
    [['my-app=localhost:5210/callback'], [], /its redirect URI has the scheme "localhost:"; write https/],
    [['my-app=not a url'], [], /its redirect URI is not a URI; write an absolute one/],
    [['my-app=http://example.com/cb'], [], /its redirect URI uses plain http; write https/],
    [['my-app=http://localhost/cb#x'], [], /its redirect URI has a fragment/],
    [['my-app=http://localhost/*'], [], /its redirect URI has a wildcard/],
    [['my-app=http://localhost/?state=1'], [], /its redirect URI has "state" in its query/],
    [
      ['my-app=org.example.app:/cb'],
      ['my-app'],
      /its redirect URI has a private-use scheme, .* or no --client-secret$/,
    ],
    [['my-app=http://localhost/', 'my-app=http://localhost/'], [], /is given twice; leave one out$/],
    [['my-app=http://localhost/'], ['other'], /^--client-secret "other": is for a client of this start; add --client/],
    [['my-app=http://localhost/'], ['my-app', 'my-app'], /^--client-secret "my-app": is given twice/],
    [['my-app=http://localhost/'], ['my-app='], /^--client-secret "my-app": its secret is empty$/],
  ])('refuses %j with the secrets %j in one line', (clients, secrets, line) => {
    expect(() => read(clients, secrets)).toThrow(line);
    expect(() => read(clients, secrets)).toThrow(/^[^\n]*$/);
  });

  it('gives a client a webhook, with a secret of its own that signs events', () => {
    const clients = ['a=http://localhost:1/', 'b=http://localhost:2/', 'c=http://localhost:3/'];
    const asked = read(clients, [], ['a=http://localhost:8080/webhooks?x=1', 'b=https://b.example.com/']);
    const [a, b, c] = registerClients(asked, newClientSecret);
    expect(a?.webhook).toEqual({
      url: 'http://localhost:8080/webhooks?x=1',
      secrets: [expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/)],
    });
    expect(b?.webhook?.secrets).not.toEqual(a?.webhook?.secrets);
    expect(c).not.toHaveProperty('webhook');
    const { partners } = localStage(undefined, { partners: [a, b, c].flatMap((one) => (one ? [partnerOf(one)] : [])) });
    expect(partners.slice(3).map(({ webhook }) => webhook)).toEqual([
      'http://localhost:8080/webhooks?x=1',
      'https://b.example.com/',
      undefined,
    ]);
  });

  it.each([
    [['other=http://localhost/'], /^--webhook "other=.*": is for a client of this start; add --client other=REDIRECT/],
    [['my-app'], /^--webhook "my-app": its URL is missing; write ID=URL, such as my-app=http:\/\/localhost:8080\/$/],
    [['my-app=localhost:8080'], /its URL /],
    [['my-app=http://app.example.com/'], /its URL uses plain http; write https/],
    [['my-app=https://10.0.0.1/'], /its URL is not on the public internet/],
    [['my-app=http://localhost/', 'my-app=http://localhost/'], /my-app has a webhook already; leave one out$/],
  ])('refuses the webhooks %j in one line', (webhooks, line) => {
    expect(() => read(['my-app=http://localhost/'], [], webhooks)).toThrow(line);
    expect(() => read(['my-app=http://localhost/'], [], webhooks)).toThrow(/^[^\n]*$/);
  });

  it('never quotes a secret, and cuts what is too long to read', () => {
    expect(() => read(['a=http://localhost/'], ['b=canary'])).toThrow(/^(?!.*canary)/);
    expect(() => read([`a=${'x'.repeat(10_000)}`])).toThrow(/^.{1,400}$/);
  });

  it('makes entries that the stage accepts: asked by the gateway, with PKCE, a public one open to its own origin', () => {
    const clients = registerClients(
      read(
        ['my-app=http://localhost:5210/cb', 'server=https://app.example.com/cb', 'phone=com.example.app:/cb'],
        ['server=s'],
      ),
      newClientSecret,
    );
    const { partners } = localStage(undefined, { partners: clients.map(partnerOf) });
    expect(partners.slice(3)).toMatchObject([
      {
        clientId: 'my-app',
        name: 'My App',
        homePage: 'http://localhost:5210/',
        clientAuthentication: ['none'],
        webOrigins: ['http://localhost:5210'],
        consent: 'gateway',
        pkceOptional: false,
        payers: ['demo-health-plan', 'northwind'],
      },
      {
        clientId: 'server',
        clientAuthentication: ['client_secret_basic', 'client_secret_post'],
        webOrigins: [],
        consent: 'gateway',
        pkceOptional: false,
      },
      { clientId: 'phone', homePage: 'http://localhost:3002/', webOrigins: [] },
    ]);
  });
});
