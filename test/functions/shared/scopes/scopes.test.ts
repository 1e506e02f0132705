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
    const words = ['openid', 'patient/*.rs', 'a'];

    expect(parseScopes(' openid\t patient/*.rs\r\nopenid a ').map(({ word }) => word)).toEqual(words);
    expect(parseScopes([...words, 'openid']).map(({ word }) => word)).toEqual(words);
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
  ] as const)('%s: of %s cover %s: %s', (words, type, access, expected) => {
    expect(covers(hold(words.split(' ').map(resource)), type, access)).toBe(expected);
  });
});
