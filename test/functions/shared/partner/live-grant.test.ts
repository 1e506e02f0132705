import { findAccess, findLiveAccess } from '../../../../functions/shared/partner/live-grant.ts';
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
