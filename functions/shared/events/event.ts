import { createHash } from 'node:crypto';
import { instant } from '../instant.ts';

/** The types of events that partners get. An operator sends the last, to test a webhook. */
export const eventTypes = [
  'grant.created',
  'grant.ended',
  'export.waiting',
  'export.completed',
  'export.partial',
  'export.failed',
  'webhook.test',
] as const;

export type EventType = (typeof eventTypes)[number];

/** What an event is about: only ids that the partner already has, no health data and no other data of the member. */
export interface EventData {
  readonly grant?: string;
  readonly export?: string;
  /** What an exchange between plans asks: it has no grant. */
  readonly exchange?: 'match' | 'group';
  readonly payer?: string;
  /** Why a grant ended. */
  readonly reason?: string;
}

/** An event on its way to one partner: the input of `deliver`. */
export interface PartnerEvent {
  readonly id: string;
  /** The partner's client id. */
  readonly partner: string;
  readonly type: EventType;
  /** When it happened, as an instant. */
  readonly timestamp: string;
  readonly data: EventData;
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** The prefix of a partner's event ids, by which its deliveries are found. */
export const eventIdPrefix = (partner: string): string => `evt_${hashOf(partner).slice(0, 8)}`;

/** The length of an event's id. The name of a delivery's execution is the id, or begins with it. */
export const eventIdLength = 36;

/**
 * Makes an event. Its id is a hash of what happened, so that a repeated stream record makes the same event.
 * @param atSeconds when it happened
 */
export const makeEvent = (
  type: EventType,
  { partner, atSeconds, data }: { partner: string; atSeconds: number; data: EventData },
): PartnerEvent => {
  const what = JSON.stringify([type, partner, data.export ?? data.grant, atSeconds]);
  const id = eventIdPrefix(partner) + hashOf(what).slice(0, 24);
  return { id, partner, type, timestamp: instant(atSeconds), data };
};
