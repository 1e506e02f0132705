import { compareTexts } from '../shared/compare-texts.ts';
import { instant } from '../shared/instant.ts';
import { grantAttributes, grantEventAttributes } from '../shared/store/attributes.ts';
import type { GrantEvent } from '../shared/store/grant-item.ts';
import { readerOf } from '../shared/store/items.ts';
import {
  claimedInstant,
  claimOf,
  dicom,
  gatewayAgent,
  grantEntity,
  memberAgent,
  operatorAgent,
  partnerAgent,
  patientEntities,
  payerAgent,
  requestEntity,
  sourceOf,
  systems,
  type AuditEvent,
} from './audit-event.ts';
import { eventIdOf, requiredReader, type StreamImage } from './stream-image.ts';

const actions: Readonly<Record<GrantEvent['type'], AuditEvent['action']>> = {
  created: 'C',
  redeemed: 'U',
  refreshed: 'U',
  payerRefreshed: 'U',
  revoked: 'D',
  indexed: 'U',
  restored: 'C',
  exportEnded: 'U',
};

const isType = (type: string): type is GrantEvent['type'] => Object.hasOwn(actions, type);

/**
 * What identifies an event of a grant, as stored; ids are made from it. Payer tokens can be refreshed twice in one
 * request and second.
 */
const markOf = (image: StreamImage): string => {
  const event = image['lastEvent']?.M ?? {};
  return JSON.stringify([event['type']?.S, event['at']?.N, event['requestId']?.S, image['payerVersion']?.N]);
};

/** All that an event says, in one spelling. */
const toldBy = (image: StreamImage): string => {
  const event = Object.entries(image['lastEvent']?.M ?? {}).toSorted(([a], [b]) => compareTexts(a, b));
  const about = ['payerVersion', 'partner', 'payer', 'patient', 'scope', 'endsAt'].map((name) => image[name]);
  return JSON.stringify([event, about]);
};

/** Whether the partner asked for it; otherwise the gateway acted on its own. */
const askedByPartner = (type: GrantEvent['type'], reason: string | undefined): boolean =>
  type === 'revoked'
    ? reason === 'byPartner'
    : !['payerRefreshed', 'indexed', 'restored', 'exportEnded'].includes(type);

/** Whether anything happened to the grant between two images. Taking a lease is not an event. */
export const isGrantEvent = (before: StreamImage | undefined, after: StreamImage): boolean =>
  before === undefined || toldBy(before) !== toldBy(after);

/** Whether a write changed what the last event says, which the gateway never does. */
export const isRewrite = (before: StreamImage | undefined, after: StreamImage): boolean =>
  before !== undefined && markOf(before) === markOf(after) && toldBy(before) !== toldBy(after);

/** What the audit records about the identity token that a grant was made with; empty for other grants. */
const identityOf = (event: StreamImage) => {
  const read = readerOf(grantEventAttributes, event);
  const [issuer, level, attestedAt] = [read('issuer'), read('level'), read('attestedAt')];
  return issuer === undefined || attestedAt === undefined
    ? {}
    : { via: 'identity', identityIssuer: issuer, identityLevel: level, agreed: claimedInstant(attestedAt) };
};

/**
 * Makes the AuditEvent of a grant's last event.
 * @param at when the stream got it, epoch seconds
 * @throws Error if the image is not readable
 */
export const describeGrantEvent = (image: StreamImage, stage: string, at: number): AuditEvent => {
  const event = image['lastEvent']?.M ?? {};
  const [required, requiredOfEvent] = [
    requiredReader(grantAttributes, image),
    requiredReader(grantEventAttributes, event),
  ];
  const [optional, optionalOfEvent] = [readerOf(grantAttributes, image), readerOf(grantEventAttributes, event)];
  const type = requiredOfEvent('type');
  if (!isType(type)) throw new Error('the type is unknown');
  const reason = optionalOfEvent('reason');
  const grantId = required('grantId');
  const byPartner = askedByPartner(type, reason);
  const operator = optionalOfEvent('operator');
  const patient = optional('patient');
  const other = operator === undefined ? gatewayAgent(stage) : operatorAgent(operator);
  const actor = reason === 'byMember' && patient !== undefined ? memberAgent(patient) : other;
  const given =
    type === 'created'
      ? { scope: required('scope'), ends: claimedInstant(required('endsAt')), ...identityOf(event) }
      : {};
  return {
    resourceType: 'AuditEvent',
    id: eventIdOf('grant', grantId, markOf(image)),
    type: dicom('110137', 'User Security Attributes Changed'),
    subtype: [{ system: systems.event, code: type }],
    action: actions[type],
    // To the second, which is all that is known: a fraction would suggest an order among reads.
    recorded: instant(at),
    outcome: '0',
    agent: [...(byPartner ? [] : [actor]), partnerAgent(required('partner'), byPartner), payerAgent(required('payer'))],
    source: sourceOf(stage),
    entity: [
      grantEntity(grantId, {
        ...given,
        reason,
        note: optionalOfEvent('note'),
        ...claimOf(requiredOfEvent('at'), at),
      }),
      ...patientEntities(patient),
      requestEntity(requiredOfEvent('requestId')),
    ],
  };
};
