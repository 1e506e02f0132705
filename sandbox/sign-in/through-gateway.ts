import { createWalker, signInAsMember, type WalkMember, type WalkPage, type WalkStop } from '../payer/walk.ts';

/** The field of the gateway's consent page that takes the decision. */
const decisionField = ({ html }: WalkPage): string | undefined =>
  /<button\s(?=[^>]*value="allow")[^>]*name="([^"]+)"/.exec(html)?.[1];

/** What a page says, in one line, without its head and its tags. */
const words = ({ html }: WalkPage): string =>
  html
    .replaceAll(/<(style|script|title|footer|header)[\s>].*?<\/\1>|<[^>]*>/gs, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, 300);

/** What an error page of the gateway says to developers, or else all its words. */
const reason = (page: WalkPage): string => {
  const forDevelopers = /<span lang="en">(.*?)(?:<a |<\/span>)/s.exec(page.html)?.[1]?.trim();
  return forDevelopers === undefined || forDevelopers === '' ? words(page) : words({ ...page, html: forDevelopers });
};

/** Where the gateway sends the browser. @throws Error with what the page says if it does not */
const leaves = (stop: WalkStop, path: string): string => {
  if ('location' in stop) return stop.location;
  throw new Error(`${path} answered ${stop.page.status}: ${reason(stop.page)}`);
};

/**
 * Acts as a member's browser: from the gateway's authorize URL, through its consent page if there is one, and through
 * the sandbox payer's forms. Returns the redirect back to the partner without following it.
 * @throws Error with a page's words where the way ends
 */
export const signInThroughGateway = async (authorizeUrl: string, member: WalkMember): Promise<string> => {
  const { origin, pathname } = new URL(authorizeUrl);
  const walker = createWalker(origin);
  const first = await walker.open(authorizeUrl);
  const decision = 'page' in first ? decisionField(first.page) : undefined;
  const next =
    'page' in first && decision !== undefined ? await walker.submit(first.page, { [decision]: 'allow' }) : first;
  const toPayer = leaves(next, pathname);
  // A refusal goes back to the partner at once.
  if (isBack(toPayer, authorizeUrl)) return toPayer;
  const toGateway = await signInAsMember(toPayer, member);
  return leaves(await walker.open(toGateway), new URL(toGateway).pathname);
};

/** Whether a redirect goes to the partner and not to a payer. */
const isBack = (location: string, authorizeUrl: string): boolean => {
  const redirectUri = new URL(authorizeUrl).searchParams.get('redirect_uri');
  return redirectUri !== null && location.startsWith(redirectUri);
};
