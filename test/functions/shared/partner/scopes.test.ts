import {
  checkScopes,
  intersectScopes,
  limitScopes,
  parseScope,
  scopesBeyond,
} from '../../../../functions/shared/partner/scopes.ts';
import { parse, refusal } from '../fhir/requests.ts';

describe('parseScope', () => {
  it.each([
    ['patient/*.read', 'patient * rs'],
    ['patient/Observation.rs', 'patient Observation rs'],
    ['user/Patient.r', 'user Patient r'],
    ['patient/Patient.s', 'patient Patient s'],
  ])('reads %s', (text, expected) => {
    const scope = parseScope(text);
    expect(scope).toMatchObject({ kind: 'resource', text });
    expect(scope?.kind === 'resource' && `${scope.context} ${scope.type} ${scope.letters}`).toBe(expected);
  });

  it.each(['launch', 'launch/patient', 'launch/encounter', 'offline_access', 'openid', 'fhirUser'])(
    'takes %s for a scope that is not about resources',
    (text) => {
      expect(parseScope(text)).toEqual({ kind: 'other', text });
    },
  );

  it.each([
    'patient/*.write',
    'patient/*.*',
    'patient/*.cruds',
    'patient/Observation.c',
    'patient/Observation.sr',
    'patient/Observation.rs?category=laboratory',
    'patient/Nonsense.rs',
    'patient/observation.rs',
    'patient/*.',
    'system/*.rs',
    'xpatient/*.rs',
    'xlaunch/patient',
    'patient/*',
    'launch/nonsense',
    '',
    'a b',
    'a"b',
    'patient/*.rs\n',
  ])('refuses %j', (text) => {
    expect(parseScope(text)).toBeUndefined();
  });
});

describe('scopesBeyond', () => {
  it.each([
    ['patient/Observation.rs', ['patient/*.read'], []],
    ['patient/Observation.read', ['patient/*.rs'], []],
    ['patient/Observation.r', ['patient/Observation.rs'], []],
    ['patient/Observation.rs', ['patient/Observation.r', 'patient/*.s'], []],
    ['patient/Observation.rs', ['patient/Observation.s', 'patient/*.r'], []],
    ['patient/Observation.s', ['patient/Observation.r', 'patient/*.r'], ['patient/Observation.s']],
    ['patient/Observation.rs', ['patient/Observation.r'], ['patient/Observation.rs']],
    ['patient/*.rs', ['patient/Observation.rs', 'patient/Patient.rs'], ['patient/*.rs']],
    ['user/*.rs', ['patient/*.rs'], ['user/*.rs']],
    ['patient/*.rs launch/patient', ['patient/*.rs', 'launch/patient'], []],
    ['offline_access', ['patient/*.rs'], ['offline_access']],
    ['patient/*.write', ['patient/*.write'], ['patient/*.write']],
    ['patient/*.rs?x=y', ['patient/*.rs'], ['patient/*.rs?x=y']],
    ['patient/*.rs launch/patient openid', ['patient/*.r', 'launch/patient'], ['patient/*.rs', 'openid']],
    ['', [], []],
  ])('%j beyond %j: %j', (requested, registered, expected) => {
    expect(scopesBeyond(requested, registered)).toEqual(expected);
  });
});

describe('intersectScopes', () => {
  it.each([
    ['patient/*.rs', 'patient/*.rs offline_access', 'patient/*.rs offline_access'],
    ['patient/*.read', 'patient/*.rs', 'patient/*.rs'],
    ['user/*.read', 'launch/patient patient/*.read', 'launch/patient patient/*.read'],
    ['patient/*.cruds', 'patient/Observation.read', 'patient/Observation.read'],
    ['patient/*.*', 'patient/*.rs', 'patient/*.rs'],
    ['patient/*.r', 'patient/*.rs', 'patient/*.r'],
    ['patient/*.r', 'patient/Observation.read user/Patient.rs', 'patient/Observation.r user/Patient.r'],
    ['patient/Observation.rs patient/Patient.r', 'patient/*.rs', 'patient/Observation.rs patient/Patient.r'],
    ['patient/Observation.rs patient/*.r', 'patient/*.read', 'patient/*.r patient/Observation.read'],
    ['patient/Observation.rs user/Observation.rs', 'patient/*.rs', 'patient/Observation.rs'],
    ['patient/Observation.rs?category=x', 'patient/*.rs', 'patient/Observation.rs'],
    ['patient/*.write patient/Observation.c', 'patient/*.rs launch/patient', 'launch/patient'],
    ['patient/Nonsense.rs system/*.rs xpatient/*.rs openid', 'patient/*.rs', ''],
    ['patient/*.readx user/*.sr patient/*.rs.s', 'patient/*.rs', ''],
    ['', 'patient/*.rs', ''],
    ['patient/*.rs', 'patient/*.rs patient/*.rs  patient/*.write', 'patient/*.rs'],
    ['patient/Observation.r patient/Patient.rs', 'patient/Observation.rs', 'patient/Observation.r'],
    ['patient/*.rs patient/Observation.rs', 'patient/*.rs', 'patient/*.rs'],
    ['patient/*.r patient/Observation.c patient/Patient.write', 'patient/*.rs', 'patient/*.r'],
    ['patient/*.s patient/Observation.', 'patient/*.rs', 'patient/*.s'],
  ])('payer %j, partner %j: %j', (granted, requested, expected) => {
    expect(intersectScopes(granted, requested)).toBe(expected);
  });
});

describe('checkScopes', () => {
  it.each([
    ['GET /Patient/1', 'patient/Patient.r'],
    ['GET /Patient/1', 'offline_access user/*.read'],
    ['GET /Observation', 'patient/Observation.s'],
    ['GET /Patient/1/Observation', 'patient/Observation.rs'],
    ['GET /Patient/1/$everything', 'patient/*.rs'],
    ['GET /Patient/1/$everything', 'patient/*.r patient/*.s'],
    ['GET /?_id=a', 'patient/*.read'],
    ['GET /?_type=Patient', 'patient/Patient.s'],
    ['GET /Observation?_include=Observation:specimen', 'patient/Observation.rs patient/Specimen.r'],
  ])('lets %s pass with %s', (line, scope) => {
    expect(() => checkScopes(parse(line), scope)).not.toThrow();
  });

  it.each([
    ['GET /Patient/1', 'patient/Patient.s'],
    ['GET /Patient/1', 'patient/Observation.rs'],
    ['GET /Patient/1', 'patient/Patient.rs?name=x'],
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
    expect(refusal(() => checkScopes(parse(line), scope))).toMatchObject({
      status: 403,
      code: 'forbidden',
      insufficientScope: true,
    });
  });

  it.each([
    ['GET /Patient/1', 'openid', 'The access token allows no FHIR resources.'],
    [
      'GET /Patient/1/$everything',
      'patient/Patient.rs',
      'The access token does not allow to read and search all resource types, which this request can return.',
    ],
    [
      'GET /Observation',
      'patient/Patient.rs',
      'The access token does not allow to search Observation, which this request can return.',
    ],
    [
      'GET /Patient/1',
      'patient/Observation.rs',
      'The access token does not allow to read Patient, which this request can return.',
    ],
  ])('says what %s lacks with %j', (line, scope, message) => {
    expect(refusal(() => checkScopes(parse(line), scope)).publicMessage).toBe(message);
  });
});

describe('limitScopes', () => {
  it.each([
    ['patient/*.rs offline_access', ['patient/*.read', 'offline_access'], 'patient/*.rs offline_access'],
    ['patient/*.rs', ['patient/Claim.rs', 'patient/Coverage.r'], 'patient/Claim.rs patient/Coverage.r'],
    ['patient/*.rs', ['patient/*.r', 'patient/Claim.s'], 'patient/*.r patient/Claim.rs'],
    ['patient/Claim.read patient/Claim.rs', ['patient/Claim.r'], 'patient/Claim.r'],
    ['user/*.rs patient/Claim.rs', ['patient/*.rs'], 'patient/Claim.rs'],
    ['user/*.rs', ['user/Claim.rs', 'patient/*.rs'], 'user/Claim.rs'],
    [
      'openid launch/patient patient/*.cruds patient/Claim.rs?x=y system/*.rs',
      ['launch/patient', 'x'],
      'launch/patient',
    ],
    [' \tpatient/*.rs\r\npatient/*.rs ', ['patient/*.rs'], 'patient/*.rs'],
    ['', ['patient/*.rs'], ''],
    ['patient/*.rs', [], ''],
  ])('%j within %j: %j', (requested, registered, expected) => {
    expect(limitScopes(requested, registered)).toBe(expected);
  });
});
