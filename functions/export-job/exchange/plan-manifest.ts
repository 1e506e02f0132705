import { isEmpty, linksInHeader, saidCount, saidLinks } from '../../shared/fhir/said.ts';
import { isObject, objectsIn, type JsonObject } from '../../shared/json/json-object.ts';
import type { FormerPlan } from '../../shared/registry/former-plan.ts';
import { isResourceType } from '../../shared/scopes/resource-types.ts';
import type { PlanFault } from '../reading/problems.ts';
import type { ListedFile, ListedFiles } from '../state/plan-files.ts';
import { allowedUrl } from './ask-plan.ts';

/** The manifest of a former plan (https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---output-manifest). */
export interface PlanManifest extends ListedFiles {
  /** As the plan says it. */
  readonly transactionTime: unknown;
  /** How many lines all output files have; undefined if the plan does not say it of each. */
  readonly linesTotal: number | undefined;
  /** Whether there are, or may be, more files: its links cannot be read, or it has a member that Bulk Data does not define. */
  readonly more: Extract<PlanFault, 'moreManifests' | 'links' | 'members'> | undefined;
}

/** Far more files than any plan needs for a Group of a thousand members. */
const mostFiles = 20_000;

const kinds = ['output', 'error', 'deleted'] as const;

/** The members of a manifest and of its files in Bulk Data Access 2.0 and 3.0 that are lists, objects or URLs. */
const known: ReadonlySet<string> = new Set([...kinds, 'request', 'link', 'url', 'continuesInFile', 'extension']);

/**
 * Whether another member may list files: it is a list or an object that holds something, or a URL. Numbers and other texts, such as the id of a
 * job, say nothing of files.
 */
const mayList = ([name, value]: readonly [string, unknown]): boolean => {
  if (known.has(name)) return false;
  return typeof value === 'string'
    ? /^\s*(?:https?:|\/)/i.test(value)
    : typeof value === 'object' && !isEmpty(JSON.stringify(value));
};

/** The type that files of a kind are of if the manifest does not say. */
const usualType = { output: undefined, error: 'OperationOutcome', deleted: 'Bundle' } as const;

/** Some plans write it as a string. */
const isTrue = (said: unknown): boolean => String(said).trim().toLowerCase() === 'true';

const fileOf = (
  plan: FormerPlan,
  kind: ListedFile['kind'],
  number: number,
  { type = usualType[kind], url, count }: JsonObject,
  statusUrl: string,
): ListedFile | undefined => {
  if (typeof url !== 'string' || typeof type !== 'string' || !isResourceType(type)) return undefined;
  const said = saidCount(count);
  const allowed = allowedUrl(plan, plan.exchange.fileOrigins, url, statusUrl);
  return {
    number,
    kind,
    type,
    ...(allowed === undefined ? {} : { url: allowed }),
    ...(said === undefined ? {} : said === 'unreadable' ? { isCountUnreadable: true } : { said }),
  };
};

/**
 * Reads a former plan's manifest, or says why it cannot be used.
 * @param statusUrl that gave it
 * @param linkHeader that came with it
 */
export const readPlanManifest = (
  plan: FormerPlan,
  manifest: unknown,
  statusUrl: string,
  linkHeader: string | null,
): PlanManifest | PlanFault => {
  if (!isObject(manifest) || !Array.isArray(manifest['output'])) return 'manifest';
  const files: ListedFile[] = [];
  for (const kind of kinds) {
    const listed = manifest[kind] ?? [];
    if (!Array.isArray(listed)) return 'manifest';
    if (listed.length + files.length > mostFiles) return 'tooManyFiles';
    for (const [at, one] of listed.entries()) {
      const file = isObject(one) ? fileOf(plan, kind, at + 1, one, statusUrl) : undefined;
      if (file === undefined) return 'manifest';
      files.push(file);
    }
  }
  const { transactionTime, requiresAccessToken } = manifest;
  const [inBody, inHeader] = [saidLinks(manifest['link']), linksInHeader(linkHeader)];
  const next = inBody.next.length + inHeader.next.length;
  const isUnreadable = inBody.isUnreadable || inHeader.isUnreadable;
  const listed = kinds.flatMap((kind) => objectsIn(manifest[kind]));
  const isUnknown = Object.entries(manifest).some(mayList) || listed.flatMap(Object.entries).some(mayList);
  const counts = files.filter(({ kind }) => kind === 'output').map(({ said }) => said);
  const { fileToken } = plan.exchange;
  return {
    files,
    withToken: fileToken === undefined ? isTrue(requiresAccessToken) : fileToken === 'always',
    transactionTime,
    linesTotal: counts.every((count) => count !== undefined)
      ? counts.reduce((sum, count) => sum + count, 0)
      : undefined,
    more: next > 0 ? 'moreManifests' : isUnreadable ? 'links' : isUnknown ? 'members' : undefined,
  };
};
