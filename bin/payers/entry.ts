import { isDeepStrictEqual } from 'node:util';
import { smart } from '../../config/presets.ts';
import type { Payer, PayerQuirks } from '../../functions/shared/registry/types.ts';
import { withoutUndefined } from '../shared/objects.ts';
import { typeScript } from '../shared/typescript.ts';
import { commentOf, type Line } from './line.ts';

type SmartInputs = Parameters<typeof smart>[0];
type Lines = ReadonlyMap<string, Line>;

/** What a reader looks for first; the other fields follow in the payer's own order. */
const first: readonly (keyof Payer)[] = [
  'id',
  'displayName',
  'fhirBaseUrl',
  'fhirBaseUrlAliases',
  'furtherBases',
  'issuer',
  'sendsIss',
  'authorizationEndpoint',
  'tokenEndpoint',
  'revocationEndpoint',
  'clientId',
  'clientAuthentication',
  'publicKeys',
  'scopes',
];

const inOrder = (payer: Payer): (keyof Payer)[] => [
  ...new Set([...first, ...(Object.keys(payer) as (keyof Payer)[]).filter((field) => field !== 'quirks')]),
  'quirks',
];

/** The shortest inputs of the preset `smart` that make this payer and name what has a line, or undefined if none do. */
const smartInputs = (payer: Payer, lines: Lines): SmartInputs | undefined => {
  const { id, displayName, fhirBaseUrl, issuer, authorizationEndpoint, tokenEndpoint } = payer;
  const { revocationEndpoint, clientId, publicKeys } = payer;
  const always = {
    id,
    displayName,
    fhirBaseUrl,
    issuer,
    authorizationEndpoint,
    tokenEndpoint,
    revocationEndpoint,
    clientId,
  };
  const usual = smart(withoutUndefined({ ...always, publicKeys }) as SmartInputs);
  const quirks = Object.entries(payer.quirks).filter(
    ([name, value]) =>
      lines.has(`quirks.${name}`) || !isDeepStrictEqual(value, usual.quirks[name as keyof PayerQuirks]),
  );
  const isNamed = (field: keyof Payer): boolean =>
    field in always || lines.has(field) || !isDeepStrictEqual(payer[field], usual[field]);
  const fields = inOrder(payer).flatMap((field): [string, unknown][] => {
    if (field === 'quirks') return quirks.length === 0 ? [] : [[field, Object.fromEntries(quirks)]];
    if (field === 'publicKeys') return publicKeys.length === 0 ? [] : [[field, publicKeys]];
    return isNamed(field) ? [[field, payer[field]]] : [];
  });
  const inputs = withoutUndefined(Object.fromEntries(fields)) as unknown as SmartInputs;
  return isDeepStrictEqual(smart(inputs), payer) ? inputs : undefined;
};

const sorted = (payer: Payer): object =>
  withoutUndefined(Object.fromEntries(inOrder(payer).map((field) => [field, payer[field]])));

const usualComment = 'Guess: the usual value';

/** A comment for each field of a payer that is written out. */
const commentsForAll = (payer: Payer, lines: Lines): Map<string, string> => {
  const fields = Object.keys(payer).filter((field) => field !== 'quirks');
  const all = [...fields, ...Object.keys(payer.quirks).map((name) => `quirks.${name}`)];
  return new Map(
    all.map((field) => {
      const line = lines.get(field);
      return [field, line === undefined ? usualComment : commentOf(line)];
    }),
  );
};

/**
 * The entry to paste into a stage's `payers`: with the preset if that makes the same payer, or else with every field.
 * @param isSmart whether the payer says that it follows SMART; if not, its quirks are written out
 * @param lines how each field is known: a comment above it. @default no comments
 */
export const entryText = (payer: Payer, isSmart: boolean, lines?: Lines): string => {
  const indent = 6;
  const inputs = isSmart ? smartInputs(payer, lines ?? new Map()) : undefined;
  const comments =
    lines === undefined
      ? undefined
      : inputs === undefined
        ? commentsForAll(payer, lines)
        : new Map([...lines].map(([field, line]) => [field, commentOf(line)]));
  const text =
    inputs === undefined
      ? typeScript(sorted(payer), indent, 0, comments)
      : `smart(${typeScript(inputs, indent, 0, comments)})`;
  return `${' '.repeat(indent)}${text},`;
};
