import type { MemberExchange } from './find-exchanges.ts';
import type { History } from './history.ts';
import type { App } from './names.ts';
import type { NamedPayer } from './target.ts';

/** All that a report says. */
export interface Report {
  readonly payer: NamedPayer;
  /** The patient's id at the payer; undefined if the grant knows none. */
  readonly patient: string | undefined;
  /** If the report is about this grant alone. */
  readonly grant: string | undefined;
  readonly apps: ReadonlyMap<string, App>;
  readonly history: History;
  /** The exchanges between plans that the member was in. */
  readonly exchanges: readonly MemberExchange[];
  /** Whether plans can ask this stage for records without a member's sign-in. */
  readonly hasExchanges: boolean;
  /** Where was not looked, in sentences. */
  readonly remarks: readonly string[];
  /** Days in UTC, both included; without the first, all that the audit has. */
  readonly since: string | undefined;
  readonly until: string;
  readonly stage: string;
  /** Who runs the gateway, as its pages say. */
  readonly runBy: string | undefined;
  /** For how many days the audit is kept. */
  readonly auditDays: number;
  /** An instant. */
  readonly madeAt: string;
  /** The AWS identity of whoever made it. */
  readonly madeBy: string;
}
