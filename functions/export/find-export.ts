import { nowSeconds } from '../shared/clock.ts';
import { GatewayError } from '../shared/errors.ts';
import type { ApiEvent } from '../shared/http/api.ts';
import { isOverdue, type Export } from '../shared/store/export-item.ts';
import { getExport } from '../shared/store/exports.ts';
import type { ExportDeps } from './deps.ts';

const notFound = (detail: string): GatewayError =>
  new GatewayError('not_found', 'There is no such export: it was deleted, has expired, or another one followed it.', {
    detail,
  });

/**
 * Finds the export in the path. For an export of another grant the answer is the same as for one that does not exist.
 * @throws GatewayError `not_found`, `temporarily_unavailable`
 */
export const requireExport = async (deps: ExportDeps, event: ApiEvent, grantId: string): Promise<Export> => {
  const exportId = event.pathParameters?.['export'] ?? '';
  // An export's id begins with its grant's.
  if (!exportId.startsWith(grantId)) throw notFound("no export of the token's grant");
  const found = await getExport(deps.exports, grantId);
  if (found?.exportId !== exportId) throw notFound('deleted or replaced');
  // An overdue one has failed. It stays until a kick-off replaces it, or the table deletes it.
  const now = nowSeconds(deps.clock);
  if (found.expiresAt <= now && !isOverdue(found, now)) throw notFound('expired');
  return found;
};
