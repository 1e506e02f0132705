import { boundedMap } from '../../../../functions/shared/registry/bounded-map.ts';

const map = () => boundedMap<string>({ most: 3, mostWeight: 10, weigh: ({ length }) => length });

describe('a bounded map', () => {
  it('forgets what was set longest ago, and setting a key again makes it the youngest', () => {
    const values = map();
    for (const key of ['a', 'b', 'c', 'a', 'd']) values.set(key, key);
    expect(['a', 'b', 'c', 'd'].map((key) => values.get(key))).toEqual(['a', undefined, 'c', 'd']);
    expect(values.size()).toBe(3);
  });

  it('counts the weight of what is in it, not of what was replaced or deleted', () => {
    const values = map();
    for (let count = 0; count < 5; count += 1) values.set('a', 'x'.repeat(9));
    values.delete('a');
    values.delete('a');
    values.set('b', 'x'.repeat(5));
    values.set('c', 'x'.repeat(5));
    expect(values.size()).toBe(2);
    values.set('d', 'x');
    expect([values.get('b'), values.get('c'), values.get('d')]).toEqual([undefined, 'xxxxx', 'x']);
  });

  it('keeps the last one alone if it is too heavy', () => {
    const values = map();
    values.set('a', 'x');
    values.set('b', 'x'.repeat(11));
    expect([values.get('a'), values.get('b'), values.size()]).toEqual([undefined, 'x'.repeat(11), 1]);
  });
});
