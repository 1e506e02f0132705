import {
  intersectScopes,
  limitedByPayer,
  limitGranted,
  limitScopes,
  partsApart,
  partsNamed,
  scopesBeyond,
} from '../../../../functions/shared/scopes/limit-scopes.ts';
import {
  covers,
  hold,
  isReading,
  isWriting,
  namesType,
  parseScope,
  parseScopes,
  readAccessOf,
  writeScopes,
  type ResourceScope,
} from '../../../../functions/shared/scopes/scopes.ts';
import { words } from '../../../support/words.ts';

const resource = (word: string): ResourceScope => {
  const scope = parseScope(word);
  if (scope.kind === 'resource') return scope;
  throw new Error(`${word} is not about resources`);
};

describe('a scope', () => {
  it.each([
    ['patient/*.read', 'patient', '*', 'read', undefined],
    ['user/Patient.cruds', 'user', 'Patient', 'cruds', undefined],
    ['system/Claim.rs?status=active&x=1.5', 'system', 'Claim', 'rs', '?status=active&x=1.5'],
    ['patient/Nonsense.anything.else', 'patient', 'Nonsense', 'anything.else', undefined],
    ['patient/*', 'patient', '*', undefined, undefined],
    ['patient/*.', 'patient', '*', '', undefined],
    ['patient/', 'patient', '', undefined, undefined],
    ['patient/Claim?a=b', 'patient', 'Claim?a=b', undefined, undefined],
  ])('%s is about resources', (word, context, type, permissions, filter) => {
    expect(parseScope(word)).toEqual({ kind: 'resource', word, context, type, permissions, filter });
  });

  it.each(['launch/patient', 'offline_access', 'openid', 'xpatient/*.rs', 'patient', 'Patient/*.rs', ''])(
    '%j is a single word',
    (word) => {
      expect(parseScope(word)).toEqual({ kind: 'other', word });
    },
  );
});

describe('scopes', () => {
  it('are read once each, in order, whatever blanks are between them', () => {
    const asked = ['openid', 'patient/*.rs', 'a'];

    expect(parseScopes(' openid\t patient/*.rs\r\nopenid a ').map(({ word }) => word)).toEqual(asked);
    expect(parseScopes([...asked, 'openid']).map(({ word }) => word)).toEqual(asked);
    expect(parseScopes(' ')).toEqual([]);
  });

  it('are written as they were read, with one blank between', () => {
    expect(writeScopes(parseScopes('patient/*.rs?b=C  x"y user/Nonsense.*'))).toBe(
      'patient/*.rs?b=C x"y user/Nonsense.*',
    );
  });
});

describe('a resource scope', () => {
  it.each([
    ['patient/*.read', 'rs', 'reads'],
    ['patient/*.rs', 'rs', 'reads'],
    ['patient/*.r', 'r', 'reads'],
    ['patient/*.s', 's', 'reads'],
    ['patient/*.*', 'rs', 'writes'],
    ['patient/*.cruds', 'rs', 'writes'],
    ['patient/*.crd', 'r', 'writes'],
    ['patient/*.us', 's', 'writes'],
    ['patient/*.cud', undefined, 'writes'],
    ['patient/*.write', undefined, 'writes'],
    ['patient/*.sc', undefined, 'writes'],
    ['patient/*.sr', undefined, undefined],
    ['patient/*.reads', undefined, undefined],
    ['patient/*.', undefined, undefined],
    ['patient/*', undefined, undefined],
  ])('%s lets its holder read %s, and %s', (word, access, does) => {
    const scope = resource(word);

    expect(readAccessOf(scope)).toBe(access);
    expect([isReading(scope), isWriting(scope)]).toEqual([does === 'reads', does === 'writes']);
  });

  it('reads nothing of a type that R4 does not have', () => {
    expect(namesType(resource('patient/Claim.rs'))).toBe(true);
    expect(namesType(resource('patient/*.rs'))).toBe(true);
    for (const word of ['patient/claim.rs', 'patient/Nonsense.rs', 'patient/constructor.rs', 'patient/.rs']) {
      expect([word, namesType(resource(word)), readAccessOf(resource(word))]).toEqual([word, false, undefined]);
    }
  });
});

describe('scopes that are held', () => {
  it.each([
    ['patient/Claim.rs', 'Claim', 'rs', true],
    ['patient/*.rs', 'Claim', 'rs', true],
    ['patient/Claim.r user/*.s', 'Claim', 'rs', true],
    ['patient/Claim.r patient/Claim.r', 'Claim', 'rs', false],
    ['patient/Claim.rs', 'Coverage', 'r', false],
    ['patient/Claim.rs patient/Coverage.rs', '*', 'r', false],
    ['patient/*.r patient/Claim.s', '*', 's', false],
    ['patient/Nonsense.rs', 'Nonsense', 'r', false],
  ] as const)('%s: of %s cover %s: %s', (held, type, access, expected) => {
    expect(covers(hold(held.split(' ').map(resource)), type, access)).toBe(expected);
  });
});

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
    ['patient/Observation.rs?a=b', 'patient/*.rs', 'patient/Observation.rs?a=b'],
    ['patient/Claim.rs?a=b patient/Patient.rs', 'patient/*.read', 'patient/Patient.read patient/Claim.rs?a=b'],
    ['patient/Claim.rs?a=b patient/Claim.r', 'patient/Claim.rs', 'patient/Claim.r patient/Claim.s?a=b'],
    ['patient/*.rs patient/Claim.rs?a=b', 'patient/*.rs', 'patient/*.rs'],
    ['patient/*.cruds?_security:not=R', 'patient/*.rs', 'patient/*.rs?_security:not=R'],
    ['user/*.s?a=b', 'patient/Claim.rs', 'patient/Claim.s?a=b'],
    ['patient/Claim.rs?a=b patient/Claim.rs?c=d', 'patient/Claim.r', 'patient/Claim.r?a=b patient/Claim.r?c=d'],
    ['patient/Claim.rs patient/Goal.rs', 'patient/Claim.rs?a=b', 'patient/Claim.rs?a=b'],
    ['patient/Claim.r?a=b', 'patient/Claim.rs?a=b', 'patient/Claim.r?a=b'],
    ['patient/Claim.rs?a=c', 'patient/Claim.rs?a=b', ''],
    ['patient/Claim.rs?a"b patient/Claim.rs?é patient/Claim.rs?', 'patient/Claim.rs', ''],
    [`patient/Claim.rs?${'x'.repeat(500)}`, 'patient/Claim.r', `patient/Claim.r?${'x'.repeat(500)}`],
    [`patient/Claim.rs?${'x'.repeat(501)}`, 'patient/Claim.r', ''],
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

describe('a granular scope that a payer granted', () => {
  const granted = parseScopes('patient/Patient.rs patient/Claim.rs?a=b');

  it('is limited like the others', () => {
    const within = (registered: string) => writeScopes(limitGranted(granted, parseScopes(registered)));
    expect(within('patient/*.rs')).toBe('patient/Patient.rs patient/Claim.rs?a=b');
    expect(within('patient/Claim.r')).toBe('patient/Claim.r?a=b');
    expect(within('user/Claim.r')).toBe('');
  });

  it('is less than its type', () => {
    expect(writeScopes(scopesBeyond(parseScopes('patient/Claim.r'), granted))).toBe('patient/Claim.r');
    expect(['Patient', 'Claim', 'Goal'].map(limitedByPayer(granted))).toEqual([false, true, false]);
    expect(limitedByPayer(parseScopes('patient/*.rs patient/Claim.rs?a=b'))('Claim')).toBe(false);
    expect(limitedByPayer(parseScopes('patient/Claim.r patient/Claim.rs?a=b'))('Claim')).toBe(true);
    expect(limitedByPayer(parseScopes('patient/*.rs?a=b'))('Goal')).toBe(true);
  });

  it.each([
    ['patient/Claim.rs?a=b', ['patient/Claim.rs?a=c']],
    ['patient/Patient.rs patient/Claim.rs?a=c', ['patient/Claim.rs?a=b']],
    ['patient/Claim.rs?a=b patient/Claim.rs?a=c', []],
    ['patient/Patient.rs', []],
    ['patient/Goal.r?a=b', []],
    ['patient/Goal.s?a=c', []],
  ])('cannot be used without the others of its type: %s', (narrowed, apart) => {
    const several = `patient/Patient.rs patient/Claim.rs?a=b patient/Claim.rs?a=c patient/Goal.r?a=b patient/Goal.s?a=c`;
    expect(partsApart(parseScopes(several), parseScopes(narrowed)).map(({ word }) => word)).toEqual(apart);
  });

  it('cannot be used without one for all types, nor the other way round', () => {
    const [all, one] = ['patient/*.rs?a=b', 'patient/Claim.s?a=c'];
    const apart = (text: string) => writeScopes(partsApart(parseScopes(`${all} ${one}`), parseScopes(text)));
    expect([apart(all), apart(one), apart(`${all} ${one}`)]).toEqual([one, all, '']);
    // A whole type is read whole anyway.
    expect(apart('patient/Claim.rs')).toBe('');
  });

  it('can be named again, word by word', () => {
    const named = (text: string) => writeScopes(partsNamed(granted, parseScopes(text)));
    expect(named('patient/Patient.rs patient/Claim.rs?a=b')).toBe('patient/Claim.rs?a=b');
    expect(named('patient/Claim.r?a=b patient/Claim.rs?a=c')).toBe('');
  });
});
