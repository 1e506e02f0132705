import { isComplete, type StoredFile } from '../shared/exports/manifest.ts';
import { exportUrl } from '../shared/exports/urls.ts';
import type { ApiResponse } from '../shared/http/api.ts';
import { json } from '../shared/http/respond.ts';
import type { EndedExport } from './ended-export.ts';

/**
 * The manifest as Bulk Data defines it, with each type's outcome in its extension:
 * https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---output-manifest
 */
export const manifestAnswer = (origin: string, { item, manifest }: EndedExport): ApiResponse => {
  const base = exportUrl(origin, item);
  const filesOf = (kind: StoredFile['kind']) =>
    manifest.files
      .filter((file) => file.kind === kind)
      .map(({ name, type, count }) => ({ type, url: `${base}/${name}`, count }));
  const body = {
    transactionTime: manifest.transactionTime,
    request: item.request,
    requiresAccessToken: true,
    output: filesOf('output'),
    deleted: [],
    error: filesOf('error'),
    extension: {
      complete: isComplete(manifest),
      outcomes: manifest.outcomes,
      ignoredParameters: item.ignored ?? [],
    },
  };
  return json(200, body, {
    'Cache-Control': 'no-store',
    Expires: new Date(item.expiresAt * 1000).toUTCString(),
  });
};
