import { eventFilter } from '../../sandbox/aws/event-filter.ts';

/**
 * Whether a value of `a` passes a rule, as in
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html.
 */
const passes = (rule: unknown, event: unknown): boolean => eventFilter([JSON.stringify({ a: [rule] })])(event);

describe('a rule of an event filter', () => {
  it.each<[rule: unknown, passing: readonly unknown[], refused: readonly unknown[]]>([
    ['x', [{ a: 'x' }], [{ a: 'X' }, { a: 'xx' }, { a: ['x'] }, {}, { b: 'x' }]],
    [1, [{ a: 1 }], [{ a: '1' }, {}]],
    [null, [{ a: null }], [{ a: '' }, { a: 'null' }, {}]],
    [{ exists: true }, [{ a: 'x' }, { a: '' }, { a: null }], [{}, { b: 'x' }, undefined]],
    [{ exists: false }, [{}, { b: 'x' }], [{ a: 'x' }, { a: '' }]],
    [{ prefix: 'ab' }, [{ a: 'ab' }, { a: 'abc' }], [{ a: 'cab' }, { a: 'AB' }, { a: 12 }, {}]],
    [{ suffix: 'ab' }, [{ a: 'ab' }, { a: 'cab' }], [{ a: 'abc' }, { a: 'AB' }, {}]],
    [{ 'equals-ignore-case': 'Ab' }, [{ a: 'ab' }, { a: 'AB' }], [{ a: 'abc' }, { a: 1 }, {}]],
    [{ 'anything-but': 'x' }, [{ a: 'y' }, { a: 1 }], [{ a: 'x' }, {}]],
    [{ 'anything-but': ['x', 'y'] }, [{ a: 'z' }], [{ a: 'x' }, { a: 'y' }, {}]],
  ])('%j admits what it says, and nothing else', (rule, passing, refused) => {
    expect(passing.filter((event) => !passes(rule, event))).toEqual([]);
    expect(refused.filter((event) => passes(rule, event))).toEqual([]);
  });
});

describe('an event filter', () => {
  it('requires every name of a pattern, any rule of a name, and any pattern of several', () => {
    const both = eventFilter(['{"a":["x","y"],"b":{"c":["z"]}}']);
    expect(
      [
        { a: 'x', b: { c: 'z' } },
        { a: 'y', b: { c: 'z' }, d: 1 },
      ].map(both),
    ).toEqual([true, true]);
    expect([{ a: 'x' }, { b: { c: 'z' } }, { a: 'x', b: 'z' }, { a: 'q', b: { c: 'z' } }].map(both)).toEqual([
      false,
      false,
      false,
      false,
    ]);
    const either = eventFilter(['{"a":["x"]}', '{"b":["z"]}']);
    expect([{ a: 'x' }, { b: 'z' }, { a: 'z', b: 'x' }].map(either)).toEqual([true, true, false]);
  });

  it('without a pattern admits everything', () => {
    expect(eventFilter([])({ a: 1 })).toBe(true);
  });
});
