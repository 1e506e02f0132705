import { Refusal, UsageError } from '../../bin/shared/errors.ts';
import { findNamed, nearest } from '../../bin/shared/find-named.ts';

const partners = [
  { id: 'lakeside-portal', name: 'Lakeside Portal' },
  { id: 'lakeside-app', name: 'Lakeside App' },
  { id: 'northwind-records', name: 'Northwind Records' },
  { id: 'acme', name: 'ACME Health' },
  ...Array.from({ length: 20 }, (_, index) => ({ id: `partner-${index}`, name: `Partner ${index}` })),
];
const options = { stage: 'demo', kind: 'partner', idKind: 'client id' };
const find = (name: string) => findNamed(partners, name, options);

describe('a partner that is named', () => {
  it('is found by its id, or by its name as it is written', () => {
    expect(find('acme').id).toBe('acme');
    expect(find('ACME Health').id).toBe('acme');
  });

  it('a partner that is named by an id is not another with that name', () => {
    expect(
      findNamed(
        [
          { id: 'x', name: 'y' },
          { id: 'y', name: 'x' },
        ],
        'y',
        options,
      ).id,
    ).toBe('y');
  });

  it.each([
    ['lakesideportal', 'did you mean lakeside-portal (Lakeside Portal)?'],
    ['Lakeside', 'did you mean lakeside-portal (Lakeside Portal), or lakeside-app (Lakeside App)?'],
    ['norhtwind-records', 'did you mean northwind-records (Northwind Records)?'],
    ['Acme health', 'did you mean acme (ACME Health)?'],
    ['somebody else', 'nor one with a similar name; list them with: npm run partners -- list --stage demo'],
    ['---', 'nor one with a similar name'],
    ['', 'nor one with a similar name'],
  ])('%j, which is none, says what was probably meant', (name, hint) => {
    expect(() => find(name)).toThrow(Refusal);
    expect(() => find(name)).toThrow(hint);
  });

  it('a partner that is named where there are few, lists them all', () => {
    expect(() => findNamed(partners.slice(0, 3), 'x', options)).toThrow(
      'Stage demo has no partner "x"; it has: lakeside-portal, lakeside-app, northwind-records',
    );
    expect(() => findNamed([], 'x', { ...options, Wrong: UsageError })).toThrow(
      new UsageError('Stage demo has no partner "x"; it has: none'),
    );
  });
});

it('what is nearest comes first, and is never more than three', () => {
  const of = (names: readonly string[]) => nearest('partner-1', names, (name) => [name]);

  expect(of(['portner-2', 'partner-2', 'partner-1', 'completely different'])).toEqual([
    'partner-1',
    'partner-2',
    'portner-2',
  ]);
  expect(of(Array.from({ length: 50 }, (_, index) => `partner-1${index}`))).toHaveLength(3);
});
