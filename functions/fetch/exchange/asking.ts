import { GatewayError } from '../../shared/errors.ts';
import type { ApiEvent } from '../../shared/http/api.ts';
import type { SystemAllowed } from '../../shared/partner/authenticate-system.ts';
import type { RateLimitContext } from '../../shared/partner/rate-limit.ts';
import type { AuditContext } from '../../shared/record/audit-read.ts';
import { exchangeOwner } from '../../shared/store/exchange-items.ts';
import type { FetchDeps } from '../deps.ts';
import type { ExchangeDeps } from './deps.ts';

/** A request of a partner's own system: who asks whom. */
export interface Asking extends SystemAllowed {
  readonly deps: Omit<FetchDeps, 'exchange'> & ExchangeDeps;
  readonly event: ApiEvent;
  readonly context: AuditContext & RateLimitContext;
}

/** The owner of what the partner may ask for at the payer. */
export const ownerOf = ({ partner, payer }: Pick<Asking, 'partner' | 'payer'>): string =>
  exchangeOwner({ partner: partner.clientId, payer: payer.id });

/** Makes the error for a Group that the partner may not know. */
export const noGroup = (): GatewayError =>
  new GatewayError('not_found', 'There is no such Group of this app at this health plan, or it has expired.');
