import { nowSeconds } from '../../shared/clock.ts';
import type { Deps } from '../../shared/deps.ts';
import { exportIdBytes, makeExportId } from '../../shared/exports/export-id.ts';
import { writeJobCredentials } from '../../shared/exports/job-credentials.ts';
import { longestExportSeconds } from '../../shared/exports/longest-export.ts';
import type { SealForJob } from '../../shared/exports/seal-for-job.ts';
import {
  exportPrivateKey,
  exportPublicKey,
  exportSecretBytes,
  makeExportSecret,
} from '../../shared/exports/sealing-key.ts';
import type { OpenGrant } from '../../shared/payer/open-grant.ts';
import type { SecretHeaders } from '../../shared/payer/secrets.ts';
import type { Scopes } from '../../shared/scopes/scopes.ts';
import { boundOf, type AskedExport } from '../../shared/store/export-item.ts';
import type { NewExport } from '../../shared/store/exports.ts';
import type { Asked } from './read-parameters.ts';

interface Making {
  readonly open: OpenGrant;
  readonly secretHeaders: SecretHeaders;
  readonly member: string;
  readonly asked: Asked;
  readonly scope: Scopes;
  /** The kick-off's URL. */
  readonly request: string;
  readonly requestId: string;
}

/**
 * Makes the item of a new export. Only a token of the grant can open its files, and only the job its payer token.
 * @throws GatewayError `temporarily_unavailable` if the key service does not answer
 */
export const makeExport = async (
  { clock, randomBytes, sealForJob }: Pick<Deps, 'clock' | 'randomBytes'> & { readonly sealForJob: SealForJob },
  { open: { grant, grantKey, tokens }, secretHeaders, member, asked, scope, request, requestId }: Making,
): Promise<NewExport> => {
  const now = nowSeconds(clock);
  const exportId = makeExportId(grant.grantId, randomBytes(exportIdBytes));
  const { patients: _, ignored, ...which } = asked;
  const asking: AskedExport = {
    grantId: grant.grantId,
    exportId,
    payer: grant.payer,
    partner: grant.partner,
    patient: member,
    request,
    requestId,
    scope,
    ...which,
    ...(ignored.length === 0 ? {} : { ignored }),
    startedAt: now,
    grantEndsAt: grant.expiresAt,
  };
  const exportSecret = makeExportSecret(grantKey, randomBytes(exportSecretBytes), asking);
  const made = { ...asking, recipient: exportPublicKey(exportPrivateKey(grantKey, exportSecret)), exportSecret };
  const credentials = { accessToken: tokens.accessToken, secretHeaders, boundTo: boundOf(made) };
  return {
    ...made,
    payerToken: await sealForJob(exportId, 'payer token', writeJobCredentials(credentials)),
    ...(tokens.expiresAt === undefined ? {} : { payerTokenExpiresAt: tokens.expiresAt }),
    payerTokenAt: now,
    payerVersion: grant.payerVersion,
    expiresAt: Math.min(grant.expiresAt, now + longestExportSeconds),
  };
};
