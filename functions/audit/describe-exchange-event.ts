import { isObject } from '../shared/json/json-object.ts';
import { auditEventAttributes } from '../shared/store/attributes.ts';
import { exchangeEventTypes, type AuditedMember } from '../shared/store/exchange-events.ts';
import { readerOf } from '../shared/store/items.ts';
import {
  dicom,
  exchangedEntity,
  exchangeEntity,
  operatorAgent,
  partnerAgent,
  payerAgent,
  requestEntity,
  restful,
  sourceOf,
  systems,
  type AuditEvent,
} from './audit-event.ts';
import { itemTime } from './item-time.ts';
import { eventIdOf, requiredReader, type StreamImage } from './stream-image.ts';

const isType = (type: string): type is (typeof exchangeEventTypes)[number] =>
  (exchangeEventTypes as readonly string[]).includes(type);

/** Whether an item of AuditEvents is an event of an exchange itself, not of a read of its files. */
export const isExchangeEvent = (image: StreamImage): boolean => image['members'] !== undefined;

const isText = (value: unknown): boolean => typeof value === 'string';
const isTextIfThere = (value: unknown): boolean => value === undefined || isText(value);

/** Any other value would go into the event as it is, nested as deep as an item's text can be. */
const isMember = (one: unknown): one is AuditedMember => {
  if (!isObject(one)) return false;
  const { submitted, reference, consent, outcome, resources } = one;
  return (
    isText(outcome) &&
    isTextIfThere(submitted) &&
    isTextIfThere(reference) &&
    (consent === undefined || (isObject(consent) && isText(consent['id']) && isText(consent['hash']))) &&
    (resources === undefined || Number.isSafeInteger(resources))
  );
};

/** @throws Error without the text */
const membersIn = (text: string): AuditedMember[] => {
  let members: unknown;
  try {
    members = JSON.parse(text);
  } catch {
    throw new Error('members is no JSON');
  }
  if (!Array.isArray(members) || !members.every(isMember)) throw new Error('members are none');
  return members;
};

const entityOf = ({ submitted, reference, consent, outcome, resources }: AuditedMember) =>
  exchangedEntity(
    { ...(submitted === undefined ? {} : { submitted }), ...(reference === undefined ? {} : { reference }) },
    { outcome, consent: consent?.id, consentHash: consent?.hash, resources },
  );

/**
 * Makes the AuditEvent of a part of an exchange's event: who asked for whom, or what came.
 * @param at when the stream got it, epoch seconds
 * @throws Error if it is not readable
 */
export const describeExchangeEvent = (image: StreamImage, stage: string, at: number): AuditEvent => {
  const required = requiredReader(auditEventAttributes, image);
  const optional = readerOf(auditEventAttributes, image);
  const type = required('type');
  if (!isType(type)) throw new Error('the type is unknown');
  const [exchange, how] = [required('interaction'), optional('how')];
  if (exchange !== 'match' && exchange !== 'group') throw new Error('the exchange is unknown');
  const { recorded, marks } = itemTime(image, at);
  const operator = optional('endedBy');
  const isEnd = type === 'exchangeEnded' || type === 'memberEnded';
  if (isEnd && operator === undefined) throw new Error('nobody ended it');
  return {
    resourceType: 'AuditEvent',
    id: eventIdOf('exchange', required('eventId')),
    type: isEnd ? dicom('110137', 'User Security Attributes Changed') : restful.type,
    subtype: [...(isEnd ? [] : [restful.named('operation')]), { system: systems.event, code: type }],
    action: isEnd ? 'D' : 'E',
    recorded,
    outcome: how === 'failed' ? '8' : '0',
    ...(how === undefined ? {} : { outcomeDesc: how }),
    agent: [
      ...(operator === undefined ? [] : [operatorAgent(operator)]),
      partnerAgent(required('partner'), operator === undefined),
      payerAgent(required('payer')),
    ],
    source: sourceOf(stage),
    entity: [
      exchangeEntity(required('exchange'), {
        exchange,
        group: optional('groupId'),
        part: required('part'),
        note: optional('note'),
      }),
      requestEntity(required('requestId'), marks),
      ...membersIn(required('members')).map(entityOf),
    ],
  };
};
