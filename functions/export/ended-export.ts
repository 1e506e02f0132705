import { GatewayError } from '../shared/errors.ts';
import type { StoredManifest } from '../shared/exports/manifest.ts';
import { typesInScope, typesNoLongerInScope } from '../shared/exports/scope.ts';
import type { Scopes } from '../shared/scopes/scopes.ts';
import type { Export } from '../shared/store/export-item.ts';
import type { AgeIdentity } from './age/header.ts';
import type { FoundExport } from './find-export.ts';
import { openManifest, type ReadManifest } from './open-manifest.ts';

/** An export that has ended, with its manifest and the key that opens its files. */
export interface EndedExport {
  readonly item: Export;
  readonly manifest: StoredManifest;
  readonly identity: AgeIdentity;
}

/** By the kick-off's request, the line of the job says why. */
const whoKnows = ({ requestId }: Pick<Export, 'requestId'>): string => `its lines have request ${requestId}`;

const failed = (item: Export): GatewayError =>
  new GatewayError(
    'server_error',
    'The export failed: the gateway could not finish it, so it has no files. Start another one.',
    {
      detail: `the export had failed: ${whoKnows(item)}`,
    },
  );

/** Makes the error for an export that has not ended in its time. */
export const overdue = (item: Export): GatewayError =>
  new GatewayError(
    'server_error',
    'The export did not end within three days, and counts as failed. Start another one.',
    {
      detail: `the export is overdue: ${whoKnows(item)}`,
    },
  );

/**
 * Checks that a token may still read all types of an ended export.
 * @param scope the token's scope, limited to what the partner may have today
 * @throws GatewayError `insufficient_scope`
 */
export const checkTypes = ({ manifest, item }: Pick<EndedExport, 'manifest' | 'item'>, scope: Scopes): void => {
  // The gateway writes the error files: they name types and pages, and contain nothing from the record.
  const record = manifest.files.filter(({ kind }) => kind !== 'error');
  const types = [...new Set(record.map(({ type }) => type))];
  const beyond = typesNoLongerInScope(types, item.scope, scope);
  if (beyond.length === 0) return;
  const inPart = new Set(typesInScope(scope, beyond));
  const named = beyond.slice(0, 5).map((type) => (inPart.has(type) ? `${type} (now a part of it only)` : type));
  throw new GatewayError(
    'insufficient_scope',
    `The access token no longer allows all that this export has: ${named.join(', ')}. If a refresh brings no more, start another export.`,
  );
};

/**
 * Opens the manifest of an ended export, for a token that may still read all of its types. An exchange's may have any.
 * @throws GatewayError `server_error` if the export failed as a whole, `insufficient_scope`, `temporarily_unavailable`
 */
export const openEnded = async (
  readManifest: ReadManifest,
  { item, identity: openIdentity, read }: Pick<FoundExport, 'item' | 'identity' | 'read'>,
): Promise<EndedExport> => {
  const { manifestDigest } = item;
  if (manifestDigest === undefined) throw failed(item);
  const identity = await openIdentity();
  const manifest = await openManifest(await readManifest({ ...item, manifestDigest }), identity);
  if (read !== undefined) checkTypes({ manifest, item }, read.access.scope);
  return { item, manifest, identity };
};
