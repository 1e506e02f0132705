import { findAccess, findLiveAccess } from '../../../../functions/shared/partner/live-grant.ts';
import { nameScopes } from '../../../../functions/shared/partner/name-scopes.ts';
import { parseScopes } from '../../../../functions/shared/scopes/scopes.ts';
import { sha256 } from '../../../../functions/shared/store/crypto.ts';
import type { Grant, IssuedAccess } from '../../../../functions/shared/store/grant-item.ts';

const issued = (token: string, expiresAt = 1000): IssuedAccess => ({ hash: sha256(token), expiresAt, scope: [] });
const grantWith = (tokens: Partial<Pick<Grant, 'access' | 'previousAccess'>>): Grant => tokens as Grant;

describe('a presented access token', () => {
  const now = issued('now');
  const before = issued('before');

  it('is found among the current and the previous one, expired or not', () => {
    const grant = grantWith({ access: now, previousAccess: before });

    expect([findAccess(grant, now.hash), findAccess(grant, before.hash)]).toEqual([now, before]);
    expect(findAccess(grant, sha256('another'))).toBeUndefined();
  });

  it('is not found in a grant that has issued none, or only one', () => {
    expect(findAccess(grantWith({}), now.hash)).toBeUndefined();
    expect(findAccess(grantWith({ access: now }), before.hash)).toBeUndefined();
    expect(findAccess(grantWith({ previousAccess: before }), before.hash)).toBe(before);
  });

  it('is live until the second in which it expires', () => {
    const grant = grantWith({ access: now, previousAccess: before });

    expect(findLiveAccess(grant, now.hash, 999)).toBe(now);
    expect(findLiveAccess(grant, before.hash, 999)).toBe(before);
    expect(findLiveAccess(grant, now.hash, 1000)).toBeUndefined();
    expect(findLiveAccess(grant, sha256('another'), 0)).toBeUndefined();
  });
});

const named = (...words: string[]): string => nameScopes(parseScopes(words));
const some = (count: number): string[] => Array.from({ length: count }, (_, index) => `scope-${index}`);

describe('scopes in an error text', () => {
  it('are named up to five, and the others are counted', () => {
    expect(named()).toBe('');
    expect(named('patient/*.rs', 'openid')).toBe('patient/*.rs, openid');
    expect(named(...some(5))).toBe('scope-0, scope-1, scope-2, scope-3, scope-4');
    expect(named(...some(6))).toBe('scope-0, scope-1, scope-2, scope-3, scope-4 and 1 more');
    expect(named(...some(1000))).toBe('scope-0, scope-1, scope-2, scope-3, scope-4 and 995 more');
  });

  it('have the characters of SMART, and nothing that a page, a header or a log could misread', () => {
    const safe = 'aZ0_/*.:?=|,+~-';

    expect(named(safe)).toBe(safe);
    expect(named('<b>"é\r\n\\&;%')).toBe('?b?????????');
    expect(named('<a>')).toBe('?a?');
  });

  it('are cut after 64 characters each', () => {
    expect(named('a'.repeat(64))).toBe('a'.repeat(64));
    expect(named('a'.repeat(65))).toBe(`${'a'.repeat(64)}...`);
  });
});
