import { nowSeconds } from '../shared/clock.ts';
import { GatewayError } from '../shared/errors.ts';
import type { StoredFile } from '../shared/exports/manifest.ts';
import type { ApiEvent, ApiResponse } from '../shared/http/api.ts';
import { startDeadline } from '../shared/http/deadline.ts';
import { gzipped, takesGzip } from '../shared/http/gzip.ts';
import { accessScopeNow } from '../shared/partner/live-grant.ts';
import { takePartnerTurn, type RateLimitContext } from '../shared/partner/rate-limit.ts';
import { watchStops } from '../shared/partner/watch-stops.ts';
import { auditRead, type AuditContext } from '../shared/record/audit-read.ts';
import { streamAnswer } from '../shared/record/stream-answer.ts';
import type { Partner } from '../shared/registry/types.ts';
import { isOverdue } from '../shared/store/export-item.ts';
import { getExport } from '../shared/store/exports.ts';
import type { Grant } from '../shared/store/grant-item.ts';
import type { ExportDeps } from './deps.ts';
import { checkTypes, openEnded, overdue } from './ended-export.ts';
import type { FoundExport } from './find-export.ts';
import { joinParts } from './join-parts.ts';
import type { ReadManifest } from './open-manifest.ts';

const stillRuns = (): GatewayError =>
  new GatewayError('not_found', 'The export is still running. Its files are there when its status is 200.', {
    detail: 'the export still runs',
  });

const noFile = (): GatewayError =>
  new GatewayError('not_found', 'The export has no such file. Its manifest lists the files.', {
    detail: 'no such file',
  });

/** An attachment is the payer's document: it must not run in a browser under our origin. */
const headersOf = ({ kind, contentType = 'application/octet-stream', name }: StoredFile): Record<string, string> =>
  kind === 'attachment'
    ? {
        'Content-Type': contentType,
        'Content-Disposition': `attachment; filename="${name}"`,
        'Content-Security-Policy': "sandbox; default-src 'none'",
      }
    : { 'Content-Type': 'application/fhir+ndjson' };

/**
 * Streams one of an export's files. The read is audited before the first byte and at its end, and cut if the partner is
 * blocked or loses a type, the payer is paused, the grant ends or the export is deleted in the meantime.
 */
export const answerFile = async (
  deps: ExportDeps & { readonly readManifest: ReadManifest },
  event: ApiEvent,
  found: FoundExport,
  context: AuditContext & RateLimitContext,
): Promise<ApiResponse> => {
  const { record } = context;
  const { item, partner, payer, read } = found;
  record.interaction = 'export file';
  await takePartnerTurn(deps, partner, context);
  const audit = auditRead(deps, context, item.patient);
  if (isOverdue(item, nowSeconds(deps.clock))) throw overdue(item);
  if (item.status === 'running') throw stillRuns();
  const { manifest, identity } = await openEnded(deps.readManifest, found);
  const file = manifest.files.find(({ name }) => name === event.pathParameters?.['file']);
  if (file === undefined) throw noFile();
  record.interaction = `export file ${file.type}`;
  const deadline = startDeadline(context);
  const { grantId, exportId } = item;
  const isStillThere = async (): Promise<boolean> => (await getExport(deps.exports, grantId))?.exportId === exportId;
  const ofGrant =
    read === undefined
      ? {}
      : {
          grant: read.open.grant,
          checkScope: (grant: Pick<Grant, 'scope'>, registered: Partner): void =>
            checkTypes({ manifest, item }, accessScopeNow(grant, read.access, registered)),
        };
  watchStops(deps, { partner, payer, ...ofGrant, isStillThere }, deadline);
  const { signal } = deadline;
  const { parts } = file;
  try {
    await audit.begin();
    const first = parts[0] === undefined ? undefined : await deps.openObject(parts[0].object, signal);
    const plain = joinParts(deps.openObject, {
      parts,
      first: first === undefined ? undefined : Promise.resolve(first),
      identity,
      signal,
    });
    // Most documents are compressed already.
    const isGzip = file.kind !== 'attachment' && takesGzip(event);
    let bytes = 0;
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      for await (const piece of plain) {
        bytes += piece.length;
        yield piece;
      }
    };
    return {
      statusCode: 200,
      headers: {
        ...headersOf(file),
        'Cache-Control': 'no-store',
        'X-Content-Type-Options': 'nosniff',
        Vary: 'Accept-Encoding',
        ...(isGzip ? { 'Content-Encoding': 'gzip' } : {}),
      },
      body: streamAnswer(deps, {
        pieces: isGzip ? gzipped(counted()) : counted(),
        deadline,
        record,
        audit,
        blamed: { late: 'temporarily_unavailable', broken: 'server_error' },
        // The record's bytes, before compression.
        onEnd: () => void (record.bytes = bytes),
      }),
    };
  } catch (error) {
    deadline.end();
    throw error;
  }
};
