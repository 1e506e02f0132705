import { changedFields } from '../../../functions/audit/changed-fields.ts';

const named = (before: unknown, after: unknown): string[] => {
  const text = (value: unknown): string | undefined => (value === undefined ? undefined : JSON.stringify(value));
  return changedFields(text(before), text(after));
};

describe('the fields that a change of an entry names', () => {
  it('are all of a new entry, and of one that was removed', () => {
    expect(named(undefined, { name: 'Portal', scopes: [] })).toEqual(['name', 'scopes']);
    expect(named({ name: 'Portal', scopes: [] }, undefined)).toEqual(['name', 'scopes']);
    expect(named(undefined, undefined)).toEqual([]);
  });

  it('are those that differ, are new, or are gone, in alphabetical order', () => {
    const before = { same: [1, { a: 2 }], other: 1, gone: null };
    const after = { added: false, same: [1, { a: 2 }], other: '1' };

    expect(named(before, after)).toEqual(['added', 'gone', 'other']);
  });

  it('are named within an object, but not within a list, nor if the field was no object before', () => {
    expect(named({ quirks: { pkce: true, aud: 1 } }, { quirks: { pkce: false, aud: 1, state: 'x' } })).toEqual([
      'quirks.pkce',
      'quirks.state',
    ]);
    expect(named({ scopes: ['a', 'b'] }, { scopes: ['a', 'c'] })).toEqual(['scopes']);
    for (const other of ['text', 7, null, ['list']]) {
      expect(named({ quirks: { pkce: true } }, { quirks: other })).toEqual(['quirks']);
      expect(named({ quirks: other }, { quirks: { pkce: true } })).toEqual(['quirks']);
    }
  });

  it('are unknown if either text is no entry: it is named whole', () => {
    for (const text of ['', '{', 'null', '[]', '"text"']) {
      expect(changedFields(text, '{"name":"Portal"}')).toEqual(['entry']);
      expect(changedFields('{"name":"Portal"}', text)).toEqual(['entry']);
    }
  });
});
