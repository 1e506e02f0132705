import { instant } from '../shared/instant.ts';

/** FHIR R4's AuditEvent (https://hl7.org/fhir/R4/auditevent.html): the members that the gateway fills. */
export interface AuditEvent {
  readonly resourceType: 'AuditEvent';
  readonly id: string;
  readonly type: Coding;
  readonly subtype: readonly Coding[];
  readonly action: 'C' | 'R' | 'U' | 'D' | 'E';
  /**
   * An instant: for reads to the millisecond as the item says; for grants and the registry to the second, when the table's
   * stream got the write (`2026-06-01T12:00:00Z`).
   */
  readonly recorded: string;
  /** 0 success, 4 refused, 8 failed; absent while unknown. */
  readonly outcome?: '0' | '4' | '8';
  readonly outcomeDesc?: string;
  readonly agent: readonly Agent[];
  readonly source: { readonly site: string; readonly observer: Reference; readonly type: readonly Coding[] };
  readonly entity: readonly Entity[];
}

export interface Coding {
  readonly system: string;
  readonly code: string;
  readonly display?: string;
}

interface Reference {
  readonly reference?: string;
  readonly identifier?: { readonly system: string; readonly value: string };
  readonly display?: string;
}

interface Agent {
  readonly type: { readonly coding: readonly Coding[] };
  readonly who: Reference;
  readonly requestor: boolean;
}

interface Entity {
  readonly what: Reference;
  readonly type: Coding;
  readonly role?: Coding;
  readonly detail?: readonly { readonly type: string; readonly valueString: string }[];
}

/** The gateway's own code systems: events, and kinds of ids. */
export const systems = {
  event: 'urn:p2p-gateway:event',
  partner: 'urn:p2p-gateway:partner',
  payer: 'urn:p2p-gateway:payer',
  grant: 'urn:p2p-gateway:grant',
  exchange: 'urn:p2p-gateway:exchange',
  submitted: 'urn:p2p-gateway:submitted-patient',
  request: 'urn:p2p-gateway:request',
  item: 'urn:p2p-gateway:item',
  operator: 'urn:p2p-gateway:operator',
} as const;

export const dicom = (code: string, display: string): Coding => ({
  system: 'http://dicom.nema.org/resources/ontology/DCM',
  code,
  display,
});

/** FHIR's codings of what came over its RESTful API (http://hl7.org/fhir/restful-interaction). */
export const restful = {
  type: {
    system: 'http://terminology.hl7.org/CodeSystem/audit-event-type',
    code: 'rest',
    display: 'RESTful Operation',
  },
  named: (code: string): Coding => ({ system: 'http://hl7.org/fhir/restful-interaction', code }),
} as const;

const entityType = (code: string, display: string): Coding => ({
  system: 'http://terminology.hl7.org/CodeSystem/audit-entity-type',
  code,
  display,
});

const objectRole = (code: string, display: string): Coding => ({
  system: 'http://terminology.hl7.org/CodeSystem/object-role',
  code,
  display,
});

const identified = (system: string, value: string): Reference => ({ identifier: { system, value } });

const gatewayName = (stage: string): string => `p2p-gateway-${stage}`;

/** The partner, which receives data. */
export const partnerAgent = (partner: string, requestor: boolean): Agent => ({
  type: { coding: [dicom('110152', 'Destination Role ID')] },
  who: identified(systems.partner, partner),
  requestor,
});

/** The payer, which the data is from. */
export const payerAgent = (payer: string): Agent => ({
  type: { coding: [dicom('110153', 'Source Role ID')] },
  who: identified(systems.payer, payer),
  requestor: false,
});

/** What an item says of who wrote it is no proof: whoever may write the table can write another name. */
const claimed = 'as the item claims; CloudTrail has the caller';

const person = (who: Reference): Agent => ({
  type: {
    coding: [
      {
        system: 'http://terminology.hl7.org/CodeSystem/extra-security-role-type',
        code: 'humanuser',
        display: 'human user',
      },
    ],
  },
  who,
  requestor: true,
});

/** A gateway operator who acted manually, according to the item. */
export const operatorAgent = (operator: string): Agent =>
  person({ ...identified(systems.operator, operator), display: claimed });

/** The member, who acted after signing in at the payer. */
export const memberAgent = (patient: string): Agent => person({ reference: `Patient/${patient}` });

/** An actor that the item does not name. */
export const unknownAgent = (): Agent => ({
  type: { coding: [dicom('110150', 'Application')] },
  who: { display: 'unknown; CloudTrail has the caller' },
  requestor: true,
});

/** The gateway, when it acts on its own. */
export const gatewayAgent = (stage: string): Agent => ({
  type: { coding: [dicom('110150', 'Application')] },
  who: { display: gatewayName(stage) },
  requestor: true,
});

/** A deployment of the gateway, as the item claims. */
export const deploymentAgent = (stage: string): Agent => ({
  ...gatewayAgent(stage),
  who: { display: `${gatewayName(stage)}, ${claimed}` },
});

/** The observer: this stage of the gateway. */
export const sourceOf = (stage: string): AuditEvent['source'] => ({
  site: stage,
  observer: { display: gatewayName(stage) },
  type: [
    {
      system: 'http://terminology.hl7.org/CodeSystem/security-source-type',
      code: '4',
      display: 'Application Server',
    },
  ],
});

/** Facts by name, without unknown ones. */
type Details = Readonly<Record<string, string | number | undefined>>;

/** How far the time that an item claims may be from its stream's, in seconds. */
const mostApart = 120;

export const areApart = (claimedAt: number, at: number): boolean => !(Math.abs(claimedAt - at) <= mostApart);

/** The time that an item claims, in epoch seconds. The attribute may hold anything. */
export const claimedInstant = (seconds: number): string => {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? 'no time' : instant(Math.floor(seconds));
};

/** The time that an item claims, if its stream says another. Both are epoch seconds. */
export const claimOf = (claimedAt: number, at: number): Details =>
  Math.floor(claimedAt) === at ? {} : { claimedAt: claimedInstant(claimedAt) };

const detailsOf = (details: Details): Pick<Entity, 'detail'> => {
  const detail = Object.entries(details).flatMap(([type, value]) =>
    value === undefined ? [] : [{ type, valueString: String(value) }],
  );
  return detail.length === 0 ? {} : { detail };
};

const thing = (system: string, value: string, role: Coding | undefined, details: Details): Entity => ({
  what: identified(system, value),
  type: entityType('2', 'System Object'),
  ...(role === undefined ? {} : { role }),
  ...detailsOf(details),
});

export const grantEntity = (grantId: string, details: Details = {}): Entity =>
  thing(systems.grant, grantId, objectRole('13', 'Security Resource'), details);

/** An exchange between plans. */
export const exchangeEntity = (exportId: string, details: Details = {}): Entity =>
  thing(systems.exchange, exportId, objectRole('13', 'Security Resource'), details);

/** A member of an exchange: the patient at the payer, if known, and as the partner submitted it. */
export const exchangedEntity = (
  { submitted, reference }: { readonly submitted?: string; readonly reference?: string },
  details: Details,
): Entity => ({
  what: {
    ...(reference === undefined ? {} : { reference }),
    ...(submitted === undefined ? {} : identified(systems.submitted, submitted)),
  },
  type: entityType('1', 'Person'),
  role: objectRole('1', 'Patient'),
  ...detailsOf(details),
});

export const requestEntity = (requestId: string, details: Details = {}): Entity =>
  thing(systems.request, requestId, objectRole('20', 'Job'), details);

/** The key of an item that could not be read. */
export const itemEntity = (key: string): Entity => thing(systems.item, key, undefined, {});

/** What an item of the registry is about: a payer, a partner, or the item itself. */
export const entryEntity = (entryId: string, details: Details): Entity => {
  const [, kind, id = ''] = /^(payer|partner)#(.+)$/.exec(entryId) ?? [];
  const role = objectRole('13', 'Security Resource');
  if (kind === undefined) return thing(systems.item, entryId, role, details);
  return thing(kind === 'payer' ? systems.payer : systems.partner, id, role, details);
};

/** The member's record at the payer; nothing if the grant does not know it. */
export const patientEntities = (patient: string | undefined): Entity[] =>
  patient === undefined
    ? []
    : [
        {
          what: { reference: `Patient/${patient}` },
          type: entityType('1', 'Person'),
          role: objectRole('1', 'Patient'),
        },
      ];
