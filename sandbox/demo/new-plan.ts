import { randomUUID, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';

/*
 * What a plan sends to ask a former plan for its new members' records: PDex 2.2, SMART Backend Services and HRex by their
 * texts, and nothing of the gateway.
 */

/** A member as the new plan knows them. */
export interface AskedMember {
  readonly firstName: string;
  readonly lastName: string;
  readonly birthDate: string;
  readonly memberId: string;
}

const npiSystem = 'http://hl7.org/fhir/sid/us-npi';
/** The sandbox's Demo Health Plan: nine digits that no real plan has, and their check digit (45 CFR 162.406). */
export const formerPlanNpi = { system: npiSystem, value: '9100000014' };
/** The plan that asks. */
export const newPlanNpi = { system: npiSystem, value: '9800000017' };

const actor = (system: string, code: string, identifier: object): object => ({
  role: { coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code }] },
  reference: { identifier },
});

interface Json {
  readonly [name: string]: unknown;
}

/** The plan that is asked, and the one that asks. */
export interface Plans {
  readonly former: object;
  readonly own: object;
}

const sandboxPlans: Plans = { former: formerPlanNpi, own: newPlanNpi };

/** An HRex Consent that holds from 2020 to 2099. */
export const consentOf = (patient: string, change: Json = {}, provision: Json = {}, plans = sandboxPlans): Json => ({
  resourceType: 'Consent',
  id: `consent-${patient}`,
  status: 'active',
  scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
  category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'IDSCL' }] }],
  patient: { reference: `Patient/${patient}` },
  performer: [{ reference: `Patient/${patient}` }],
  sourceReference: { reference: 'https://new-plan.example/DocumentReference/1' },
  policy: [{ uri: 'http://hl7.org/fhir/us/davinci-hrex/StructureDefinition-hrex-consent.html#sensitive' }],
  provision: {
    type: 'permit',
    period: { start: '2020-01-01', end: '2099-12-31' },
    actor: [
      actor('provenance-participant-type', 'performer', plans.former),
      actor('v3-ParticipationType', 'IRCP', plans.own),
    ],
    action: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentaction', code: 'disclose' }] }],
    ...provision,
  },
  ...change,
});

/** The parts of one MemberBundle. */
export const bundleOf = (
  { firstName, lastName, birthDate, memberId }: AskedMember,
  id: string,
  change: { readonly patient?: Json; readonly coverage?: Json; readonly consent?: Json } = {},
  plans = sandboxPlans,
): Json => {
  const patient = {
    resourceType: 'Patient',
    id,
    identifier: [{ system: 'https://new-plan.example/member', value: `new-${id}` }],
    name: [{ family: lastName, given: [firstName] }],
    gender: 'female',
    birthDate,
    ...change.patient,
  };
  const coverage = {
    resourceType: 'Coverage',
    id: `coverage-${id}`,
    identifier: [{ system: 'https://health-plan.example/member-id', value: memberId }],
    status: 'active',
    subscriberId: memberId,
    beneficiary: { reference: `Patient/${id}` },
    relationship: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/subscriber-relationship', code: 'self' }],
    },
    payor: [{ identifier: plans.former }],
    ...change.coverage,
  };
  return {
    name: 'MemberBundle',
    part: [
      { name: 'MemberPatient', resource: patient },
      { name: 'CoverageToMatch', resource: coverage },
      { name: 'Consent', resource: change.consent ?? consentOf(id, {}, {}, plans) },
    ],
  };
};

export const parametersOf = (parameter: readonly object[]): Json => ({ resourceType: 'Parameters', parameter });

export interface BackendKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

/** A client assertion (RFC 7523); `claims` and `header` change it. */
export const assertionOf = (
  clientId: string,
  audience: string,
  { kid, privateKey }: BackendKey,
  claims: Json = {},
  header: Json = {},
): Promise<string> => {
  const exp = Math.floor(Date.now() / 1000) + 240;
  const all = { iss: clientId, sub: clientId, aud: audience, exp, jti: randomUUID(), ...claims };
  return new SignJWT(all)
    .setProtectedHeader({ alg: privateKey.asymmetricKeyType === 'rsa' ? 'RS384' : 'ES384', kid, typ: 'JWT', ...header })
    .sign(privateKey);
};

/** The form of a token request. */
export const tokenForm = (assertion: string, scope: string): Record<string, string> => ({
  grant_type: 'client_credentials',
  scope,
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  client_assertion: assertion,
});
