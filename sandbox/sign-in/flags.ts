import { readCommand, type Read } from '../../bin/shared/command-line.ts';
import { UsageError } from '../../bin/shared/errors.ts';
import { runningStack } from '../../bin/shared/running-stack.ts';
import { flagName, maybeWord, type Spec } from '../../bin/shared/spec.ts';
import { defaultPorts } from '../../config/local.ts';
import type { MemberKey } from '../payer/data/member-list.ts';
import { memberFlag } from './member.ts';

/** Whose identity token to print. */
export interface IdentityRequest {
  readonly member: MemberKey;
  readonly issuer: string;
  readonly clientId: string;
}

/** Whose sign-in, and where it goes. */
export interface SignInRequest {
  readonly member: MemberKey;
  /** The app's own authorize URL, or what to make one from. */
  readonly from: { readonly authorizeUrl: string } | AppRequest;
  /** Redeems the code, with this secret unless the client is public. */
  readonly tokens?:
    { readonly clientSecret: string | undefined; readonly codeVerifier: string | undefined } | undefined;
}

/** An authorize request that the command makes, with PKCE. */
export interface AppRequest {
  readonly gateway: string;
  readonly payer: string;
  readonly client: string;
  readonly redirectUri: string;
  readonly scope: string | undefined;
}

const defaultGateway = `http://localhost:${defaultPorts.gateway}`;
/** Where the stack that runs serves it. */
const runningGateway = (): string =>
  `http://localhost:${runningStack(process.env)?.ports.gateway ?? defaultPorts.gateway}`;

const isLocal = ({ protocol, hostname }: URL): boolean =>
  protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname);

/** @throws UsageError unless it is a URL of a local stack: test members exist nowhere else */
const requireLocal = (given: string, what: string): string => {
  const url = URL.parse(given);
  if (url === null) throw new UsageError(`${what} is not a URL; write one such as ${defaultGateway}`);
  if (!isLocal(url)) throw new UsageError(`${what} is not on this machine; test members sign in at a local stack only`);
  return given;
};

export const spec = {
  call: 'npm run sign-in --',
  about: `Signs a test member in at a running local stack without a browser, and prints the redirect with the code: for tests of
your app. The first form takes the URL that your app would open. The second makes one, with PKCE. The third prints the
id token that the sandbox's identity provider gives the demo partner app about the member.`,
  usage: ['AUTHORIZE_URL [flags]', '--client ID --redirect-uri URI [flags]', '--identity [--member NAME]'],
  changes: 'nothing',
  words: { url: maybeWord('Give one AUTHORIZE_URL at most; --help lists the flags') },
  '--client ID': "the app's client id",
  '--redirect-uri URI': 'one of its redirect URIs',
  '--payer ID': 'the payer (default demo-health-plan)',
  '--scope TEXT': 'the scopes to ask for (default: all that the client may have)',
  '--gateway URL': `the gateway (default ${defaultGateway}, or where npm start serves it)`,
  '--member NAME': memberFlag,
  '--identity': 'prints an id token about the member, for a grant without a browser',
  '--tokens': 'redeems the code, and prints the token answer as JSON',
  '--client-secret TEXT': "a confidential client's secret, for --tokens",
  '--code-verifier TEXT': 'for --tokens with an AUTHORIZE_URL that has a code_challenge',
  more: `Without --tokens, the second form prints the code_verifier on standard error.
Exits with 0 if the member came back with a code, 1 if not, 2 if the command line is wrong.`,
  rows: { AUTHORIZE_URL: 'signs a test member in at the local stack, without a browser' },
} as const satisfies Spec;

type Given = Read<typeof spec>;

const appOf = (values: Given): AppRequest => {
  const { client, redirectUri, payer = 'demo-health-plan', gateway = runningGateway(), scope } = values;
  if (client === undefined || redirectUri === undefined) {
    throw new UsageError('Give an AUTHORIZE_URL, or both --client ID and --redirect-uri URI; --help explains them');
  }
  return { gateway: requireLocal(gateway, '--gateway').replace(/\/$/, ''), payer, client, redirectUri, scope };
};

const urlOf = (url: string, values: Given): { readonly authorizeUrl: string } => {
  const excess = (['client', 'redirectUri', 'payer', 'scope', 'gateway'] as const).find(
    (name) => values[name] !== undefined,
  );
  if (excess !== undefined)
    throw new UsageError(`--${flagName(excess)} is part of the AUTHORIZE_URL already; leave it out`);
  requireLocal(url, 'The AUTHORIZE_URL');
  if (values.tokens && values.codeVerifier === undefined && url.includes('code_challenge=')) {
    throw new UsageError('The AUTHORIZE_URL has a code_challenge; give its --code-verifier for --tokens');
  }
  return { authorizeUrl: url };
};

/** @throws UsageError if a flag of a sign-in is beside --identity */
const identityOf = (values: Given): IdentityRequest => {
  const excess = (
    ['url', 'client', 'redirectUri', 'payer', 'scope', 'gateway', 'clientSecret', 'codeVerifier'] as const
  ).find((name) => values[name] !== undefined);
  if (excess !== undefined || values.tokens) {
    const name = excess === 'url' ? 'An AUTHORIZE_URL' : `--${flagName(excess ?? 'tokens')}`;
    throw new UsageError(`${name} is for a sign-in at a payer; leave it out, or --identity`);
  }
  const port = runningStack(process.env)?.ports.identity ?? defaultPorts.identity;
  return { member: values.member, issuer: `http://127.0.0.1:${port}`, clientId: 'demo-partner' };
};

/** Reads the command line. @throws UsageError */
export const readFlags = (args: readonly string[]): SignInRequest | IdentityRequest => {
  const values = readCommand(spec, args);
  if (values.identity) return identityOf(values);
  const { url, member, tokens, clientSecret, codeVerifier } = values;
  if (!tokens && (clientSecret ?? codeVerifier) !== undefined) {
    throw new UsageError('--client-secret and --code-verifier are for --tokens; add that, or leave them out');
  }
  if (url === undefined && codeVerifier !== undefined) {
    throw new UsageError('--code-verifier is for an AUTHORIZE_URL; without one, the command makes its own');
  }
  return {
    member,
    from: url === undefined ? appOf(values) : urlOf(url, values),
    tokens: tokens ? { clientSecret, codeVerifier } : undefined,
  };
};
