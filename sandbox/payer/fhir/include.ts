import { searchParametersOf } from './definitions.ts';
import { parameterOf } from './filter.ts';
import { badRequest } from './outcome.ts';
import type { Query } from './query.ts';
import { linksIn, type MemberView } from './records.ts';
import type { StoredResource } from './resource.ts';
import { referencesOf } from './values.ts';

/** Whether `resource` is included because of `from`. */
type Inclusion = (view: MemberView, from: StoredResource) => readonly string[];

/** The resources that `_include` and `_revinclude` add to a page's matches. */
export const included = (view: MemberView, query: Query, matches: readonly StoredResource[]): StoredResource[] => {
  const once = [...query.includes.map(forward), ...query.revIncludes.map(backward)];
  const again = query.iteratedIncludes.map(forward);
  const seen = new Set(matches.map(({ reference }) => reference));
  const found: StoredResource[] = [];

  let from = matches;
  let inclusions = [...once, ...again];
  while (inclusions.length > 0 && from.length > 0) {
    const next = from.flatMap((resource) => inclusions.flatMap((inclusion) => inclusion(view, resource)));
    const fresh = Array.from(new Set(next)).flatMap((reference) => view.resources.get(reference) ?? []);
    from = fresh.filter(({ reference }) => !seen.has(reference));
    for (const resource of from) seen.add(resource.reference);
    found.push(...from);
    inclusions = again;
  }
  return found;
};

/** `Type:parameter[:TargetType]`, `Type:*` or `*`. */
const readInclude = (text: string): { type: string; code: string; target: string | undefined } => {
  const [type, code = text === '*' ? '*' : undefined, target] = text.split(':');
  if (!type || !code) throw badRequest(`"${text}" is not Type:parameter`);
  if (code !== '*') parameterOf(type, code);
  return { type, code, target };
};

const forward = (text: string): Inclusion => {
  const { type, code, target } = readInclude(text);
  return (_view, from) => {
    if (type !== '*' && from.body.resourceType !== type) return [];
    const references = code === '*' ? linksIn(from.body) : referencesOf(from, parameterOf(type, code));
    return target ? references.filter((reference) => reference.startsWith(`${target}/`)) : references;
  };
};

const backward = (text: string): Inclusion => {
  const { type, code } = readInclude(text);
  return (view, to) =>
    Array.from(view.resources.values())
      .filter(({ body }) => type === '*' || body.resourceType === type)
      .filter((candidate) => pointers(candidate, code).includes(to.reference))
      .map(({ reference }) => reference);
};

const pointers = (resource: StoredResource, code: string): string[] => {
  if (code === '*') return linksIn(resource.body);
  const parameter = searchParametersOf(resource.body.resourceType).get(code);
  return parameter ? referencesOf(resource, parameter) : [];
};
