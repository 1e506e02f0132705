import { exchangeOwner } from '../../shared/store/exchange-items.ts';
import { getAccepted, noteAccepted } from '../../shared/store/exchanges.ts';
import type { Export } from '../../shared/store/export-item.ts';
import { exchangeDeps } from '../job/deps.ts';
import type { Job } from '../job/job.ts';

/*
 * The request that a former plan has accepted for an exchange. It is stored apart from the export's item and from the engine's history,
 * until the plan is told that the exchange is over. The plan can then be told after the export was deleted or its execution was stopped,
 * and a leg does not repeat a request if the result of the leg before it was lost.
 */

/** How a plan accepted a request. */
export interface Accepted {
  /** The plan's status URL. */
  readonly url: string;
  /** When the plan accepted the request, by the plan's clock, as a FHIR instant. */
  readonly acceptedAt: string;
}

/** The accepted request of an exchange. */
export interface PlanWork extends Accepted {
  readonly exchange: Export['exchange'];
  readonly payer: string;
}

const purpose = 'payer status';

/** Stores the request that the plan has accepted. @throws GatewayError `temporarily_unavailable` */
export const keepWork = async ({ deps }: Pick<Job, 'deps'>, item: Export, accepted: Accepted): Promise<void> => {
  const { exportId, expiresAt, exchange, payer } = item;
  const work: PlanWork = { ...accepted, exchange, payer };
  const body = await deps.sealForJob(exportId, purpose, Buffer.from(JSON.stringify(work)));
  await noteAccepted(exchangeDeps(deps).table, exchangeOwner(item), { exportId, body, expiresAt });
};

/**
 * Finds the request that the plan has accepted; undefined if it has accepted none, or was told that the exchange is over.
 * @param owner partner and payer, as `exchangeOwner` writes them
 * @throws GatewayError `temporarily_unavailable`
 */
export const findWork = async (
  { deps, exportId }: Pick<Job, 'deps' | 'exportId'>,
  owner: string,
): Promise<PlanWork | undefined> => {
  const body = await getAccepted(exchangeDeps(deps).table, owner, exportId);
  if (body === undefined) return undefined;
  return JSON.parse(Buffer.from(await deps.openInJob(exportId, purpose, body)).toString('utf8')) as PlanWork;
};
