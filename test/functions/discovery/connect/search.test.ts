import { payerFinder } from '../../../../functions/discovery/connect/find-payers.ts';
import { searchIndex } from '../../../../functions/discovery/connect/search-index.ts';
import type { DirectoryEntry } from '../../../../functions/shared/registry/entry-items.ts';
import type { Registry } from '../../../../functions/shared/registry/registry.ts';

const plans: readonly DirectoryEntry[] = [
  { id: 'bluecross-tx', displayName: 'BlueCross BlueShield of Texas', linesOfBusiness: ['Marketplace'] },
  { id: 'shield', displayName: 'Shield Blue Mutual' },
  {
    id: 'seguros',
    displayName: 'Compañía de Seguros Médicos',
    brand: { website: 'https://s.example', otherNames: ['Former Atlantic Health'] },
  },
  {
    id: 'atlantic',
    displayName: 'Atlantic',
    brand: {
      website: 'https://a.example',
      identifiers: { payerId: ['ATL-77'], naic: ['60054'], hios: ['33602'], npi: ['1234567893'] },
    },
  },
  { id: 'atlantic-care', displayName: 'Atlantic Care & Co', linesOfBusiness: ['Medicare Advantage'] },
  { id: 'obrien', displayName: "O'Brien Health" },
  { id: 'markup', displayName: '<b>Bold</b> Plan' },
];
const searchAmong = (typed: string, isAllowed: (id: string) => boolean): string[] =>
  searchIndex(plans)(typed, isAllowed).map(({ id }) => id);
const find = (typed: string): string[] => searchAmong(typed, () => true);

describe('the search for a plan', () => {
  it.each([
    ['the beginning of a name', 'atla', 'atlantic'],
    ['another case', 'ATLANTIC', 'atlantic'],
    ['accents', 'compania medicos', 'seguros'],
    ['accents that the name does not have', 'Atlántic', 'atlantic'],
    ['words in another order', 'texas blueshield', 'bluecross-tx'],
    ['two words for one', 'blue cross', 'bluecross-tx'],
    ['one word for two', 'shieldblue', 'shield'],
    ['an apostrophe, or none', 'obrien', 'obrien'],
    ['a curly apostrophe', 'O’Brien', 'obrien'],
    ['"and" for &', 'care and co', 'atlantic-care'],
    ['another name', 'former atl', 'seguros'],
    ['the payer ID', 'ATL-77', 'atlantic'],
    ['the payer ID, without its hyphen', 'atl77', 'atlantic'],
    ['the NAIC code', '60054', 'atlantic'],
    ['the HIOS ID', '33602', 'atlantic'],
    ['the NPI', '1234567893', 'atlantic'],
    ['the id in our URLs', 'bluecross-tx', 'bluecross-tx'],
    ['a kind of plan', 'medicare', 'atlantic-care'],
    ['a missing letter', 'atlntic', 'atlantic'],
    ['a wrong letter', 'texes', 'bluecross-tx'],
    ['two letters swapped', 'txeas', 'bluecross-tx'],
    ['two mistakes in a long word', 'atlatnik', 'atlantic'],
  ])('takes %s', (_what, typed, id) => {
    expect(find(typed)[0]).toBe(id);
  });

  it('shows the very name first, then names that begin so, then other names', () => {
    expect(find('atlantic')).toEqual(['atlantic', 'atlantic-care', 'seguros']);
  });

  describe('orders what it finds', () => {
    const named = (displayName: string, more: Partial<DirectoryEntry> = {}): DirectoryEntry => ({
      id: displayName.toLowerCase().replaceAll(/\W+/g, ''),
      displayName,
      ...more,
    });
    const inOrder = (entries: readonly DirectoryEntry[], typed: string): string[] =>
      searchIndex(entries)(typed, () => true).map(({ displayName }) => displayName);
    const mutual = named('Beta Mutual', { brand: { website: 'https://b.example', otherNames: ['Zeta of Ohio'] } });
    const market = named('Acme Market', { linesOfBusiness: ['Zeta plans'] });

    it.each([
      [[market, mutual, named('Alpha Zeta'), named('Zeta Health'), named('Zeta')]],
      [[named('Zeta'), named('Zeta Health'), named('Alpha Zeta'), mutual, market]],
    ])('by where the word is, not by letters or as they came', (entries) => {
      expect(inOrder(entries, 'zeta')).toEqual(['Zeta', 'Zeta Health', 'Alpha Zeta', 'Beta Mutual', 'Acme Market']);
    });

    it('a whole word before the beginning of one, in the midst of a name', () => {
      expect(inOrder([named('A Zetamax'), named('B Zeta')], 'zeta')).toEqual(['B Zeta', 'A Zetamax']);
    });

    it('by the letters of names that are as good', () => {
      expect(inOrder([named('C Zeta'), named('A Zeta'), named('B Zeta')], 'zeta')).toEqual([
        'A Zeta',
        'B Zeta',
        'C Zeta',
      ]);
      expect(inOrder([named('C Zeta'), named('A Zeta'), named('B Zeta')], 'zetb')).toEqual([
        'A Zeta',
        'B Zeta',
        'C Zeta',
      ]);
    });

    it('by the best place of a word that a payer has in several', () => {
      const both = named('B Zeta', { linesOfBusiness: ['Zeta'] });
      const plan = named('A Acme', { linesOfBusiness: ['Zeta'] });
      expect(inOrder([plan, both], 'zeta')).toEqual(['B Zeta', 'A Acme']);
      expect(inOrder([plan, both], 'zetb')).toEqual(['B Zeta', 'A Acme']);
    });

    it('several words as the name has them first', () => {
      const entries = [named('Acme Alpha Zeta Care'), named('Zeta Care Alpha'), named('Zeta Care')];
      expect(inOrder(entries, 'zeta care')).toEqual(['Zeta Care', 'Zeta Care Alpha', 'Acme Alpha Zeta Care']);
    });

    it('the words themselves before two words in one', () => {
      expect(inOrder([named('A Acme Zeta Care'), named('Zetacare')], 'zeta care')).toEqual([
        'A Acme Zeta Care',
        'Zetacare',
      ]);
    });
  });

  it('wants every word', () => {
    expect(find('atlantic care')).toEqual(['atlantic-care']);
    expect(find('atlantic zebra')).toEqual([]);
  });

  it('forgives nothing in short words and numbers', () => {
    expect(find('xtl')).toEqual([]);
    expect(find('blxe')).toContain('shield');
    expect(find('bxe')).toEqual([]);
    expect(find('60055')).toEqual([]);
  });

  it.each(['', ' ', '---', '<>', '\u0000', '\u0301'])('finds nothing by %j', (typed) => {
    expect(find(typed)).toEqual([]);
  });

  it('takes anything that can be typed', () => {
    for (const typed of ['\uD800', '(', '.*', '\\', '%00', 'a'.repeat(100), '𝔸tlantic', '__proto__', 'constructor']) {
      expect(() => find(typed)).not.toThrow();
    }
    expect(find('𝔸tlantic')[0]).toBe('atlantic');
  });

  it('is limited to what is allowed, and forgives mistakes among that', () => {
    const only = (typed: string) => searchAmong(typed, (id) => id === 'shield');

    expect(only('blue')).toEqual(['shield']);
    expect(only('atlantic')).toEqual([]);
    expect(only('shielt')).toEqual(['shield']);
  });
});

it('all plans of an app come as people count', async () => {
  const entries = ['Plan 10', 'Plan 2', 'a plan'].map((displayName) => ({
    id: displayName.replace(' ', '-'),
    displayName,
  }));
  const registry = {
    directory: () => Promise.resolve({ entries, version: '1' }),
    payer: () => Promise.resolve(undefined),
  } as unknown as Registry;
  const { payers } = await payerFinder(registry)({ payers: entries.map(({ id }) => id) }, '');
  expect(payers.map(({ name }) => name)).toEqual(['a plan', 'Plan 2', 'Plan 10']);
});
