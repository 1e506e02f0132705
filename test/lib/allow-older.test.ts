import { dataVersion } from '../../functions/shared/registry/data-version.ts';
import { allowOlderIn } from '../../lib/allow-older.ts';

/** With a context of the CDK that has only this. */
const allowed = (allowOlder?: unknown) =>
  allowOlderIn({ node: { tryGetContext: (name) => (name === 'allowOlder' ? allowOlder : undefined) } });

describe('-c allowOlder', () => {
  it('names a higher data version than this code has', () => {
    expect(allowed(String(dataVersion + 1))).toBe(dataVersion + 1);
    expect(allowed(dataVersion + 2)).toBe(dataVersion + 2);
  });

  it('is nothing if it is left out', () => {
    expect([allowed(), allowed('')]).toEqual([undefined, undefined]);
  });

  it.each([String(dataVersion), '1', '0', '-3', '3.5', 'true', '1e9', '9999999'])(
    'refuses %s, and says what to write',
    (text) => {
      expect(() => allowed(text)).toThrow(
        `allowOlder is "${text}", and this code has data version ${dataVersion}; write the higher number that the refused deployment named, or leave it out`,
      );
    },
  );
});
