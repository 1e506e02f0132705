import { UsageError } from '../../bin/shared/errors.ts';
import { readFlags, type SignInRequest } from '../../sandbox/sign-in/flags.ts';
import { reasonOf, signIn } from '../../sandbox/sign-in/sign-in.ts';
import { words } from '../support/words.ts';

const app = ['--client', 'my-app', '--redirect-uri', 'http://localhost:5210/cb'];
const url = 'http://localhost:3000/oauth2/authorize/northwind?client_id=my-app';

describe('npm run sign-in', () => {
  it('makes a request at the usual gateway for the usual payer and member', () => {
    expect(readFlags(app)).toEqual({
      member: 'clinical',
      from: {
        gateway: 'http://localhost:3000',
        payer: 'demo-health-plan',
        client: 'my-app',
        redirectUri: 'http://localhost:5210/cb',
        scope: undefined,
      },
      tokens: undefined,
    });
  });

  it("takes the app's own authorize URL, and what its code needs", () => {
    const flags = [`${url}&code_challenge=x`, ...words('--member claims --tokens --code-verifier v --client-secret s')];
    expect(readFlags(flags)).toEqual({
      member: 'claims',
      from: { authorizeUrl: `${url}&code_challenge=x` },
      tokens: { clientSecret: 's', codeVerifier: 'v' },
    });
  });

  it.each([
    [[], 'Give an AUTHORIZE_URL, or both --client ID and --redirect-uri URI; --help explains them'],
    [['--client', 'my-app'], 'Give an AUTHORIZE_URL, or both'],
    [['--bogus'], "Unknown option '--bogus'; --help lists the flags"],
    [[url, 'more'], 'Give one AUTHORIZE_URL at most'],
    [[url, '--payer', 'northwind'], '--payer is part of the AUTHORIZE_URL already; leave it out'],
    [[`${url}&code_challenge=x`, '--tokens'], 'has a code_challenge; give its --code-verifier for --tokens'],
    [
      ['https://gateway.example.org/oauth2/authorize/x'],
      'is not on this machine; test members sign in at a local stack',
    ],
    [[...app, '--gateway', 'nonsense'], '--gateway is not a URL'],
    [[...app, '--gateway', 'http://localhost.example.org'], '--gateway is not on this machine'],
    [[...app, '--member', 'nobody'], 'There is no member "nobody"; use one of: clinical, large'],
    [[...app, '--client-secret', 's'], 'are for --tokens; add that, or leave them out'],
    [['--identity', url], 'An AUTHORIZE_URL is for a sign-in at a payer; leave it out, or --identity'],
    [['--identity', '--tokens'], '--tokens is for a sign-in at a payer'],
    [[...app, '--tokens', '--code-verifier', 'v'], '--code-verifier is for an AUTHORIZE_URL'],
  ])('refuses %j in one line', (flags, line) => {
    expect(() => readFlags(flags)).toThrow(UsageError);
    expect(() => readFlags(flags)).toThrow(line);
  });

  it('asks the usual identity provider for a token about the usual member', () => {
    expect(readFlags(['--identity'])).toEqual({
      member: 'clinical',
      issuer: 'http://127.0.0.1:3006',
      clientId: 'demo-partner',
    });
  });

  it('says in one line that the local stack is not there', async () => {
    const request = readFlags([...app, '--gateway', 'http://localhost:1']);
    const error: unknown = await signIn(request as SignInRequest).catch((reason: unknown) => reason);
    expect(reasonOf(error, request)).toBe(
      'http://localhost:1 or its payer does not answer; start the local stack with npm start',
    );
  });
});
