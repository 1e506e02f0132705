import { signInAsMember } from '../payer/walk.ts';
import type { WalkMember } from '../payer/walk.ts';

/** The test member on the payer's developer page. */
export const testMember: WalkMember = {
  firstName: 'Mayte822',
  lastName: 'Venegas795',
  birthDate: '01/04/2011',
  memberId: '01-testmemid',
  postalCode: '02116',
  email: 'mayte@example.com',
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
