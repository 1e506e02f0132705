import { clearCookie, hostCookie, readCookies } from '../../../../functions/shared/http/cookies.ts';
import { apiEvent } from '../../../support/gateway.ts';

const read = (...values: string[]) => {
  const event = apiEvent('/x');
  event.multiValueHeaders['cookie'] = values;
  return Object.fromEntries(readCookies(event));
};

describe('cookies', () => {
  it('are read from one header or several, the first of a name counts, and what is none is passed over', () => {
    expect(read('a=1; b=2=3; a=4; none; =5')).toEqual({ a: '1', b: '2=3' });
    expect(read('a=1', 'b=2')).toEqual({ a: '1', b: '2' });
    expect(readCookies(apiEvent('/x')).size).toBe(0);
  });

  it('come apart without a blank between them, and with several', () => {
    expect(read('a=1;b=2;  c=3,d=4')).toEqual({ a: '1', b: '2', c: '3', d: '4' });
  });

  it('of ours are out of scripts’ reach, for this host and https alone, and of limited age', () => {
    expect(hostCookie('x', 'v', 600)).toBe('__Host-x=v; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600');
  });

  it('are taken back with the same attributes, or a browser would keep them', () => {
    expect(clearCookie('x')).toBe('__Host-x=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0');
  });
});
