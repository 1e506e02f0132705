import { nowSeconds } from '../shared/clock.ts';
import { isComplete, type StoredFile } from '../shared/exports/manifest.ts';
import { exportUrl } from '../shared/exports/urls.ts';
import type { ApiResponse } from '../shared/http/api.ts';
import { json } from '../shared/http/respond.ts';
import type { RateLimitContext } from '../shared/partner/rate-limit.ts';
import { auditOnce } from '../shared/record/audit-read.ts';
import { sha256 } from '../shared/store/crypto.ts';
import { isOverdue } from '../shared/store/export-item.ts';
import type { ExportDeps } from './deps.ts';
import { openEnded, overdue, type EndedExport } from './ended-export.ts';
import type { FoundExport } from './find-export.ts';
import { helpJob } from './help-job.ts';
import type { ReadManifest } from './open-manifest.ts';
import { stillRunning } from './progress.ts';

/**
 * The manifest as Bulk Data defines it, with each type's outcome and the attachments in its extension, since `output` is for
 * files of NDJSON:
 * https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---output-manifest
 */
const manifestAnswer = (origin: string, { item, manifest }: EndedExport): ApiResponse => {
  const base = exportUrl(origin, item);
  const filesOf = (kind: StoredFile['kind']) =>
    manifest.files
      .filter((file) => file.kind === kind)
      .map(({ name, type, count }) => ({ type, url: `${base}/${name}`, count }));
  const attachments = manifest.files
    .filter(({ kind }) => kind === 'attachment')
    .map(({ name, contentType, hash, parts }) => ({
      url: `${base}/${name}`,
      contentType,
      size: parts.reduce((sum, { bytes }) => sum + bytes, 0),
      hash,
    }));
  const body = {
    transactionTime: manifest.transactionTime,
    request: manifest.request ?? item.request,
    requiresAccessToken: true,
    output: filesOf('output'),
    deleted: filesOf('deleted'),
    error: filesOf('error'),
    extension: {
      complete: isComplete(manifest),
      outcomes: manifest.outcomes,
      attachments,
      ignoredParameters: manifest.ignored ?? item.ignored ?? [],
    },
  };
  return json(200, body, {
    'Cache-Control': 'no-store',
    Expires: new Date(item.expiresAt * 1000).toUTCString(),
  });
};

/** One for an export and a token; of an exchange one for all of its partner's system tokens, each of which is short-lived. */
const manifestKey = ({ item: { exportId }, read }: FoundExport): string =>
  `manifest-${sha256(`${exportId} ${read?.access.hash ?? 'system'}`)}`;

/** The answer to a poll: the export's progress, or its manifest, whose reading is audited once for each token. */
export const answerStatus = async (
  deps: ExportDeps & { readonly readManifest: ReadManifest },
  found: FoundExport,
  context: RateLimitContext,
): Promise<ApiResponse> => {
  const { item } = found;
  if (isOverdue(item, nowSeconds(deps.clock))) throw overdue(item);
  if (item.status === 'running') {
    await helpJob(deps, found, context);
    return stillRunning(item, nowSeconds(deps.clock));
  }
  const ended = await openEnded(deps.readManifest, found);
  // It names types, counts and, in its reasons, ids. A token that keeps polling learns nothing new.
  context.record.interaction = 'export manifest';
  await auditOnce(deps, { record: context.record, patient: item.patient }, manifestKey(found));
  return manifestAnswer(deps.origin, ended);
};
