import { setTimeout as delay } from 'node:timers/promises';
import { unpaced } from '../../sandbox/aws/proxy-response.ts';
import { signInAsMember, type WalkMember } from '../../sandbox/payer/walk.ts';
import { memberNamed } from '../../sandbox/sign-in/member.ts';
import { startLocalStack, type LocalStack, type LocalStackOptions } from '../../sandbox/stack.ts';
import { lookAt, overHttp, sendTo } from '../support/login/over-http.ts';
import { authorizeRequest, partnerRequest, redemption } from '../support/login/requests.ts';
import { comeBack, goToPayer, login, redirectOf, tokensIn, type Line, type Tokens } from '../support/login/steps.ts';

/** Sends a request once and does not retry. */
export const askOnce = globalThis.fetch;

const mostTries = 10;
const pauseMs = 500;

/**
 * Asks again if the answer is 503 with a `Retry-After`, which is not a final answer: on a busy machine, a function may
 * give up on a slow table.
 */
const askPatiently: typeof fetch = async (...asked) => {
  let answer = await askOnce(...asked);
  for (let tries = 1; answer.status === 503 && answer.headers.has('retry-after') && tries < mostTries; tries += 1) {
    await answer.body?.cancel();
    await delay(pauseMs);
    answer = await askOnce(...asked);
  }
  return answer;
};

/** Makes every client in this test file that uses `fetch` retry such answers. */
export const askAgainWhereBusy = (): void => {
  beforeAll(() => {
    globalThis.fetch = askPatiently;
  });
  afterAll(() => {
    globalThis.fetch = askOnce;
  });
};

/** The member with a search that returns 100 MB. */
export const largeMember: WalkMember = {
  firstName: 'Large123',
  lastName: 'Record456',
  birthDate: '02/03/1970',
  memberId: '02-testmemid',
  postalCode: '02116',
  email: 'large@example.org',
};

/** A running local stack and all of its log lines. */
export interface RunningStack extends LocalStack {
  readonly functionLines: string[];
  readonly requestLines: string[];
}

/** Starts the whole product on free ports. */
export const startStack = async (
  options: Pick<LocalStackOptions, 'environments' | 'clients' | 'formerPlan'> = {},
): Promise<RunningStack> => {
  const functionLines: string[] = [];
  const requestLines: string[] = [];
  const stack = await startLocalStack({
    ...options,
    ports: 'free',
    pace: unpaced,
    log: (service, line) => requestLines.push(`${service} ${JSON.stringify(line)}`),
    onFunctionLog: (_name, line) => functionLines.push(line),
  });
  return { ...stack, functionLines, requestLines };
};

/** A stage, and a member who signs in at its payers. */
export const memberAt = (
  origin: string,
  member: WalkMember = memberNamed('clinical'),
  options: { decision?: 'allow' | 'deny' } = {},
): Line<Response> => overHttp(origin, async ({ href }) => new URL(await signInAsMember(href, member, options)));

/** Goes from a partner's authorize URL to the redirect back to the partner, as a member's browser would. */
export const walkLogin = async (
  authorizeUrl: string,
  member?: WalkMember,
  options?: { decision?: 'allow' | 'deny' },
): Promise<URL> => {
  const line = memberAt(new URL(authorizeUrl).origin, member, options);
  const begun = await goToPayer(line, await fetch(authorizeUrl, { redirect: 'manual' }));
  return redirectOf(lookAt(await comeBack(line, begun)));
};

/** The page's steps 1 and 2 in the shortest form: a member's login and its tokens, as demo-partner. */
export const connect = async (
  { origin, urls }: LocalStack,
  payer: string,
  member?: WalkMember,
): Promise<Tokens & { readonly patient: string }> => {
  const parameters = {
    client_id: 'demo-partner',
    redirect_uri: `${urls.partner}/callback`,
    state: 'state-of-the-partner',
  };
  const { code } = await login(memberAt(origin, member), authorizeRequest(payer, parameters));
  const form = redemption(code, { client_id: 'demo-partner', client_secret: 'demo-partner-secret' });
  const tokens = await tokensIn(lookAt(await sendTo(origin, partnerRequest('token', form))));
  return { ...tokens, patient: tokens.patient ?? '' };
};

/** The part of a searchset that the tests read. */
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
