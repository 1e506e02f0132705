import { saidCount, saidLinks } from '../../shared/fhir/said.ts';
import { isObject, type JsonObject } from '../../shared/json/json-object.ts';
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
  /** There are more files, or may be: its links cannot be read. */
  readonly more: Extract<PlanFault, 'moreManifests' | 'links'> | undefined;
}

/** Far more files than any plan needs for a Group of a thousand members. */
const mostFiles = 20_000;

const kinds = ['output', 'error', 'deleted'] as const;

/** The type that files of a kind are of if the manifest does not say. */
const usualType = { output: undefined, error: 'OperationOutcome', deleted: 'Bundle' } as const;

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
 */
export const readPlanManifest = (plan: FormerPlan, manifest: unknown, statusUrl: string): PlanManifest | PlanFault => {
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
  const links = saidLinks(manifest['link']);
  const counts = files.filter(({ kind }) => kind === 'output').map(({ said }) => said);
  const { fileToken } = plan.exchange;
  return {
    files,
    withToken: fileToken === undefined ? requiresAccessToken === true : fileToken === 'always',
    transactionTime,
    linesTotal: counts.every((count) => count !== undefined)
      ? counts.reduce((sum, count) => sum + count, 0)
      : undefined,
    more: links.next.length > 0 ? 'moreManifests' : links.isUnreadable ? 'links' : undefined,
  };
};
