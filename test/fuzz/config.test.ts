import * as fc from 'fast-check';
import { checkStage, ConfigError } from '../../config/checks/check-stage.ts';
import { localStage } from '../../config/local.ts';
import production from '../../config/production-example.ts';
import { words } from '../support/words.ts';
import { holdsAtOnce } from './seeded.ts';

type Path = readonly (string | number)[];

/** Every place in a value. */
const placesIn = (value: unknown, path: Path = []): Path[] => [
  path,
  ...(typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, inner]) =>
        placesIn(inner, [...path, Array.isArray(value) ? Number(key) : key]),
      )
    : []),
];

const isHolder = (value: unknown): value is Record<string | number, unknown> =>
  typeof value === 'object' && value !== null;

type Change = (holder: Record<string | number, unknown>, key: string | number) => void;

/** A copy with places changed in order. A place that an earlier change removed stays removed. */
const changed = (value: unknown, changes: readonly (readonly [Path, Change])[]): unknown => {
  const holder: Record<string, unknown> = { root: structuredClone(value) };
  for (const [path, change] of changes) {
    const places = ['root', ...path];
    let at: unknown = holder;
    for (const step of places.slice(0, -1)) at = isHolder(at) ? at[step] : undefined;
    if (isHolder(at) && !Object.isFrozen(at)) change(at, places.at(-1) ?? 'root');
  }
  return holder['root'];
};

const odd: readonly unknown[] = [
  null,
  undefined,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  -0,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  10n,
  '',
  ' ',
  'x',
  '*',
  'none',
  'a'.repeat(10_000),
  ...words('__proto__ constructor http:// https://'),
  'https://a b',
  ...words(`
    https://[::1 https://user@x.example/ http://localhost:99999/ javascript:alert(1) data:, //x
    https://x.example/?code=1#a https://xn--a \0
  `),
  '\ud800',
  '☃',
  [],
  {},
  [[]],
  [null],
  [undefined],
  { a: 1 },
  [{}],
  new Date(0),
  Symbol('x'),
  () => 1,
  new Map(),
  Object.create(null),
  JSON.parse('{"__proto__":{"x":1},"constructor":1,"toString":1}'),
  { kty: 'EC', kid: 'x', crv: 'P-384', x: 'A', y: 'A' },
  { kty: 'RSA', kid: 'x', n: 'A', e: 'AQAB' },
  { kty: {}, kid: [], crv: 1 },
  { kty: 'EC', kid: 'k', crv: 'P-384', x: 1, y: null },
];
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.constantFrom(...odd).map(
    (value): Change =>
      (holder, key) =>
        void (holder[key] = value),
  ),
  fc.constant<Change>((holder, key) => void delete holder[key]),
  fc.constant<Change>((holder, key) => void (holder[key] = [holder[key], holder[key]])),
  fc.constant<Change>((holder, key) => void (holder[key] = { [String(key)]: holder[key] })),
  fc.constant<Change>((holder, key) => void (holder[key] = textOf(holder[key]).toUpperCase())),
  fc
    .tuple(fc.nat(80), fc.constantFrom('', '/', '#', '?', '@', ' ', '%', '\\', '*', '\0', '..', 'é'))
    .map(([at, piece]): Change => (holder, key) => {
      const text = textOf(holder[key]);
      holder[key] = text.slice(0, at) + piece + text.slice(at + 1);
    }),
  fc
    .constantFrom('__proto__', 'constructor', 'Stage', 'payer', '', 'hasOwnProperty')
    .map((name): Change => (holder, key) => {
      const inner = holder[key];
      if (typeof inner === 'object' && inner !== null)
        Object.defineProperty(inner, name, { value: 1, enumerable: true, configurable: true });
    }),
  fc.anything().map(
    (value): Change =>
      (holder, key) =>
        void (holder[key] = value),
  ),
);

/** Expects that the value passes, or that the lines say what is wrong and where. */
const passesOrExplains = (value: unknown): 'passed' | 'refused' => {
  try {
    const config = checkStage(value, 'config/fuzz.ts');
    // The result is checked again, since the local stack passes it on.
    checkStage(config, 'config/fuzz.ts');
    return 'passed';
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const lines = error.message.split('\n');
    const isExplained = lines.every(
      (line) => line.startsWith('config/fuzz.ts: ') && line.length > 'config/fuzz.ts: '.length + 5,
    );
    if (error.message === '' || !isExplained) throw new Error(`no lines for a person: ${error.message}`);
    return 'refused';
  }
};

describe.each([
  ['the local stage', localStage()],
  ['the production example', production],
])('a configuration made from %s', (_name, valid) => {
  const places = placesIn(valid);

  it('passes unchanged', () => {
    expect(passesOrExplains(valid)).toBe('passed');
  });

  it('passes or is refused line by line after any change, and nothing else happens', () => {
    const seen = { passed: 0, refused: 0 };

    holdsAtOnce(
      fc.array(fc.tuple(fc.constantFrom(...places), change), { minLength: 1, maxLength: 3 }),
      (changes) => {
        seen[passesOrExplains(changed(valid, changes))] += 1;
      },
      6000,
    );

    expect(seen.refused).toBeGreaterThan(2000);
    expect(seen.passed).toBeGreaterThan(20);
  });
});

it.each(odd.map((value) => [typeof value, value]))(
  'a configuration of type %s is refused line by line',
  (_type, value) => {
    expect(passesOrExplains(value)).toBe('refused');
  },
);
