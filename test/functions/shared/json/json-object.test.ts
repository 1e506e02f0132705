import { isObject, objectsIn, parseObject } from '../../../../functions/shared/json/json-object.ts';

describe('a JSON value', () => {
  it.each<[unknown, boolean]>([
    [{}, true],
    [{ a: 1 }, true],
    [[], false],
    [null, false],
    [undefined, false],
    ['{}', false],
    [5, false],
  ])('%j is an object: %s', (value, is) => {
    expect(isObject(value)).toBe(is);
  });

  it('that is a list has only its objects', () => {
    expect(objectsIn([{ a: 1 }, 'x', null, [{}], { b: 2 }])).toEqual([{ a: 1 }, { b: 2 }]);
  });

  it.each([{ 0: {}, length: 1 }, 'x', null, undefined, 5])(
    'that is not a list, such as %j, has no objects',
    (value) => {
      expect(objectsIn(value)).toEqual([]);
    },
  );

  it.each([
    ['{"a":1}', { a: 1 }],
    ['[{"a":1}]', undefined],
    ['null', undefined],
    ['"{}"', undefined],
    ['{"a":', undefined],
    ['', undefined],
  ])('is read from %j only if it is an object', (text, read) => {
    expect(parseObject(text)).toEqual(read);
  });
});
