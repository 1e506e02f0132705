import { systems, type AuditEvent } from '../../functions/audit/audit-event.ts';

/** The id of one of the gateway's kinds (partner, payer, grant) in an event. */
export const idOf = (event: AuditEvent, system: string): string | undefined =>
  [...event.agent.map(({ who }) => who), ...event.entity.map(({ what }) => what)].find(
    ({ identifier }) => identifier?.system === system,
  )?.identifier?.value;

/** The gateway's own name for what happened. */
export const nameOf = ({ subtype }: AuditEvent): string =>
  subtype.find(({ system }) => system === systems.event)?.code ?? '';

/** A fact of an event by its name. */
export const detailOf = (event: AuditEvent, type: string): string | undefined =>
  event.entity.flatMap(({ detail = [] }) => detail).find((detail) => detail.type === type)?.valueString;

/** An event's text without the note that it was put back. It is the same each time the event is filed. */
export const bodyOf = (event: AuditEvent): string =>
  JSON.stringify({
    ...event,
    entity: event.entity.map(({ detail, ...entity }) => ({
      ...entity,
      detail: (detail ?? []).filter(({ type }) => type !== 'putBackAt'),
    })),
  });

/** The ids that more than one of these events has: only one of them can be true. */
export const contestedIds = (events: readonly Pick<AuditEvent, 'id'>[]): ReadonlySet<string> =>
  new Set([...Map.groupBy(events, ({ id }) => id)].flatMap(([id, same]) => (same.length > 1 ? [id] : [])));

export const contested = 'another event claims to be this one';

/** When an event happened according to its item, epoch seconds. An older event's own time is what its item said. */
export const claimedAtOf = (event: AuditEvent): number =>
  Math.floor(Date.parse(detailOf(event, 'claimedAt') ?? event.recorded) / 1000);

/** The version that a write gave an item of the registry; 0 if the event does not say. */
export const versionOf = (event: AuditEvent): number => Number(detailOf(event, 'version')) || 0;

/** What is known from an event of a grant or of a read. */
export interface EventFacts {
  readonly id: string;
  /** When an item says that it was put back, an instant. */
  readonly putBackAt: string | undefined;
  /** The gateway's own name, such as `created` or `ended`. */
  readonly name: string;
  readonly isRead: boolean;
  /** An instant. */
  readonly recorded: string;
  readonly partner: string;
  readonly payer: string;
  /** The grant's id, or that of an exchange, which has none. */
  readonly grant: string;
  readonly request: string | undefined;
  /** The patient's id at the payer. */
  readonly patient: string | undefined;
  /** Of reads: the interaction, such as `search-type Observation`, the outcome, and the bytes that left. */
  readonly interaction: string | undefined;
  readonly outcome: AuditEvent['outcome'];
  readonly outcomeText: string | undefined;
  readonly bytes: number | undefined;
  /** Of `created`: what was granted, and until when. */
  readonly scope: string | undefined;
  readonly ends: string | undefined;
  /** Of `revoked`: why, by which operator, and what they wrote. */
  readonly reason: string | undefined;
  readonly operator: string | undefined;
  readonly note: string | undefined;
}

/** The one patient of an event. An event of an exchange has many. */
const patientOf = (event: AuditEvent): string | undefined =>
  detailOf(event, 'exchange') !== undefined
    ? undefined
    : event.entity.map(({ what }) => /^Patient\/(.+)$/.exec(what.reference ?? '')?.[1]).find((id) => id !== undefined);

/** Reads the facts of an event of a grant or of a read. */
export const factsOf = (event: AuditEvent): EventFacts => {
  const bytes = detailOf(event, 'bytes');
  return {
    id: event.id,
    putBackAt: detailOf(event, 'putBackAt'),
    name: nameOf(event),
    isRead: event.type.code === 'rest',
    recorded: event.recorded,
    partner: idOf(event, systems.partner) ?? '',
    payer: idOf(event, systems.payer) ?? '',
    grant: idOf(event, systems.grant) ?? idOf(event, systems.exchange) ?? '',
    request: idOf(event, systems.request),
    patient: patientOf(event),
    interaction: detailOf(event, 'interaction'),
    outcome: event.outcome,
    outcomeText: event.outcomeDesc,
    bytes: bytes === undefined ? undefined : Number(bytes),
    scope: detailOf(event, 'scope'),
    ends: detailOf(event, 'ends'),
    reason: detailOf(event, 'reason'),
    operator: idOf(event, systems.operator),
    note: detailOf(event, 'note'),
  };
};
