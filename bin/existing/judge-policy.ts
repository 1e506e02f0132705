/** Judges policies as IAM does, as far as their text alone allows (evaluation logic: IAM User Guide). */
import type { PolicyStatement } from '../../config/account/policy-needs.ts';
import { matchesPattern } from '../shared/policy-pattern.ts';

/** A statement as AWS returns it. */
interface GivenStatement {
  readonly Effect: string;
  readonly Principal?: unknown;
  readonly Action?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** A policy as AWS returns it. */
export interface PolicyDocument {
  readonly Statement?: GivenStatement | readonly GivenStatement[];
}

/** `unclear`: a condition or an element decides whose value is not known here. */
type Match = 'yes' | 'no' | 'unclear';

const listOf = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? (value as readonly T[]) : [value as T];

/** Letter case never makes a policy narrower here than AWS may read it. */
const matches = (pattern: string, text: string): boolean => matchesPattern(text.toLowerCase(), pattern.toLowerCase());

const all = (parts: readonly Match[]): Match => {
  if (parts.includes('no')) return 'no';
  return parts.includes('unclear') ? 'unclear' : 'yes';
};

const asMatch = (holds: boolean): Match => (holds ? 'yes' : 'no');

/** The account of `arn:aws:iam::111122223333:root`, which may also be written as its number. */
const isSamePrincipal = (given: string, needed: string): boolean =>
  given === '*' || given === needed || (/^\d{12}$/.test(given) && needed.endsWith(`::${given}:root`));

const matchesPrincipal = (given: unknown, needed: PolicyStatement['Principal']): Match => {
  // A policy of an identity has none.
  if (given === undefined || given === '*') return 'yes';
  const [kind = '', principal = ''] = Object.entries(needed)[0] ?? [];
  const named = listOf((given as Record<string, string | string[]>)[kind]);
  const everyone = listOf((given as Record<string, string | string[]>)['AWS']).includes('*');
  return asMatch(everyone || named.some((one) => isSamePrincipal(one, principal)));
};

/** A need's own condition tells what the request will have. A wildcard in it stands for any name. */
const contextOf = ({ Condition = {}, Principal, Resource }: PolicyStatement): ReadonlyMap<string, string> => {
  const pairs = Object.values(Condition).flatMap((keys) => Object.entries(keys));
  const account = Object.values(Principal)
    .map((name) => /^arn:[^:]+:iam::(\d{12}):root$/.exec(name)?.[1])
    .find((found) => found !== undefined);
  const source = Object.fromEntries(pairs)['aws:SourceAccount'] ?? account;
  return new Map([
    ['aws:securetransport', 'true'],
    ...(source === undefined
      ? []
      : ['aws:sourceowner', 'aws:principalaccount', 'aws:resourceaccount', 'kms:calleraccount'].map(
          (key) => [key, source] as const,
        )),
    ...pairs.map(([key, value]) => [key.toLowerCase(), value.replaceAll('*', 'p2p-gateway-x')] as const),
    ['resource', Resource],
  ]);
};

const operators: Readonly<Record<string, (pattern: string, value: string) => boolean>> = {
  stringequals: (pattern, value) => pattern === value,
  stringlike: matches,
  arnequals: matches,
  arnlike: matches,
  bool: (pattern, value) => pattern.toLowerCase() === value,
};

const matchesConditions = (
  conditions: NonNullable<GivenStatement['Condition']>,
  context: ReadonlyMap<string, string>,
): Match =>
  all(
    Object.entries(conditions).flatMap(([operator, keys]) =>
      Object.entries(keys).map(([key, patterns]): Match => {
        const test = operators[operator.toLowerCase().replace(/ifexists$/, '')];
        const value = context.get(key.toLowerCase());
        if (test === undefined || value === undefined) return 'unclear';
        return asMatch(listOf(patterns).some((pattern) => test(pattern, value)));
      }),
    ),
  );

const matchesResource = (given: GivenStatement['Resource'], needed: string): Match => {
  const patterns = listOf(given);
  if (patterns.length === 0 || patterns.includes('*')) return 'yes';
  // Which resources there will be is not known here.
  return needed === '*' ? 'unclear' : asMatch(patterns.some((pattern) => matches(pattern, needed)));
};

const matchOf = (given: GivenStatement, need: PolicyStatement, action: string): Match => {
  const unknown = ['NotAction', 'NotPrincipal', 'NotResource'].some((element) => element in given);
  const known = all([
    matchesPrincipal('NotPrincipal' in given ? undefined : given.Principal, need.Principal),
    'NotAction' in given ? 'yes' : asMatch(listOf(given.Action).some((pattern) => matches(pattern, action))),
    matchesResource(given.Resource, need.Resource),
    matchesConditions(given.Condition ?? {}, contextOf(need)),
  ]);
  return known === 'yes' && unknown ? 'unclear' : known;
};

/** Which actions of a need a policy refuses, and which depend on what is not known here. */
export interface Verdict {
  readonly refused: readonly string[];
  readonly unclear: readonly string[];
}

/** Judges whether a policy allows what is needed. A key's own ARN stands for `*` in its policy. */
export const verdictOn = (document: PolicyDocument, need: PolicyStatement): Verdict => {
  const statements = listOf(document.Statement);
  const judged = need.Action.map((action) => {
    const found = (effect: string): readonly Match[] =>
      statements.filter(({ Effect }) => Effect === effect).map((given) => matchOf(given, need, action));
    const [allowing, denying] = [found('Allow'), found('Deny')];
    if (denying.includes('yes') || !allowing.some((match) => match !== 'no')) return { action, is: 'refused' };
    return { action, is: denying.includes('unclear') || !allowing.includes('yes') ? 'unclear' : 'allowed' };
  });
  const actions = (which: string): string[] => judged.filter(({ is }) => is === which).map(({ action }) => action);
  return { refused: actions('refused'), unclear: actions('unclear') };
};
