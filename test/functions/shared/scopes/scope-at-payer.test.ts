import * as fc from 'fast-check';
import { readGrantedScope } from '../../../../functions/shared/payer/granted-scope.ts';
import { heldByPartner } from '../../../../functions/shared/scopes/limit-scopes.ts';
import { scopeAtPayer, type PayerScopes } from '../../../../functions/shared/scopes/scope-at-payer.ts';
import { parseScopes, writeScopes } from '../../../../functions/shared/scopes/scopes.ts';
import { holdsAtOnce } from '../../../fuzz/seeded.ts';
import { everyUnreadable } from '../../../support/payer/unreadable-scopes.ts';
import { words } from '../../../support/words.ts';

const requested = 'patient/*.rs offline_access';
const agreed = (payer: PayerScopes, answered: unknown): string =>
  writeScopes(scopeAtPayer(payer, parseScopes(requested), readGrantedScope(answered)));

/** Profiles of payers whose answer need not name resources: not asked for any, or for the payer's own, or `asRequested`. */
const trusting: readonly PayerScopes[] = [
  { scopes: [] },
  { scopes: ['openid', 'records'] },
  { scopes: [], grantedScope: 'asRequested' },
  { scopes: ['patient/*.rs', 'records'], grantedScope: 'asRequested' },
];

describe('a payer that need not name resources', () => {
  it.each([
    ...words(`
      openid OPENID fhirUser profile email address phone offline_access online_access launch launch/patient
      Launch/Patient launch/encounter launch/practitioner records clinical web-origins health_records
    `),
    // 1upHealth.
    'user',
    'openid records',
    'openid,records launch/patient',
    // Microsoft.
    'launch.patient',
  ])('grants what was asked for by %j', (answered) => {
    for (const payer of trusting) expect([payer, agreed(payer, answered)]).toEqual([payer, requested]);
  });

  it.each(everyUnreadable)('grants nothing by %j, alone or beside its own words', (answered) => {
    for (const payer of trusting) {
      for (const text of [answered, `openid ${answered}`, ['records', answered]]) {
        expect([payer, text, agreed(payer, text)]).toEqual([payer, text, 'offline_access']);
      }
    }
  });

  it.each(words('none no not null undefined nothing denied access_denied no-access false'))(
    'grants nothing by %j, which says so',
    (answered) => {
      for (const payer of trusting) {
        for (const text of [answered, answered.toUpperCase(), `openid ${answered}`]) {
          expect([payer, text, agreed(payer, text)]).toEqual([payer, text, 'offline_access']);
        }
      }
    },
  );

  const resource = { resource: 'Observation', actions: ['read'] };
  it.each<[unknown]>([[resource], [['patient/Observation.rs']], [null], [5], [true], [{}], [[]]])(
    'grants nothing by a list with %j in it, which is no text, alone or beside its own words',
    (part) => {
      for (const payer of trusting) {
        for (const list of [[part], ['openid', part], [part, 'records']]) {
          expect([payer, list, agreed(payer, list)]).toEqual([payer, list, 'offline_access']);
        }
        expect(agreed(payer, ['patient/Claim.r', part])).toBe('patient/Claim.r offline_access');
      }
    },
  );

  it.each<[unknown]>([[resource], [{ 'patient/Observation.rs': true }], [{}], [5], [false]])(
    'grants nothing by %j, which is neither a text nor a list',
    (answered) => {
      for (const payer of trusting) expect([payer, agreed(payer, answered)]).toEqual([payer, 'offline_access']);
    },
  );

  it('grants what it was asked for by words that its profile names, to the letter', () => {
    const own = ['https://plan.example/scopes/records', 'Member.Read', 'patient.records.read'];
    for (const payer of trusting) {
      const named = { ...payer, ownScopes: own };
      const asked = { ...payer, scopes: [...payer.scopes, ...own] };
      for (const profile of [named, asked]) {
        expect(agreed(profile, `openid ${own.join(' ')}`)).toBe(requested);
        expect(agreed(profile, `openid ${own.join(' ')} Member.Write`)).toBe('offline_access');
        expect(agreed(profile, `openid ${own.join(' ')} patient/Claim.r`)).toBe('patient/Claim.r offline_access');
      }
    }
  });

  it('grants what can be read of an answer, whatever is beside it', () => {
    for (const payer of trusting) {
      expect(agreed(payer, `openid user/Claim.r ${everyUnreadable[0]}`)).toBe('patient/Claim.r offline_access');
      expect(agreed(payer, 'user/*.*')).toBe(requested);
      // Epic's words for reading and searching a type.
      expect(agreed(payer, 'Patient.read Patient.search Claim.Read')).toBe(
        'patient/Patient.rs patient/Claim.r offline_access',
      );
    }
  });
});

describe('a payer whose profile lists scopes in its own spelling', () => {
  it.each<[string, string, string, string]>([
    ['upper case', 'Patient/Observation.Read', 'PATIENT/CLAIM.READ', 'Patient/*.read'],
    ['the context again', 'patient/observation.read', 'patient/claim.read', 'patient/*.read'],
    ["Epic's", 'Observation.Read Observation.Search', 'Claim.read Claim.search', 'patient/*.rs'],
    ["Microsoft's", 'patient.Observation.read', 'user.Claim.rs', 'patient.all.read'],
  ])('grants what it grants, in that spelling too: %s', (_what, one, other, all) => {
    const payer = { scopes: words(`launch/patient ${one} ${other}`) };
    expect(agreed(payer, `${one} ${other}`)).toBe('patient/Observation.rs patient/Claim.rs offline_access');
    expect(agreed(payer, undefined)).toBe('patient/Observation.rs patient/Claim.rs offline_access');
    expect(agreed(payer, one)).toBe('patient/Observation.rs offline_access');
    expect(agreed(payer, 'launch/patient')).toBe('offline_access');
    expect(agreed({ ...payer, grantedScope: 'asRequested' }, 'openid')).toBe(
      'patient/Observation.rs patient/Claim.rs offline_access',
    );
    expect(agreed({ scopes: [all] }, undefined)).toBe(requested);
    expect(agreed({ scopes: [all] }, one)).toBe('patient/Observation.rs offline_access');
  });

  // Those that a list can have, and that are not damaged scopes of SMART's.
  it.each(everyUnreadable.filter((word) => !/[\s,+%]|^(?:patient|system)[./]/i.test(word)))(
    'grants as asked by %j, which cannot be read, if its answer has all such words, and nothing if one is missing',
    (word) => {
      const payer = { scopes: ['openid', word, 'claims.all'] };
      expect(agreed(payer, undefined)).toBe(requested);
      expect(agreed(payer, `openid ${word} claims.all`)).toBe(requested);
      for (const answered of [word, `openid ${word}`, 'claims.all', 'openid']) {
        expect([answered, agreed(payer, answered)]).toEqual([answered, 'offline_access']);
      }
      const silent = { ...payer, grantedScope: 'asRequested' } as const;
      expect(agreed(silent, 'openid')).toBe(requested);
      expect(agreed(silent, `openid ${word}`)).toBe('offline_access');
    },
  );
});

/** What may happen to one scope, or to what is between two, on its way into an answer. */
const damage: fc.Arbitrary<(text: string) => string> = fc.oneof(
  fc
    .constantFrom('https://plan.example/', 'urn:plan:', 'my-', '"', "'", '(', '[', '{', '\u200b', '\u{feff}', '%', '+')
    .map((before) => (text: string) => `${before}${text}`),
  fc
    .constantFrom('"', ';', '|', ']', ')', '.', '/', '\u200b', '%20', '#', '&', '=')
    .map((after) => (text: string) => `${text}${after}`),
  fc
    .constantFrom('.', ':', '-', '_', '|', '\\', '//', '\u2215', ' / ')
    .map((slash) => (text: string) => text.replaceAll('/', slash)),
  fc
    .constantFrom(';', '|', '", "', ',"', '\u200b', '\u00ad', '%2520', '&')
    .map((blank) => (text: string) => text.replaceAll(' ', blank)),
  fc.constantFrom(
    encodeURIComponent,
    (text: string) => encodeURIComponent(encodeURIComponent(text)),
    (text: string) => JSON.stringify(text.split(' ')),
    (text: string) => JSON.stringify({ scope: text }),
    (text: string) => Buffer.from(text).toString('base64'),
    (text: string) => text.toLowerCase(),
    (text: string) => text.toUpperCase(),
    (text: string) => text.replace('patient', 'p\u0430tient'),
    (text: string) => text.replaceAll(/(patient|user)\//g, ''),
    (text: string) => text.replaceAll(/(patient|user)\//g, 'system/'),
    (text: string) => text.replaceAll('.', ':'),
  ),
);

it('whatever happens to the scopes of an answer, a partner never reads a type that they do not name', () => {
  const granted = fc.subarray(
    words('patient/Observation.rs user/Observation.read patient/Goal.r launch/patient openid'),
    {
      minLength: 1,
    },
  );
  holdsAtOnce(
    fc.tuple(granted, fc.array(damage, { minLength: 1, maxLength: 3 }), fc.constantFrom(...trusting)),
    ([scopes, damages, payer]) => {
      fc.pre(scopes.some((one) => /Observation|Goal/.test(one)));
      const answered = damages.reduce((text, harm) => harm(text), scopes.join(' '));
      const held = heldByPartner(scopeAtPayer(payer, parseScopes(requested), readGrantedScope(answered)));
      expect([answered, [...held.keys()].filter((type) => !scopes.join().includes(type))]).toEqual([answered, []]);
    },
    20_000,
  );
});
