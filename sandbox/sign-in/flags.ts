import { readCommand } from '../../bin/shared/command-line.ts';
import { UsageError } from '../../bin/shared/errors.ts';
import { runningStack } from '../../bin/shared/running-stack.ts';
import { maybeWord, read, type Rule, type Spec, type Take } from '../../bin/shared/spec.ts';
import { defaultPorts } from '../../config/local.ts';
import { memberFlag } from './member.ts';
import type { IdentityRequest, SignInRequest } from './sign-in.ts';

const defaultGateway = `http://localhost:${defaultPorts.gateway}`;

/** @throws UsageError unless it is a URL of a local stack: test members exist nowhere else */
const requireLocal = (given: string, what: string): string => {
  const url = URL.parse(given);
  if (url === null) throw new UsageError(`${what} is not a URL; write one such as ${defaultGateway}`);
  if (url.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)) return given;
  throw new UsageError(`${what} is not on this machine; test members sign in at a local stack only`);
};

const urlIn: Take<string | undefined> = (...given) => {
  const url = maybeWord('Give one AUTHORIZE_URL at most; --help lists the flags')(...given);
  return url === undefined ? undefined : requireLocal(url, 'The AUTHORIZE_URL');
};

const inUrl = ['client', 'redirect-uri', 'payer', 'scope', 'gateway'];
const ofCode = ['client-secret', 'code-verifier'];

const rules: readonly Rule[] = [
  (given, { url }) => {
    const excess = [...inUrl, ...ofCode, 'tokens'].find((name) => given.has(name));
    if (!given.has('identity') || (url ?? excess) === undefined) return undefined;
    const name = url === undefined ? `--${excess}` : 'An AUTHORIZE_URL';
    return `${name} is for a sign-in at a payer; leave it out, or --identity`;
  },
  (given) =>
    !given.has('tokens') && ofCode.some((name) => given.has(name))
      ? '--client-secret and --code-verifier are for --tokens; add that, or leave them out'
      : undefined,
  (given, { url }) =>
    url === undefined && given.has('code-verifier')
      ? '--code-verifier is for an AUTHORIZE_URL; without one, the command makes its own'
      : undefined,
  (given, { url }) => {
    const excess = inUrl.find((name) => given.has(name));
    if (url !== undefined && excess !== undefined)
      return `--${excess} is part of the AUTHORIZE_URL already; leave it out`;
    return url === undefined && !given.has('identity') && !(given.has('client') && given.has('redirect-uri'))
      ? 'Give an AUTHORIZE_URL, or both --client ID and --redirect-uri URI; --help explains them'
      : undefined;
  },
  (given, { url }) =>
    given.has('tokens') && !given.has('code-verifier') && String(url).includes('code_challenge=')
      ? 'The AUTHORIZE_URL has a code_challenge; give its --code-verifier for --tokens'
      : undefined,
];

export const spec = {
  call: 'npm run sign-in --',
  does: `Signs a test member in at a running local stack without a browser, and prints the redirect with the code: for tests of
your app. The first form takes the URL that your app would open. The second makes one, with PKCE. The third prints the
id token that the sandbox's identity provider gives the demo partner app about the member.`,
  usage: ['AUTHORIZE_URL [flags]', '--client ID --redirect-uri URI [flags]', '--identity [--member NAME]'],
  words: { url: urlIn },
  rules,
  '--client ID': "the app's client id",
  '--redirect-uri URI': 'one of its redirect URIs',
  '--payer ID': 'the payer (default demo-health-plan)',
  '--scope TEXT': 'the scopes to ask for (default: all that the client may have)',
  '--gateway URL': read(`the gateway (default ${defaultGateway}, or where npm start serves it)`, (given) =>
    requireLocal(given, '--gateway'),
  ),
  '--member NAME': memberFlag,
  '--identity': 'prints an id token about the member, for a grant without a browser',
  '--tokens': 'redeems the code, and prints the token answer as JSON',
  '--client-secret TEXT': "a confidential client's secret, for --tokens",
  '--code-verifier TEXT': 'for --tokens with an AUTHORIZE_URL that has a code_challenge',
  more: 'Without --tokens, the second form prints the code_verifier on standard error.',
  exits: 'Exits with 0 if the member came back with a code, 1 if not, 2 if the command line is wrong.',
  rows: { AUTHORIZE_URL: 'signs a test member in at the local stack, without a browser' },
} as const satisfies Spec;

/** @throws UsageError */
export const readFlags = (args: readonly string[]): SignInRequest | IdentityRequest => {
  const { url, identity, member, tokens, clientSecret, codeVerifier, ...given } = readCommand(spec, args);
  const { ports = defaultPorts } = runningStack(process.env) ?? {};
  if (identity) return { member, issuer: `http://127.0.0.1:${ports.identity}`, clientId: 'demo-partner' };
  const { client = '', redirectUri = '', payer = 'demo-health-plan', scope } = given;
  const gateway = (given.gateway ?? `http://localhost:${ports.gateway}`).replace(/\/$/, '');
  return {
    member,
    from: url === undefined ? { gateway, payer, client, redirectUri, scope } : { authorizeUrl: url },
    tokens: tokens ? { clientSecret, codeVerifier } : undefined,
  };
};
