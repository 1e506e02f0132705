import { parseArgs } from 'node:util';
import { defaultPorts } from '../../config/local.ts';
import { memberKeys, type MemberKey } from '../payer/data/member-list.ts';

/** A command line that cannot be understood. */
export class UsageError extends Error {}

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

export const help = `npm run sign-in -- AUTHORIZE_URL [flags]
npm run sign-in -- --client ID --redirect-uri URI [flags]

Signs a test member in at a running local stack without a browser, and prints the redirect with the code: for tests of
your app. The first form takes the URL that your app would open. The second makes one, with PKCE.

  --client ID            the app's client id
  --redirect-uri URI     one of its redirect URIs
  --payer ID             the payer (default demo-health-plan)
  --scope TEXT           the scopes to ask for (default: all that the client may have)
  --gateway URL          the gateway (default ${defaultGateway})
  --member NAME          the member who signs in (default clinical): ${memberKeys.join(', ')}
  --tokens               redeems the code, and prints the token answer as JSON
  --client-secret TEXT   a confidential client's secret, for --tokens
  --code-verifier TEXT   for --tokens with an AUTHORIZE_URL that has a code_challenge
  --help                 this text

Without --tokens, the second form prints the code_verifier on standard error.
Exit code: 0 if the member came back with a code, 1 if not, 2 if the command line is wrong.`;

const options = {
  client: { type: 'string' },
  'redirect-uri': { type: 'string' },
  payer: { type: 'string' },
  scope: { type: 'string' },
  gateway: { type: 'string' },
  member: { type: 'string' },
  tokens: { type: 'boolean' },
  'client-secret': { type: 'string' },
  'code-verifier': { type: 'string' },
  help: { type: 'boolean' },
} as const;

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    const [what] = (error as Error).message.split(/\. |\n/);
    throw new UsageError(`${what}; --help lists the flags`);
  }
};

type Values = ReturnType<typeof parse>['values'];

const isLocal = ({ protocol, hostname }: URL): boolean =>
  protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname);

/** @throws UsageError unless it is a URL of a local stack: test members exist nowhere else */
const requireLocal = (text: string, what: string): string => {
  const url = URL.parse(text);
  if (url === null) throw new UsageError(`${what} is not a URL; write one such as ${defaultGateway}`);
  if (!isLocal(url)) throw new UsageError(`${what} is not on this machine; test members sign in at a local stack only`);
  return text;
};

const memberOf = (text = 'clinical'): MemberKey => {
  const key = memberKeys.find((known) => known === text);
  if (key === undefined) {
    throw new UsageError(`There is no member ${JSON.stringify(text)}; use one of: ${memberKeys.join(', ')}`);
  }
  return key;
};

const appOf = (values: Values): AppRequest => {
  const { client, 'redirect-uri': redirectUri, payer = 'demo-health-plan', gateway = defaultGateway, scope } = values;
  if (client === undefined || redirectUri === undefined) {
    throw new UsageError('Give an AUTHORIZE_URL, or both --client ID and --redirect-uri URI; --help explains them');
  }
  return { gateway: requireLocal(gateway, '--gateway').replace(/\/$/, ''), payer, client, redirectUri, scope };
};

const urlOf = (url: string, values: Values): { readonly authorizeUrl: string } => {
  const excess = (['client', 'redirect-uri', 'payer', 'scope', 'gateway'] as const).find(
    (name) => values[name] !== undefined,
  );
  if (excess !== undefined) throw new UsageError(`--${excess} is part of the AUTHORIZE_URL already; leave it out`);
  requireLocal(url, 'The AUTHORIZE_URL');
  if (values.tokens === true && values['code-verifier'] === undefined && url.includes('code_challenge=')) {
    throw new UsageError('The AUTHORIZE_URL has a code_challenge; give its --code-verifier for --tokens');
  }
  return { authorizeUrl: url };
};

/** Reads the command line. Undefined asks for the help. @throws UsageError */
export const readFlags = (args: readonly string[]): SignInRequest | undefined => {
  const { values, positionals } = parse(args);
  if (values.help === true) return undefined;
  const [url, extra] = positionals;
  if (extra !== undefined) throw new UsageError(`Unexpected argument ${JSON.stringify(extra)}; --help lists the flags`);
  if (values.tokens !== true && (values['client-secret'] ?? values['code-verifier']) !== undefined) {
    throw new UsageError('--client-secret and --code-verifier are for --tokens; add that, or leave them out');
  }
  if (url === undefined && values['code-verifier'] !== undefined) {
    throw new UsageError('--code-verifier is for an AUTHORIZE_URL; without one, the command makes its own');
  }
  return {
    member: memberOf(values.member),
    from: url === undefined ? appOf(values) : urlOf(url, values),
    tokens:
      values.tokens === true
        ? { clientSecret: values['client-secret'], codeVerifier: values['code-verifier'] }
        : undefined,
  };
};
