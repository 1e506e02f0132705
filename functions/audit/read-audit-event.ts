import {
  grantEntity,
  partnerAgent,
  patientEntities,
  payerAgent,
  requestEntity,
  sourceOf,
  systems,
  type AuditEvent,
  type Coding,
} from './audit-event.ts';
import { eventIdOf, number, optionalNumber, optionalText, text, type Image } from './stream-image.ts';

const rest: Coding = {
  system: 'http://terminology.hl7.org/CodeSystem/audit-event-type',
  code: 'rest',
  display: 'RESTful Operation',
};

/** FHIR's names (http://hl7.org/fhir/restful-interaction) of our interactions, where they differ. */
const restfulNames: Readonly<Record<string, string>> = {
  everything: 'operation',
  page: 'search',
  'search-compartment': 'search',
};

const restful = (interaction: string): Coding => {
  const [name = ''] = interaction.split(' ');
  return { system: 'http://hl7.org/fhir/restful-interaction', code: restfulNames[name] ?? name };
};

/** An error after a good status is a stream that was cut. */
const outcomeOf = (status: number, error: string | undefined): AuditEvent['outcome'] => {
  if (status >= 500 || (status < 400 && error !== undefined)) return '8';
  return status >= 400 ? '4' : '0';
};

const outcomeText = (image: Image, status: number, error: string | undefined): string => {
  const words = [String(status)];
  if (error !== undefined) words.push(status < 400 ? `cut: ${error}` : error);
  if (image['callerLeft']?.BOOL === true) words.push('the partner left before the end');
  return words.join(', ');
};

/** The process died, or could not write its end. What left until then is not known. */
const endUnknown = { outcome: '8', outcomeDesc: 'end unknown' } as const;

const ending = (image: Image): Pick<AuditEvent, 'outcome' | 'outcomeDesc'> => {
  const status = number(image, 'status');
  const error = optionalText(image, 'error');
  const outcome = outcomeOf(status, error);
  return { ...(outcome === undefined ? {} : { outcome }), outcomeDesc: outcomeText(image, status, error) };
};

/**
 * A read's item as an AuditEvent; the shape is `ReadEvent`.
 * @throws Error where it is not readable
 */
export const readAuditEvent = (image: Image, stage: string): AuditEvent => {
  const type = text(image, 'type');
  if (type !== 'opened' && type !== 'ended' && type !== 'endUnknown') throw new Error('the type is unknown');
  const requestId = text(image, 'requestId');
  const interaction = text(image, 'interaction');
  return {
    resourceType: 'AuditEvent',
    id: eventIdOf('read', `${requestId}.${type}`),
    type: rest,
    subtype: [restful(interaction), { system: systems.event, code: type }],
    action: /^(read|vread|history)/.test(interaction) ? 'R' : 'E',
    recorded: new Date(number(image, 'atMs')).toISOString(),
    ...(type === 'ended' ? ending(image) : type === 'endUnknown' ? endUnknown : {}),
    agent: [partnerAgent(text(image, 'partner'), true), payerAgent(text(image, 'payer'))],
    source: sourceOf(stage),
    entity: [
      grantEntity(text(image, 'grantId')),
      ...patientEntities(optionalText(image, 'patient')),
      requestEntity(requestId, { interaction, bytes: optionalNumber(image, 'bytes') }),
    ],
  };
};
