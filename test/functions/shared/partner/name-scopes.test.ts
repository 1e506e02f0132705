import { nameScopes } from '../../../../functions/shared/partner/name-scopes.ts';
import { parseScopes } from '../../../../functions/shared/scopes/scopes.ts';

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
