import { compareTexts } from '../../../functions/shared/compare-texts.ts';

describe('comparing two texts', () => {
  it.each([
    ['a', 'b', -1],
    ['b', 'a', 1],
    ['a', 'a', 0],
    ['a-b', 'a', 1],
    ['Z', 'a', -1],
  ])('%j and %j gives %d', (one, other, order) => {
    expect(compareTexts(one, other)).toBe(order);
  });
});
