import { systems, type AuditEvent } from '../../functions/audit/audit-event.ts';
import { exchangeEventTypes } from '../../functions/shared/store/exchange-events.ts';
import { detailOf, idOf, nameOf } from './event-facts.ts';

/** A member in an event of an exchange. */
export interface ExchangedMember {
  /** The patient's id at the payer, if the payer has named it. */
  readonly patient: string | undefined;
  /** `Patient.id` as the partner submitted it. */
  readonly submitted: string | undefined;
  /** Such as `asked`, `match`, `exported` or `ended`. */
  readonly outcome: string;
  /** The consent's id, and the hash of what the partner sent. */
  readonly consent: string | undefined;
  readonly consentHash: string | undefined;
  readonly resources: number | undefined;
}

/** An event of an exchange between plans. */
export interface ExchangeFacts {
  readonly name: (typeof exchangeEventTypes)[number];
  /** An instant. */
  readonly recorded: string;
  readonly partner: string;
  readonly payer: string;
  readonly exchange: string;
  readonly kind: 'match' | 'group';
  readonly group: string | undefined;
  readonly request: string;
  /** Of `came`: how the exchange ended. */
  readonly how: string | undefined;
  readonly operator: string | undefined;
  readonly note: string | undefined;
  readonly members: readonly ExchangedMember[];
}

const personOf = ({ type, what, detail = [] }: AuditEvent['entity'][number]): ExchangedMember[] => {
  if (type.code !== '1') return [];
  const said = (name: string): string | undefined => detail.find((one) => one.type === name)?.valueString;
  const resources = said('resources');
  return [
    {
      patient: /(?:^|\/)Patient\/([^/]+)$/.exec(what.reference ?? '')?.[1],
      submitted: what.identifier?.system === systems.submitted ? what.identifier.value : undefined,
      outcome: said('outcome') ?? '',
      consent: said('consent'),
      consentHash: said('consentHash'),
      resources: resources === undefined ? undefined : Number(resources),
    },
  ];
};

/** Reads an event of an exchange itself; undefined if it is another event, such as the download of its files. */
export const exchangeFactsOf = (event: AuditEvent): ExchangeFacts | undefined => {
  const name = exchangeEventTypes.find((one) => one === nameOf(event));
  if (name === undefined) return undefined;
  return {
    name,
    recorded: event.recorded,
    partner: idOf(event, systems.partner) ?? '',
    payer: idOf(event, systems.payer) ?? '',
    exchange: idOf(event, systems.exchange) ?? '',
    kind: detailOf(event, 'exchange') === 'match' ? 'match' : 'group',
    group: detailOf(event, 'group'),
    request: idOf(event, systems.request) ?? '',
    how: event.outcomeDesc,
    operator: idOf(event, systems.operator),
    note: detailOf(event, 'note'),
    members: event.entity.flatMap(personOf),
  };
};
