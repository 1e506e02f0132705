import type { Partner } from '../../config/stage.ts';
import type { Deps } from '../shared/deps.ts';
import type { PayerTokenDeps } from '../shared/oauth/payer-tokens.ts';
import type { RequestRecord } from '../shared/request-record.ts';

/** What the fetch function is given. */
export interface FetchDeps extends Deps, PayerTokenDeps {
  /** Takes one call from the partner's bucket. @throws GatewayError `too_many_requests` */
  readonly takeTurn: (partner: Partner) => void;
  /** Must have resolved before the first byte of health data leaves; where it rejects, none does. */
  readonly openGate: (record: RequestRecord) => Promise<void>;
  /** Awaited when the body has ended, before the answer is finished. */
  readonly onEnd: (record: RequestRecord) => Promise<void>;
}
