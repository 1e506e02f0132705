import { memberKeys, testMembers } from '../payer/data/member-list.ts';
import type { MemberKey } from '../payer/data/member-list.ts';
import { signInAsMember } from '../payer/walk.ts';
import type { WalkMember } from '../payer/walk.ts';

/** A test member of the sandbox, with an e-mail address for their account. */
export const memberNamed = (key: MemberKey): WalkMember => {
  const { firstName, lastName, birthDate, memberId, postalCode } = testMembers[key];
  return { firstName, lastName, birthDate, memberId, postalCode, email: `${key}@example.com` };
};

/** The key that `--member` gives. */
export const readMemberKey = (text: string): MemberKey => {
  const key = memberKeys.find((known) => known === text);
  if (!key) throw new Error(`there is no member "${text}"; use one of: ${memberKeys.join(', ')}`);
  return key;
};

/**
 * Acts as a member's browser, from the gateway's authorize URL through the payer's forms. Returns the redirect back to
 * the partner without following it.
 */
export const signInThroughGateway = async (authorizeUrl: string, member: WalkMember): Promise<string> => {
  const toPayer = await fetch(authorizeUrl, { redirect: 'manual' });
  const cookie = toPayer.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
  const toGateway = await signInAsMember(await locationOf(toPayer), member);
  return locationOf(await fetch(toGateway, { redirect: 'manual', headers: { cookie } }));
};

const locationOf = async (response: Response): Promise<string> => {
  const location = response.headers.get('location');
  if (location !== null) return new URL(location, response.url).href;
  const text = (await response.text()).replaceAll(/<style.*?<\/style>|<[^>]*>/gs, ' ').replaceAll(/\s+/g, ' ');
  throw new Error(
    `${new URL(response.url).pathname} answered ${response.status}, not a redirect: ${text.slice(0, 300)}`,
  );
};
