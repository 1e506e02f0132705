import { auditEventAttributes } from '../shared/store/attributes.ts';
import { readerOf } from '../shared/store/items.ts';
import {
  exchangeEntity,
  grantEntity,
  partnerAgent,
  patientEntities,
  payerAgent,
  requestEntity,
  restful,
  sourceOf,
  systems,
  type AuditEvent,
  type Coding,
} from './audit-event.ts';
import { itemTime } from './item-time.ts';
import { eventIdOf, requiredReader, type StreamImage } from './stream-image.ts';

/** FHIR's names (http://hl7.org/fhir/restful-interaction) for our interactions, if they differ. */
const restfulNames: ReadonlyMap<string, string> = new Map([
  ['everything', 'operation'],
  // A kick-off, a leg of the job, a manifest, a file's download and a DELETE.
  ['export', 'operation'],
  ['page', 'search'],
  ['search-compartment', 'search'],
]);

const interactionOf = (interaction: string): Coding => {
  const [name = ''] = interaction.split(' ');
  return restful.named(restfulNames.get(name) ?? name);
};

/** DICOM's codes: whether something was read, deleted or executed. */
const actionOf = (interaction: string): AuditEvent['action'] => {
  if (interaction === 'export delete') return 'D';
  return /^(read|vread|history|export (?:file|manifest))/.test(interaction) ? 'R' : 'E';
};

/** An error after a success status means that the stream was cut. */
const outcomeOf = (status: number, error: string | undefined): NonNullable<AuditEvent['outcome']> => {
  if (status >= 500 || (status < 400 && error !== undefined)) return '8';
  return status >= 400 ? '4' : '0';
};

const outcomeText = (status: number, error: string | undefined): string => {
  if (error === undefined) return String(status);
  return `${status}, ${status < 400 ? `cut: ${error}` : error}`;
};

/** The process died or could not write the end. How much left until then is unknown. */
const endUnknown = { outcome: '8', outcomeDesc: 'end unknown' } as const;

const describeEnd = (image: StreamImage): Pick<AuditEvent, 'outcome' | 'outcomeDesc'> => {
  const optional = readerOf(auditEventAttributes, image);
  const status = requiredReader(auditEventAttributes, image)('status');
  const error = optional('error');
  return {
    outcome: outcomeOf(status, error),
    outcomeDesc: outcomeText(status, error),
  };
};

/**
 * Makes the AuditEvent of a read's item, which has the shape of `ReadEvent`.
 * @param at when the stream got it, epoch seconds
 * @throws Error if it is not readable
 */
export const describeReadEvent = (image: StreamImage, stage: string, at: number): AuditEvent => {
  const required = requiredReader(auditEventAttributes, image);
  const optional = readerOf(auditEventAttributes, image);
  const type = required('type');
  if (type !== 'opened' && type !== 'ended' && type !== 'endUnknown') throw new Error('the type is unknown');
  const requestId = required('requestId');
  const interaction = required('interaction');
  const { recorded, marks } = itemTime(image, at);
  const exchange = optional('exchange');
  return {
    resourceType: 'AuditEvent',
    id: eventIdOf('read', `${requestId}.${type}`),
    type: restful.type,
    subtype: [interactionOf(interaction), { system: systems.event, code: type }],
    action: actionOf(interaction),
    recorded,
    ...(type === 'ended' ? describeEnd(image) : type === 'endUnknown' ? endUnknown : {}),
    agent: [partnerAgent(required('partner'), true), payerAgent(required('payer'))],
    source: sourceOf(stage),
    entity: [
      exchange === undefined ? grantEntity(required('grantId')) : exchangeEntity(exchange),
      ...patientEntities(optional('patient') || undefined),
      requestEntity(requestId, {
        interaction,
        bytes: optional('bytes'),
        ...marks,
      }),
    ],
  };
};
