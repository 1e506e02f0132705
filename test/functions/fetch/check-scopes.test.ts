import { checkScopes } from '../../../functions/fetch/check-scopes.ts';
import { parseScopes } from '../../../functions/shared/scopes/scopes.ts';
import { parse, refusal } from '../shared/fhir/requests.ts';

describe('checkScopes', () => {
  it.each([
    ['GET /Patient/1', 'patient/Patient.r'],
    ['GET /Patient/1', 'offline_access user/*.read'],
    ['GET /Observation', 'patient/Observation.s'],
    ['GET /Patient/1/Observation', 'patient/Observation.rs'],
    ['GET /Patient/1/$everything', 'patient/*.rs'],
    ['GET /Patient/1/$everything', 'patient/*.r patient/*.s'],
    ['GET /?_id=a', 'patient/*.read'],
    // The payer, who limited it, applies the filter.
    ['GET /Patient/1', 'patient/Patient.rs?name=x'],
    ['GET /?_type=Patient', 'patient/Patient.s'],
    ['GET /Observation?_include=Observation:specimen', 'patient/Observation.rs patient/Specimen.r'],
  ])('allows %s with %s', (line, scope) => {
    expect(() => checkScopes(parse(line), parseScopes(scope))).not.toThrow();
  });

  it.each([
    ['GET /Patient/1', 'patient/Patient.s'],
    ['GET /Patient/1', 'patient/Observation.rs'],
    ['GET /Patient/1', 'system/*.rs'],
    ['GET /Patient/1', ''],
    ['GET /Observation', 'patient/Observation.r'],
    ['GET /Patient/1/*', 'patient/Observation.rs patient/Patient.rs'],
    ['GET /Patient/1/$everything', 'patient/*.r'],
    ['GET /?_id=a', 'patient/Observation.rs'],
    ['GET /?_type=Patient', 'patient/Observation.rs'],
    ['GET /?_type=Patient,Observation', 'patient/Patient.rs patient/Observation.rs'],
    ['GET /Observation?_include=Observation:specimen', 'patient/Observation.rs'],
    ['GET /Observation?_include=*', 'patient/Observation.rs patient/Patient.rs'],
    ['GET /Observation?specimen.type=x', 'patient/Observation.rs patient/Specimen.r'],
    ['GET /Patient?_has:Observation:patient:code=x', 'patient/Patient.rs'],
  ])('refuses %s with %j', (line, scope) => {
    expect(refusal(() => checkScopes(parse(line), parseScopes(scope)))).toMatchObject({
      status: 403,
      code: 'insufficient_scope',
      issueType: 'forbidden',
    });
  });

  it.each([
    ['GET /Patient/1', 'openid', 'The access token allows no FHIR resources.'],
    [
      'GET /Patient/1/$everything',
      'patient/Patient.rs',
      'The access token does not permit reading and searching all resource types, which this request can return.',
    ],
    [
      'GET /Observation',
      'patient/Patient.rs',
      'The access token does not permit searching Observation, which this request can return.',
    ],
    [
      'GET /Patient/1',
      'patient/Observation.rs',
      'The access token does not permit reading Patient, which this request can return.',
    ],
  ])('says what %s lacks with %j', (line, scope, message) => {
    expect(refusal(() => checkScopes(parse(line), parseScopes(scope))).publicMessage).toBe(message);
  });
});
