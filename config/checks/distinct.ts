/**
 * What only one payer or partner of a stage may have. A field belongs to it by its schema, so that a new field of a kind is
 * compared with all others of that kind.
 */
import type * as z from 'zod';
import type { StageConfig } from '../stage.ts';
import { firstProblem, markedFields, valuesAt, type Context, type MarkedField, type Marks } from './fields.ts';
import { nameAsRead } from './names.ts';

/** Kinds of values, and what to say of one that another has. */
const says = {
  base: 'is also the base URL',
  key: 'is also the key',
  identifier: 'is also an identifier',
  secret: 'is also the secret',
  name: 'reads like the name',
} as const;

/** A kind of values, each of which one payer or partner has. */
export type DistinctKind = keyof typeof says;

const kinds: Marks<DistinctKind> = new WeakMap();

/** Marks a field, or each entry of a list, as unique: only one payer or partner may have the value. */
export const distinct = <Schema extends z.ZodType>(kind: DistinctKind, schema: Schema): Schema => {
  kinds.set(schema, kind);
  return schema;
};

type DistinctField = MarkedField<DistinctKind>;

/** The fields of a schema that {@link distinct} has marked. */
export const distinctFields = (schema: z.core.$ZodType): readonly DistinctField[] => markedFields(kinds, schema);

/** A URL in its canonical spelling, for comparison. */
const baseKey = (url: string): string => {
  const parsed = URL.parse(url);
  return parsed === null ? url : `${parsed.host}${parsed.pathname.replace(/\/+$/, '')}`;
};

/** Two values that give the same text are the same. */
const comparable: Readonly<Record<DistinctKind, (value: never) => string>> = {
  base: baseKey,
  key: ({ x, n }: Readonly<Record<string, unknown>>) => JSON.stringify([x ?? n]),
  identifier: ({ system, value }: Readonly<Record<string, string>>) => JSON.stringify([system, value]),
  secret: (hash: string) => hash,
  name: nameAsRead,
};

interface Claim {
  readonly kind: DistinctKind;
  /** The entry's own field that it is in. */
  readonly field: string | undefined;
  readonly list: 'payers' | 'partners';
  readonly index: number;
  readonly id: string;
  readonly at: readonly PropertyKey[];
  readonly value: unknown;
  readonly key: string;
}

const claimsOf = (
  config: StageConfig,
  list: Claim['list'],
  fields: readonly DistinctField[],
  idOf: (index: number) => string,
): readonly Claim[] =>
  config[list].flatMap((entry, index) =>
    fields.flatMap((field) =>
      valuesAt(entry, field.path).map(({ path, value }) => ({
        kind: field.mark,
        field: field.path[0],
        list,
        index,
        id: idOf(index),
        at: [list, index, ...path],
        value,
        key: comparable[field.mark](value as never),
      })),
    ),
  );

/** A plan's own keys at the payers: an assertion names its payer, so several may know it by one key. */
const isSignInKey = ({ list, kind, field }: Claim): boolean =>
  list === 'payers' && kind === 'key' && field === 'publicKeys';

/** One plan may be a payer for one partner and a partner of another payer, but it must not ask itself. */
const isOtherRole = ({ partners }: StageConfig, one: Claim, other: Claim): boolean => {
  if (one.kind !== 'identifier' || one.list === other.list) return false;
  const [payer, partner] = one.list === 'payers' ? [one, other] : [other, one];
  return partners[partner.index]?.payers.includes(payer.id) === false;
};

/**
 * Spelled alike, a name may be that of a plan and of its own app, and of two clients of one app, such as its website and its phones:
 * they have one home page, which the consent page shows beside the name.
 */
const isOneName = ({ partners }: StageConfig, one: Claim, other: Claim): boolean =>
  one.kind === 'name' &&
  one.value === other.value &&
  (one.list !== other.list ||
    (one.list === 'partners' && partners[one.index]?.homePage === partners[other.index]?.homePage));

const mayShare = (config: StageConfig, one: Claim, other: Claim): boolean =>
  (one.list === other.list && one.id === other.id) ||
  (isSignInKey(one) && isSignInKey(other)) ||
  isOtherRole(config, one, other) ||
  isOneName(config, one, other);

const advice = { payers: "write this payer's own", partners: 'give each partner its own' } as const;

const adviceOn = ({ kind, list }: Claim, owner: Claim): string => {
  if (kind !== 'name' || list === 'payers') return advice[list];
  return owner.list === 'payers'
    ? "write another, or the payer's letter for letter if this is its own app"
    : 'give each app its own, and all clients of one app one name and one homePage';
};

/** Reports each value that another payer or partner has too, at the later of the two. */
export const checkDistinct = (
  config: StageConfig,
  context: Context,
  fields: Readonly<Record<Claim['list'], readonly DistinctField[]>>,
): void => {
  const earlier = new Map<string, Claim[]>();
  const all = [
    ...claimsOf(config, 'payers', fields.payers, (index) => config.payers[index]!.id),
    ...claimsOf(config, 'partners', fields.partners, (index) => config.partners[index]!.clientId),
  ];
  for (const claim of all) {
    const key = `${claim.kind} ${claim.key}`;
    const before = earlier.get(key) ?? [];
    const owner = before.find((one) => !mayShare(config, one, claim));
    if (owner !== undefined) {
      const whose = `${owner.list === 'payers' ? 'payer' : 'partner'} "${owner.id}"`;
      firstProblem(context, claim.at, `${says[claim.kind]} of ${whose}; ${adviceOn(claim, owner)}`);
    }
    before.push(claim);
    earlier.set(key, before);
  }
};
