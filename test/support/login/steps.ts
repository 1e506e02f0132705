import { authorizeRequest, callbackRequest, type GatewayRequest } from './requests.ts';

/* A member's login, step by step: begin, sign in at the payer, return, and what the partner then holds. */

/** What the answers of all drivers have in common. */
export interface Seen {
  readonly status: number;
  readonly location: string | undefined;
  /** Each `Set-Cookie` header, as received. */
  readonly cookies: readonly string[];
  readonly text: () => string | Promise<string>;
}

/** How requests reach a gateway, and how its answers are read. */
export interface Line<A> {
  readonly send: (request: GatewayRequest) => Promise<A>;
  readonly look: (answer: A) => Seen;
  /** Signs a member in where the gateway sent the browser, and returns where the payer sends it back to. */
  readonly signIn: (payerUrl: URL) => Promise<URL>;
}

/** A login that has reached the payer. */
export interface Begun<A> {
  readonly response: A;
  readonly payerUrl: URL;
  /** The gateway's own state. */
  readonly state: string;
  /** The cookies for the browser's next request to the gateway. */
  readonly cookie: string;
}

/** A login that has returned to the partner. */
export interface LoggedIn<A> {
  readonly code: string;
  /** The partner's redirect URI with what the gateway added. */
  readonly back: URL;
  readonly begun: Begun<A>;
}

/** What a partner holds. */
export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly token_type: string;
  readonly expires_in: number;
  readonly scope: string;
  readonly patient?: string;
}

/** Returns the cookies that an answer sets, in the form of a `Cookie` header. */
export const cookieHeader = (cookies: readonly string[]): string =>
  cookies
    .map((line) => line.split(';')[0] ?? '')
    .filter((pair) => !pair.endsWith('='))
    .join('; ');

/** Returns the URL that an answer redirects the browser to. @throws Error if it is not a redirect */
export const redirectOf = async ({ status, location, text }: Seen): Promise<URL> => {
  if (status !== 302 || location === undefined) throw new Error(`No redirect: ${status} ${await text()}`);
  return new URL(location);
};

const unescaped = (value: string): string => value.replaceAll('&quot;', '"').replaceAll('&amp;', '&');

/** Returns the form that a consent page submits for this decision. */
export const decisionRequest = (html: string, decision: 'allow' | 'deny', cookie: string): GatewayRequest => {
  const action = /<form [^>]*action="([^"]*)"/.exec(html)?.[1] ?? '';
  const hidden = [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)];
  const fields = hidden.map(([, name = '', value = '']) => [name, unescaped(value)] as const);
  const payer = new URL(action).pathname.split('/').at(-1) ?? '';
  return authorizeRequest(payer, [...fields, ['decision', decision]], { method: 'POST', headers: { Cookie: cookie } });
};

/**
 * Continues from authorize's answer, through the gateway's consent page if it shows one.
 * @throws Error if the gateway does not redirect to a payer
 */
export const goToPayer = async <A>({ send, look }: Line<A>, first: A): Promise<Begun<A>> => {
  const { status, text, cookies } = look(first);
  const response = status === 200 ? await send(decisionRequest(await text(), 'allow', cookieHeader(cookies))) : first;
  const payerUrl = await redirectOf(look(response));
  const state = payerUrl.searchParams.get('state') ?? '';
  return { response, payerUrl, state, cookie: cookieHeader(look(response).cookies) };
};

/** Begins a login. @throws Error if the gateway does not redirect to a payer */
export const begin = async <A>(line: Line<A>, request: GatewayRequest): Promise<Begun<A>> =>
  goToPayer(line, await line.send(request));

/** What a browser sends after a payer's redirect. */
export const returnRequest = (url: URL, cookie: string): GatewayRequest =>
  callbackRequest(url.pathname.split('/').at(-1) ?? '', [...url.searchParams], { cookie });

/** Continues a login through the payer to the gateway's answer at the callback. */
export const comeBack = async <A>({ send, signIn }: Line<A>, { payerUrl, cookie }: Begun<A>): Promise<A> =>
  send(returnRequest(await signIn(payerUrl), cookie));

/** Runs a member's whole login. @throws Error if the partner gets no code */
export const login = async <A>(line: Line<A>, request: GatewayRequest): Promise<LoggedIn<A>> => {
  const begun = await begin(line, request);
  const back = await redirectOf(line.look(await comeBack(line, begun)));
  const code = back.searchParams.get('code');
  if (code === null) throw new Error(`No code: ${back.searchParams.get('error') ?? ''}`);
  return { code, back, begun };
};

/** Returns the tokens of a token answer. @throws Error if it has none */
export const tokensIn = async ({ status, text }: Seen): Promise<Tokens> => {
  const body = await text();
  if (status !== 200) throw new Error(`No tokens: ${status} ${body}`);
  return JSON.parse(body) as Tokens;
};
