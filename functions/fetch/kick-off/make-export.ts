import { nowSeconds } from '../../shared/clock.ts';
import type { Deps } from '../../shared/deps.ts';
import { exportIdBytes, makeExportId } from '../../shared/exports/export-id.ts';
import { writeJobCredentials } from '../../shared/exports/job-credentials.ts';
import { longestExportSeconds } from '../../shared/exports/longest-export.ts';
import type { SealForJob } from '../../shared/exports/seal-for-job.ts';
import { exportPrivateKey, exportPublicKey, exportSecretBytes } from '../../shared/exports/sealing-key.ts';
import type { OpenGrant } from '../../shared/payer/open-grant.ts';
import type { SecretHeaders } from '../../shared/payer/secrets.ts';
import type { Scopes } from '../../shared/scopes/scopes.ts';
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
  const exportSecret = randomBytes(exportSecretBytes);
  return {
    grantId: grant.grantId,
    exportId,
    payer: grant.payer,
    partner: grant.partner,
    patient: member,
    request,
    requestId,
    scope,
    ...(asked.types === undefined ? {} : { types: asked.types }),
    ...(asked.filters === undefined ? {} : { filters: asked.filters }),
    ...(asked.until === undefined ? {} : { until: asked.until }),
    ...(asked.since === undefined ? {} : { since: asked.since }),
    ...(asked.ignored.length === 0 ? {} : { ignored: asked.ignored }),
    recipient: exportPublicKey(exportPrivateKey(grantKey, exportSecret)),
    exportSecret,
    payerToken: await sealForJob(
      exportId,
      'payer token',
      writeJobCredentials({ accessToken: tokens.accessToken, secretHeaders }),
    ),
    ...(tokens.expiresAt === undefined ? {} : { payerTokenExpiresAt: tokens.expiresAt }),
    payerTokenAt: now,
    payerVersion: grant.payerVersion,
    startedAt: now,
    grantEndsAt: grant.expiresAt,
    expiresAt: Math.min(grant.expiresAt, now + longestExportSeconds),
  };
};
