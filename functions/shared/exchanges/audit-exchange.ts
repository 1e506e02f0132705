import type { Clock } from '../clock.ts';
import { causeOf, unavailable } from '../errors.ts';
import type { Table } from '../store/dynamo.ts';
import { putExchangeEvent, type AuditedExchange, type AuditedMember } from '../store/exchange-events.ts';

export type { AuditedExchange, AuditedMember };

/** What the audit of an exchange needs. */
export interface ExchangeAuditDeps {
  /** AuditEvents. */
  readonly audit: Table;
  readonly clock: Pick<Clock, 'now'>;
}

/** The most members' text in one item, in bytes. DynamoDB takes 400 KB; the event is some three times as long. */
const mostBytes = 100_000;
const inParallel = 8;

/** Members in parts that each fit into an item; one part if there is nobody. */
const partsOf = (members: readonly AuditedMember[]): AuditedMember[][] => {
  const parts: AuditedMember[][] = [[]];
  let bytes = 0;
  for (const member of members) {
    const size = Buffer.byteLength(JSON.stringify(member)) + 1;
    if (bytes + size > mostBytes && bytes > 0) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)!.push(member);
    bytes += size;
  }
  return parts;
};

const write = async (
  { audit, clock }: ExchangeAuditDeps,
  exchange: AuditedExchange,
  { type, status }: { readonly type: 'asked' | 'came'; readonly status?: string | undefined },
  members: readonly AuditedMember[],
): Promise<void> => {
  const parts = [...partsOf(members).entries()];
  try {
    for (let at = 0; at < parts.length; at += inParallel) {
      const writes = parts
        .slice(at, at + inParallel)
        .map(([part, some]) =>
          putExchangeEvent(audit, exchange, { type, status, part, members: some, atMs: clock.now() }),
        );
      await Promise.all(writes);
    }
  } catch (error) {
    throw unavailable(`audit: ${causeOf(error)}`);
  }
};

/**
 * Writes who asks for whom, under which consent, before anything is sent to the payer and before the exchange is begun. A repeat
 * writes nothing more.
 * @param members everyone who is asked for, and those who are left out, with why
 * @throws GatewayError `temporarily_unavailable` if it may not have been written: nothing may be sent
 */
export const auditAsked = (
  deps: ExchangeAuditDeps,
  exchange: AuditedExchange,
  members: readonly AuditedMember[],
): Promise<void> => write(deps, exchange, { type: 'asked' }, members);

/**
 * Writes what came, before the partner can see it. A repeat of the same end writes nothing more; another end is kept beside it.
 * @param status how the exchange ends: `completed`, `partial` or `failed`
 * @param members everyone who was asked for, with what came, and strangers
 * @throws GatewayError `temporarily_unavailable` if it may not have been written
 */
export const auditCame = (
  deps: ExchangeAuditDeps,
  exchange: AuditedExchange,
  { status, members }: { readonly status: string; readonly members: readonly AuditedMember[] },
): Promise<void> => write(deps, exchange, { type: 'came', status }, members);

/**
 * Writes that an operator ends an exchange, or one member of the Group that it made, before it is done.
 * @param member who is ended; absent if all of it is
 * @throws GatewayError `temporarily_unavailable` if it may not have been written
 */
export const auditEnded = async (
  { audit, clock }: ExchangeAuditDeps,
  exchange: AuditedExchange,
  { by, member }: { readonly by: { readonly operator: string; readonly note: string }; readonly member?: string },
): Promise<void> => {
  const members = member === undefined ? [] : [{ reference: member, outcome: 'ended' }];
  const type = member === undefined ? 'exchangeEnded' : 'memberEnded';
  try {
    await putExchangeEvent(audit, exchange, { type, atMs: clock.now(), part: 0, members, by });
  } catch (error) {
    throw unavailable(`audit: ${causeOf(error)}`);
  }
};
