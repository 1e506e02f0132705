import { nowSeconds } from '../shared/clock.ts';
import { GatewayError } from '../shared/errors.ts';
import { grantOfExport } from '../shared/exports/export-id.ts';
import { exportPrivateKey, requireOwnExport } from '../shared/exports/sealing-key.ts';
import type { ApiEvent } from '../shared/http/api.ts';
import { authenticateSystem } from '../shared/partner/authenticate-system.ts';
import { authenticate, type Authenticated } from '../shared/partner/authenticate.ts';
import { presentsSystemToken } from '../shared/partner/bearer.ts';
import type { RequestRecord } from '../shared/record/request-record.ts';
import type { Partner, Payer } from '../shared/registry/types.ts';
import { boundOf, isOverdue, rethrowAsChanged, type Export } from '../shared/store/export-item.ts';
import { getExport } from '../shared/store/exports.ts';
import { ageIdentity, type AgeIdentity } from './age/header.ts';
import type { ExportDeps } from './deps.ts';

/** An export, and who asks for it. */
export interface FoundExport {
  readonly item: Export;
  readonly partner: Partner;
  readonly payer: Payer;
  /** The key that opens the files. @throws GatewayError `temporarily_unavailable`, `server_error` if the item was changed */
  readonly identity: () => Promise<AgeIdentity>;
  /** The grant's token that was presented; undefined for an exchange between plans, which has no grant. */
  readonly read: Authenticated | undefined;
}

const notFound = (detail: string): GatewayError =>
  new GatewayError(
    'not_found',
    'There is no such export: it was deleted, has expired, or was replaced by a newer one.',
    {
      detail,
    },
  );

/** The export in the path, if it has this key in the table. @throws GatewayError `not_found`, `temporarily_unavailable` */
const requireItem = async (deps: ExportDeps, exportId: string, grantId: string): Promise<Export> => {
  const found = await getExport(deps.exports, grantId);
  if (found?.exportId !== exportId) throw notFound('deleted or replaced');
  // An overdue one has failed. It stays until a kick-off replaces it, or the table deletes it.
  const now = nowSeconds(deps.clock);
  if (found.expiresAt <= now && !isOverdue(found, now)) throw notFound('expired');
  return found;
};

/** An exchange of the partner that presents a system token for this payer. Any other is not found. */
const findExchange = async (
  deps: ExportDeps & { readonly exchange: NonNullable<ExportDeps['exchange']> },
  event: ApiEvent,
  record: RequestRecord,
  options: { readonly evenIfPaused: boolean },
): Promise<FoundExport> => {
  const { table, openInJob } = deps.exchange;
  const { partner, payer } = await authenticateSystem({ ...deps, exchanges: table }, event, record, options);
  const exportId = event.pathParameters?.['export'] ?? '';
  const grantId = grantOfExport(exportId);
  if (grantId === undefined) throw notFound('no id of an export');
  const item = await requireItem(deps, exportId, grantId);
  const { fileKey } = item;
  const isOwn = item.partner === partner.clientId && item.payer === payer.id;
  if (item.exchange === undefined || fileKey === undefined || !isOwn) throw notFound('no exchange of this partner');
  record.exchange = exportId;
  const identity = async (): Promise<AgeIdentity> =>
    ageIdentity(
      await openInJob({ export: exportId, partner: item.partner }, 'file key', fileKey, boundOf(item)).catch(
        rethrowAsChanged,
      ),
    );
  return { item, partner, payer, identity, read: undefined };
};

/**
 * Finds the export in the path, for a token of its grant or, if it is an exchange between plans, for a system token of its
 * partner. For anybody else's the answer is the same as for one that does not exist.
 * @throws GatewayError as {@link authenticate} does, `not_found`, `temporarily_unavailable`
 */
export const findExport = async (
  deps: ExportDeps,
  event: ApiEvent,
  record: RequestRecord,
  options: { readonly evenIfPaused: boolean },
): Promise<FoundExport> => {
  const { exchange } = deps;
  if (exchange !== undefined && presentsSystemToken(event))
    return findExchange({ ...deps, exchange }, event, record, options);
  const read = await authenticate(deps, event, record, options);
  const { partner, payer, open } = read;
  const exportId = event.pathParameters?.['export'] ?? '';
  // An export's id begins with its grant's.
  if (!exportId.startsWith(open.grant.grantId)) throw notFound("no export of the token's grant");
  const item = await requireItem(deps, exportId, open.grant.grantId);
  const identity = async (): Promise<AgeIdentity> => {
    requireOwnExport(open.grantKey, open.grant, item);
    return ageIdentity(exportPrivateKey(open.grantKey, item.exportSecret));
  };
  return { item, partner, payer, identity, read };
};
