import { testMember } from '../../sandbox/demo/member.ts';
import { signInAsMember, type WalkMember } from '../../sandbox/payer/walk.ts';
import { startLocalStack, type LocalStack, type LocalStackOptions } from '../../sandbox/stack.ts';

/** The member whose one search answers 100 MB. */
export const largeMember: WalkMember = {
  firstName: 'Large123',
  lastName: 'Record456',
  birthDate: '02/03/1970',
  memberId: '02-testmemid',
  postalCode: '02116',
  email: 'large@example.org',
};

/** A running stack with everything that it logged. */
export interface RunningStack extends LocalStack {
  readonly functionLines: string[];
  readonly requestLines: string[];
}

/** Starts the whole product on free ports. */
export const startStack = async (options: Pick<LocalStackOptions, 'environments'> = {}): Promise<RunningStack> => {
  const functionLines: string[] = [];
  const requestLines: string[] = [];
  const stack = await startLocalStack({
    ...options,
    ports: 'free',
    log: (service, line) => requestLines.push(`${service} ${JSON.stringify(line)}`),
    onFunctionLog: (_name, line) => functionLines.push(line),
  });
  return { ...stack, functionLines, requestLines };
};

/** Goes from a partner's authorize URL to the redirect back to the partner, as a member's browser would. */
export const walkLogin = async (
  authorizeUrl: string,
  member: WalkMember = testMember,
  options: { decision?: 'allow' | 'deny' } = {},
): Promise<URL> => {
  const toPayer = await fetch(authorizeUrl, { redirect: 'manual' });
  const cookie = toPayer.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
  const payerUrl = toPayer.headers.get('location');
  if (toPayer.status !== 302 || payerUrl === null)
    throw new Error(`authorize: ${toPayer.status} ${await toPayer.text()}`);
  const callback = await signInAsMember(payerUrl, member, options);
  const back = await fetch(callback, { redirect: 'manual', headers: { cookie } });
  const location = back.headers.get('location');
  if (back.status !== 302 || location === null) throw new Error(`callback: ${back.status} ${await back.text()}`);
  return new URL(location);
};

/** A token answer. */
export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly patient: string;
}

/** The page's steps 1 and 2 in the shortest form: a member's login and its tokens, as demo-partner. */
export const connect = async (stack: LocalStack, payer: string, member?: WalkMember): Promise<Tokens> => {
  const query = new URLSearchParams({
    client_id: 'demo-partner',
    redirect_uri: `${stack.urls.partner}/callback`,
    state: 'state-of-the-partner',
  });
  const back = await walkLogin(`${stack.origin}/oauth2/authorize/${payer}?${query}`, member);
  const answer = await fetch(`${stack.origin}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: 'demo-partner',
      client_secret: 'demo-partner-secret',
      code: back.searchParams.get('code') ?? '',
    }),
  });
  if (answer.status !== 200) throw new Error(`token: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Tokens;
};

/** A searchset, as far as the tests read it. */
export interface Bundle {
  readonly resourceType: string;
  readonly link?: readonly { readonly relation: string; readonly url: string }[];
  readonly entry?: readonly {
    readonly fullUrl?: string;
    readonly resource: { readonly resourceType: string; readonly id: string };
  }[];
}

/** Follows `next` from page to page. */
export const readAllPages = async (first: string, read: (url: string) => Promise<Bundle>): Promise<Bundle[]> => {
  const pages: Bundle[] = [];
  for (let url: string | undefined = first; url !== undefined;) {
    const bundle: Bundle = await read(url);
    pages.push(bundle);
    url = bundle.link?.find(({ relation }) => relation === 'next')?.url;
  }
  return pages;
};
