import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { auditEventAttributes } from './attributes.ts';
import { sha256 } from './crypto.ts';
import type { Table } from './dynamo.ts';
import { clausesOn, conditionOf } from './expressions.ts';
import { writeItem } from './items.ts';
import { putAuditItem } from './put-read-event.ts';
import { keptSeconds } from './read-events.ts';

/** A member of an exchange, as the audit knows it. Ids and counts only, never what was exchanged. */
export interface AuditedMember {
  /** `Patient.id` as the partner submitted it; absent for somebody whom only the payer named. */
  readonly submitted?: string;
  /** The patient at the payer, such as `Patient/x`, once it is known. */
  readonly reference?: string;
  /** The consent under which the partner asks: `Consent.id`, and the SHA-256 of what it sent, base64url. */
  readonly consent?: { readonly id: string; readonly hash: string };
  /**
   * Of an operator's end: `ended`. Of `asked`: `asked`, or why the member was left out (`consentEnded`, `ended`, `notNow`). Of `came`: what the payer said of the member
   * (`match`, `nomatch`, `consentconstraint`), `notNamed` if nothing, `twoOutcomes` if two things, `stranger` of somebody who was not asked for, `exported`, or `notDelivered` if the
   * exchange ended without giving the partner anything.
   */
  readonly outcome: string;
  /** Of `came` from a Group's export: how many resources about the member are in the files. */
  readonly resources?: number;
}

/** What the audit says of an exchange, besides its members. */
export interface AuditedExchange {
  readonly exportId: string;
  readonly exchange: 'match' | 'group';
  readonly partner: string;
  readonly payer: string;
  /** The request that asked, in `asked` and `came`; otherwise what ended it. */
  readonly requestId: string;
  /** The payer's id of the Group that is exported, or that a match has made. */
  readonly group?: string;
}

/** What happens to an exchange: asked, answered, or ended by an operator, as a whole or for one member of its Group. */
export const exchangeEventTypes = ['asked', 'came', 'exchangeEnded', 'memberEnded'] as const;

/** A part of an event of an exchange: an item of AuditEvents. */
interface ExchangeEvent {
  readonly type: (typeof exchangeEventTypes)[number];
  readonly atMs: number;
  /** From 0; an event of many members has several parts, each with some of them. */
  readonly part: number;
  readonly members: readonly AuditedMember[];
  /** How it ended, such as `completed`; absent while it is asked. */
  readonly status?: string | undefined;
  /** Who ended it, and what they wrote. */
  readonly by?: { readonly operator: string; readonly note: string } | undefined;
}

const { absent } = clausesOn(auditEventAttributes);

/**
 * What tells an event from the others of its exchange: of an operator's end the request. Two invocations of a job may tell two ends, and
 * both are kept, so that whatever may be used was told.
 */
const nameOf = ({ part, status, by }: ExchangeEvent, told: string, requestId: string): string => {
  if (by !== undefined) return requestId;
  return status === undefined ? String(part) : `${part}.${sha256(`${status} ${told}`).slice(0, 22)}`;
};

/**
 * Writes a part of an event, unless it is there.
 * @throws the SDK's error, after 2.5 seconds at most
 */
export const putExchangeEvent = async (
  table: Table,
  exchange: AuditedExchange,
  event: ExchangeEvent,
): Promise<void> => {
  const { type, part, members, atMs, status, by } = event;
  const { exportId, requestId } = exchange;
  const told = JSON.stringify(members);
  const item = writeItem(auditEventAttributes, {
    eventId: `${exportId}.${type}.${nameOf(event, told, requestId)}`,
    type,
    atMs,
    requestId,
    exchange: exportId,
    partner: exchange.partner,
    payer: exchange.payer,
    interaction: exchange.exchange,
    groupId: exchange.group,
    part,
    members: told,
    how: status,
    endedBy: by?.operator,
    note: by?.note,
    expiresAt: Math.floor(atMs / 1000) + keptSeconds,
  });
  try {
    await putAuditItem(table, item, conditionOf(absent('eventId')));
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
};
