import { intersectScopes, limitScopes, scopesBeyond } from '../../../../functions/shared/partner/scopes.ts';
import { parseScope, parseScopes, writeScopes } from '../../../../functions/shared/scopes/scopes.ts';
import { words } from '../../../support/words.ts';

describe('of the scopes that a partner asks for and is registered for', () => {
  const given = (...asked: string[]): string => {
    const scopes = asked.map(parseScope);
    return writeScopes(limitScopes(scopes, [...scopes, ...parseScopes('patient/*.rs user/*.rs')]));
  };

  it.each(
    words(`
    patient/*.read patient/Observation.rs user/Patient.r patient/Patient.s launch launch/patient launch/encounter
    offline_access openid fhirUser
  `),
  )('%s can be given', (word) => {
    expect(given(word)).toBe(word);
  });

  it.each([
    ...words(`
      patient/*.write patient/*.* patient/*.cruds patient/Observation.c patient/Observation.sr
      patient/Observation.rs?category=laboratory patient/Nonsense.rs patient/observation.rs patient/*. system/*.rs
      xpatient/*.rs xlaunch/patient patient/* launch/nonsense
    `),
    '',
    'a b',
    'a"b',
    'patient/*.rs\n',
  ])('%j is never given', (word) => {
    expect(given(word, 'patient/Claim.r')).toBe('patient/Claim.r');
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
    ['offline_access', ['patient/*.rs'], []],
    ['patient/*.rs launch/patient openid', ['patient/*.r', 'launch/patient'], ['patient/*.rs']],
    ['', [], []],
  ])('%j beyond %j: %j', (requested, registered, expected) => {
    expect(scopesBeyond(parseScopes(requested), parseScopes(registered)).map(({ word }) => word)).toEqual(expected);
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
    expect(writeScopes(intersectScopes(parseScopes(granted), parseScopes(requested)))).toBe(expected);
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
    expect(writeScopes(limitScopes(parseScopes(requested), parseScopes(registered)))).toBe(expected);
  });
});
