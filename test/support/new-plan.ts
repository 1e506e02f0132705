import { generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';

/*
 * Another plan, which asks a former plan for its new members' records: PDex 2.2, SMART Backend Services and HRex by their texts,
 * and nothing of the gateway.
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
export const newPlanNpi = { system: npiSystem, value: '9800000017' };

export const matchScope = 'http://hl7.org/fhir/us/davinci-pdex/OperationDefinition/BulkMemberMatch';
export const groupScope = 'system/Group.rs';
export const exportType = 'hl7.fhir.us.davinci-pdex#payertopayer';

const actor = (system: string, code: string, identifier: object): object => ({
  role: { coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code }] },
  reference: { identifier },
});

interface Json {
  readonly [name: string]: unknown;
}

/** An HRex Consent that holds from 2020 to 2099. */
export const consentOf = (patient: string, change: Json = {}, provision: Json = {}): Json => ({
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
      actor('provenance-participant-type', 'performer', formerPlanNpi),
      actor('v3-ParticipationType', 'IRCP', newPlanNpi),
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
    payor: [{ identifier: formerPlanNpi }],
    ...change.coverage,
  };
  return {
    name: 'MemberBundle',
    part: [
      { name: 'MemberPatient', resource: patient },
      { name: 'CoverageToMatch', resource: coverage },
      { name: 'Consent', resource: change.consent ?? consentOf(id) },
    ],
  };
};

export const parametersOf = (parameter: readonly object[]): Json => ({ resourceType: 'Parameters', parameter });

/** The key pair of a backend client, and its public half as a JWK. */
export const backendKey = (kid = 'backend-1') => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const jwk = { ...(publicKey.export({ format: 'jwk' }) as { readonly kty: string }), kid, alg: 'ES384', use: 'sig' };
  return { kid, privateKey, jwk };
};

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
  return new SignJWT(all).setProtectedHeader({ alg: 'ES384', kid, typ: 'JWT', ...header }).sign(privateKey);
};

/** The form of a token request. */
export const tokenForm = (assertion: string, scope: string): Record<string, string> => ({
  grant_type: 'client_credentials',
  scope,
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  client_assertion: assertion,
});

export interface Manifest {
  readonly transactionTime: string;
  readonly request: string;
  readonly requiresAccessToken: boolean;
  readonly output: readonly { readonly type: string; readonly url: string; readonly count?: number }[];
  readonly deleted?: readonly { readonly type: string; readonly url: string; readonly count?: number }[];
  readonly error: readonly unknown[];
}
