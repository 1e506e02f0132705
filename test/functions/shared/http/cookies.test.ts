import { clearCookie, hostCookie, readCookies } from '../../../../functions/shared/http/cookies.ts';
import { apiEvent } from '../../../support/gateway.ts';

const read = (...values: string[]) => {
  const event = apiEvent('/x');
  event.multiValueHeaders['cookie'] = values;
  return Object.fromEntries(readCookies(event));
};

describe('cookies', () => {
  it('are read from one header or several; the first of a name counts, and malformed ones are skipped', () => {
    expect(read('a=1; b=2=3; a=4; none; =5')).toEqual({ a: '1', b: '2=3' });
    expect(read('a=1', 'b=2')).toEqual({ a: '1', b: '2' });
    expect(readCookies(apiEvent('/x')).size).toBe(0);
  });

  it('are split at semicolons alone, with no space or several between them', () => {
    expect(read('a=1;b=2;  c=3,d=4')).toEqual({ a: '1', b: '2', c: '3,d=4' });
  });

  it('end with their own header, whatever the letter case of its name', () => {
    const event = apiEvent('/x');
    event.multiValueHeaders = { Cookie: ['a=1', '__Host-b=2'], COOKIE: ['c=3'], 'X-Cookie': ['d=4'] };

    expect(Object.fromEntries(readCookies(event))).toEqual({ a: '1', '__Host-b': '2', c: '3' });
  });

  it.each(['a=1,__Host-b=2', 'a=1, __Host-b=2', 'a,__Host-b=2', 'a=1,; c=,__Host-b=2', 'a="1, __Host-b=2"'])(
    'have no name of ours from inside another cookie, which a sibling domain may write: %s',
    (sent) => {
      expect(Object.keys(read(sent))).not.toContain('__Host-b');
    },
  );

  it('of ours are hidden from scripts, for this host and https only, and of limited age', () => {
    expect(hostCookie('x', 'v', 600)).toBe('__Host-x=v; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600');
  });

  it('are deleted with the same attributes, since a browser would keep them otherwise', () => {
    expect(clearCookie('x')).toBe('__Host-x=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0');
  });
});
