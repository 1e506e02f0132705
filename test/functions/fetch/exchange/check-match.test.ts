import { checkMatch } from '../../../../functions/fetch/exchange/check-match.ts';
import { GatewayError, type Mistake } from '../../../../functions/shared/errors.ts';
import { parseObject } from '../../../../functions/shared/json/json-object.ts';
import { sha256 } from '../../../../functions/shared/store/crypto.ts';
import { createValidator, type ResourceWithMeta } from '../../../profiles/validate.ts';
import { matchParameters, memberBundle, npi } from '../../../support/member-bundle.ts';

const oldPlan = '9876543213';
const newPlan = '1234567893';
const plans = {
  source: [
    { system: npi, value: oldPlan },
    { system: 'urn:oid:2.16.840.1.113883.6.300', value: '12345' },
  ],
  recipient: [{ system: npi, value: newPlan }],
};
/** Noon, 1 June 2026, UTC. */
const now = Date.UTC(2026, 5, 1, 12);
const bundle = (id = 'patient-1', dates = {}) => memberBundle(id, { oldPlan, newPlan }, dates);

/** `Patient.name` is `part[0].resource.name`; `Link` is the coverage at the new plan. */
const inParts = (place: string): string =>
  place.replace(
    /^(?:Patient|Coverage|Consent|Link)/,
    (part) => `part[${['Patient', 'Coverage', 'Consent', 'Link'].indexOf(part)}].resource`,
  );

/** A copy with one value changed; `undefined` takes it away. The place is written as in FHIRPath: `Consent.status`. */
const edit = (value: unknown, place: string, to: unknown): unknown => {
  const copy: unknown = JSON.parse(JSON.stringify(value));
  const names = inParts(place.replace('|', ''))
    .split(/[.[\]]+/)
    .filter((name) => name !== '');
  const last = names.pop() ?? '';
  const parent = names.reduce((at, name) => at[name] as Record<string, unknown>, copy as Record<string, unknown>);
  if (to !== undefined) parent[last] = to;
  else if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete parent[last];
  return copy;
};

const check = (parameters: unknown, nowMs = now) =>
  checkMatch(parseObject(JSON.stringify(parameters)) ?? {}, plans, nowMs);

const refusal = (parameters: unknown, nowMs = now): GatewayError => {
  try {
    check(parameters, nowMs);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

const mistakes = (one: unknown): readonly Mistake[] => refusal(matchParameters(one)).mistakes;

const isTaken = (one: unknown): boolean => {
  try {
    return check(matchParameters(one)).length > 0;
  } catch {
    return false;
  }
};

/** Every place below a value, in dots: `part.0.resource.id`. */
const placesIn = (value: unknown, at: string): string[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([name, one]) => [`${at}.${name}`].concat(placesIn(one, `${at}.${name}`)));

const valueAt = (value: unknown, place: string): unknown =>
  place.split('.').reduce((at, name) => (at as Record<string, unknown>)[name], value);

const other = { reference: 'Patient/another' };
const organization = (value: string, more = {}) => ({
  resourceType: 'Organization',
  id: 'plan',
  identifier: [{ system: npi, value }],
  ...more,
});
const plan = (value: string, system = npi) => ({ identifier: { system, value } });
const coded = (system: string, code: string) => ({
  coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code }],
});
const discloser = (value: string) => ({
  role: coded('provenance-participant-type', 'performer'),
  reference: plan(value),
});
const third = '1111111112';
const receiver = (value: string) => ({ role: coded('v3-ParticipationType', 'IRCP'), reference: plan(value) });
const sensitive = 'http://hl7.org/fhir/us/davinci-hrex/StructureDefinition-hrex-consent.html#sensitive';
const parent = (more: object) => ({
  resourceType: 'RelatedPerson',
  id: 'p',
  patient: { reference: 'Patient/patient-1' },
  ...more,
});
/** A place, up to `|` as the answer names it; the value there; what is named, if that is elsewhere. */
type Row = [what: string, place: string, to: unknown, named?: string];

describe('a match of members', () => {
  it("of the guide's example is taken, and says under which consent each is asked for", () => {
    const asked = [bundle('patient-1'), bundle('patient-2')];
    const text = JSON.stringify(asked[0]?.part[2]?.resource);
    const sorted = JSON.stringify(
      JSON.parse(text, (_, value: unknown) =>
        typeof value === 'object' && value !== null && !Array.isArray(value)
          ? Object.fromEntries(Object.entries(value).sort(([one], [two]) => (one < two ? -1 : 1)))
          : value,
      ),
    );
    expect(check(matchParameters(...asked))).toEqual([
      { patient: 'patient-1', consent: { id: 'consent-1', hash: sha256(sorted), endsAt: '2026-08-31' } },
      { patient: 'patient-2', consent: { id: 'consent-1', hash: expect.any(String), endsAt: '2026-08-31' } },
    ]);
  });

  // HRex 1.0.0 and the main branch of HL7/davinci-ehrx agree on each of these.
  it.each<[string, string, unknown]>([
    ['without a coverage at the new plan', 'part[3]', undefined],
    [
      'whose birth sex is known, and no gender',
      'Patient',
      {
        ...bundle().part[0]?.resource,
        gender: undefined,
        extension: [{ url: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex', valueCode: 'F' }],
      },
    ],
    ['born in a year that is all that is known', 'Patient.birthDate', '1974'],
    ['born today', 'Patient.birthDate', '2026-06-01'],
    ['with the longest id', 'Patient.photo', [{ data: 'A'.repeat(65_536) }]],
    [
      'whose coverage names the plan by its other identifier',
      'Coverage.payor[0]',
      plan('12345', 'urn:oid:2.16.840.1.113883.6.300'),
    ],
    ['whose coverage has a subscriber id alone', 'Coverage.identifier', undefined],
    ['whose coverage has a member id alone', 'Coverage.subscriberId', undefined],
    [
      'whose consent names the old plan twice',
      'Consent.provision.actor',
      [discloser(oldPlan), discloser(oldPlan), receiver(newPlan)],
    ],
    ['whose consent names its custodian', 'Consent.organization', [plan(oldPlan)]],
    ['whose consent permits sensitive data too', 'Consent.policy[0].uri', sensitive],
  ])('%s is taken', (_, place, to) => {
    expect(check(matchParameters(edit(bundle(), place, to)))).toHaveLength(1);
  });

  it('is taken if a contained Organization has the identifier, and a parent agreed for a child', () => {
    const changes: readonly (readonly [string, unknown])[] = [
      ['Coverage.payor[0]', { reference: '#plan' }],
      ['Coverage.contained', [organization(oldPlan)]],
      ['Consent.contained', [parent({})]],
      ['Consent.performer', [{ reference: '#p' }]],
    ];
    const child = changes.reduce<unknown>((one, change) => edit(one, ...change), bundle());
    expect(check(matchParameters(child))).toHaveLength(1);
  });

  it.each<Row>([
    // The shape: pdex-144, 145.
    ['a bundle of another name', '|name', 'Member'],
    ['a bundle with a value', '|valueString', 'x'],
    ['a bundle with a resource', '|resource', {}],
    ['a bundle without parts', '|part', undefined],
    ['no MemberPatient', '|part[0]', undefined],
    ['no CoverageToMatch', '|part[1]', undefined],
    ['no Consent', '|part[2]', undefined],
    ['a second Consent', '|part[3]', bundle().part[2]],
    ['a second MemberPatient', '|part[3]', bundle('patient-2').part[0]],
    ['a part of another name', 'part[3]|.name', 'Claims'],
    ['a part of another type', 'part[3]|.resource', { resourceType: 'Patient', id: 'x' }],
    ['a part with a value', 'part[3]|.valueString', 'x'],
    // The member: hrex-patient-demographics.
    ['a member without an id', 'Patient.id', undefined],
    ['a member with an id over 64 characters', 'Patient.id', 'a'.repeat(65)],
    ['a member without a name', 'Patient.name', undefined],
    ['a member with no names', 'Patient.name', []],
    ['a name without family', 'Patient.name|[0].family', undefined],
    ['a name without given', 'Patient.name|[0].given', []],
    ['a member without birthDate', 'Patient.birthDate', undefined],
    ['a member born tomorrow', 'Patient.birthDate', '2026-06-02'],
    ['a member born at a time', 'Patient.birthDate', '1974-12-25T00:00:00Z'],
    ['a member without gender', 'Patient.gender', undefined],
    ['a gender of another code system', 'Patient.gender', 'F'],
    // The coverage: hrex-coverage.
    ['a coverage of another member', 'Coverage.beneficiary', other],
    [
      'a coverage of a member on another server',
      'Coverage.beneficiary|.reference',
      'https://example.org/fhir/Patient/patient-1',
    ],
    ['a coverage without a status', 'Coverage.status', undefined],
    ['a coverage entered in error', 'Coverage.status', 'entered-in-error'],
    ['a coverage without relationship', 'Coverage.relationship', undefined],
    ['a coverage at another plan', 'Coverage.payor|[0]', plan(newPlan)],
    ["a coverage with the plan's number in another system", 'Coverage.payor|[0]', plan(oldPlan, 'urn:other')],
    ['a coverage that names no plan by an identifier', 'Coverage.payor|[0]', { display: 'Old Health Plan' }],
    ['a coverage that names a record on a server', 'Coverage.payor|[0]', { reference: 'Organization/1' }],
    // The consent: hrex-consent, mm-1.
    ['a consent without an id', 'Consent.id', undefined],
    ['a consent that is proposed', 'Consent.status', 'proposed'],
    ['a consent that is inactive', 'Consent.status', 'inactive'],
    ['a consent to research', 'Consent.scope|.coding[0].code', 'research'],
    ['a consent of another category', 'Consent.category|[0].coding[0].code', 'INFA'],
    ['a consent of another member', 'Consent.patient', other],
    ['a consent of nobody', 'Consent.patient', undefined],
    ['a consent that another member gave', 'Consent.performer|[0]', other],
    ['a consent that nobody gave', 'Consent.performer', undefined],
    ['a consent that two gave', 'Consent.performer|[1]', { reference: 'Patient/patient-1' }],
    ['a consent without a source', 'Consent.source|Reference', undefined],
    ['a consent with its source attached', 'Consent.source|Attachment', { data: 'AAAA' }],
    ['a consent without a policy', 'Consent.policy', undefined],
    ['a consent under another policy', 'Consent.policy|[0].uri', 'https://example.org/policy'],
    ['a consent under both policies', 'Consent.policy|[1]', { uri: sensitive }],
    ['a consent that was found untrue', 'Consent.verification', [{ verified: false }]],
    ['a consent with a status in capitals beside it', 'Consent|.Status', 'inactive'],
    ['a consent with a type in capitals beside it', 'Consent.provision|.TYPE', 'deny'],
    ['a consent with a purpose in capitals', 'Consent.provision|.PURPOSE', []],
    ['a consent with an end in capitals', 'Consent.provision.period|.End', '2020'],
    ['two contained Organizations of one id', 'Consent.contained', [organization(oldPlan), organization(newPlan)]],
    ['an opt-out', 'Consent.provision.type', 'deny'],
    ['a consent without a type', 'Consent.provision.type', undefined],
    ['a consent for another old plan', 'Consent.provision.actor|[0].reference', plan(newPlan)],
    ['a consent without an old plan', 'Consent.provision.actor|[0]', undefined],
    ['a consent for another new plan', 'Consent.provision.actor|[1].reference', plan(oldPlan)],
    ['a consent without a new plan', 'Consent.provision.actor|[1]', undefined],
    [
      'a consent whose plans are the other way round',
      'Consent.provision.actor',
      [discloser(newPlan), receiver(oldPlan)],
    ],
    ['a consent for two old plans', 'Consent.provision.actor|[2]', discloser(third), 'Consent.provision.actor'],
    ['a consent for two new plans', 'Consent.provision.actor|[2]', receiver(third), 'Consent.provision.actor'],
    [
      'a consent that names a third plan in another role',
      'Consent.provision.actor|[2]',
      { ...receiver(third), role: coded('v3-ParticipationType', 'CST') },
      'Consent.provision.actor',
    ],
    [
      'a consent with a receiver on a server',
      'Consent.provision.actor|[2]',
      { ...receiver(third), reference: { reference: 'https://example.org/Organization/1' } },
      'Consent.provision.actor',
    ],
    ['a consent in the keeping of a third plan', 'Consent.organization', [plan(third)], 'Consent.provision.actor'],
    ['a role of another code system', 'Consent.provision.actor|[1].role.coding[0].system', 'http://example.org/roles'],
    ['a consent to collect', 'Consent.provision.action|[0].coding[0].code', 'collect'],
    ['a consent to more than to disclose', 'Consent.provision.action|[1]', { coding: [] }],
    ...['securityLabel', 'purpose', 'class', 'code', 'dataPeriod', 'data', 'provision'].map((name): Row => [
      `a consent narrowed by ${name}`,
      `Consent.provision.${name}`,
      [{}],
    ]),
    ['a consent without a period', 'Consent.provision.period', undefined],
    ['a consent without an end', 'Consent.provision.period|.end', undefined],
    ['a consent with an end that is no date', 'Consent.provision.period|.end', '2026-02-30'],
    // The new coverage.
    ['a new coverage of another member', 'Link.beneficiary', other],
    ['a new coverage at a third plan', 'Link.payor|[0]', plan('1111111112')],
    ['somebody by an NPI whose check digit does not fit', 'Coverage.policyHolder', plan('1234567890')],
    // What no resource may have.
    ['an attachment that is too long', 'Patient.photo', [{ data: 'A'.repeat(65_537) }], 'Patient.photo[0].data'],
    [
      'what changes the meaning of a consent',
      'Consent.provision.modifierExtension',
      [{ url: 'http://example.org/not' }],
    ],
    ['rules of another guide', 'Consent.implicitRules', 'http://example.org/rules'],
    [
      'a resource in an element',
      'Patient.generalPractitioner',
      [{ resourceType: 'Patient' }],
      'Patient.generalPractitioner[0]',
    ],
    // What would say who somebody else is.
    ['an id of a bundle that is a person', '|id', { resourceType: 'Patient', id: 'x' }],
    ['an id of a part that is a person', 'part[0]|.id', { resourceType: 'Patient', id: 'x' }],
    ['a link to another patient', 'Patient.link', [{ other: { ...other, display: 'x' }, type: 'seealso' }]],
    ['a contact', 'Patient.contact', [{ name: { family: 'x' } }]],
    [
      'a name in an extension',
      'Patient.extension',
      [{ url: 'urn:x', valueHumanName: { family: 'x' } }],
      'Patient.extension[0]',
    ],
    ...['Patient', 'Coverage', 'Consent'].flatMap((at) =>
      [
        { resourceType: 'RelatedPerson', id: 'x', patient: { reference: 'Patient/patient-1' } },
        { resourceType: 'DocumentReference', id: 'x', subject: other },
        { resourceType: 'Organization', id: 'x', name: 'x' },
      ].map((one): Row => [
        `a contained ${one.resourceType} that nothing of ${at} refers to`,
        `${at}.contained`,
        [one],
      ]),
    ),
    // What says that the member does not agree.
    ['a verification that is no list', 'Consent.verification', { verified: false }],
    ['a verification in a list of lists', 'Consent.verification', [[{ verified: false }]]],
    ['a rule to opt out', 'Consent.policyRule', coded('v3-ActCode', 'OPTOUT')],
    ['a rule in words', 'Consent.policyRule', { text: 'no' }],
    ['an opt-out among its categories', 'Consent.category[1]', coded('v3-ActCode', 'OPTOUTE'), 'Consent.policyRule'],
    [
      'a record on a server beside the identifier of its old plan',
      'Consent.provision.actor|[0].reference.reference',
      'https://example.org/Organization/1',
    ],
    ['another patient contained', 'Consent.contained', [{ resourceType: 'Patient', id: 'x' }]],
    ['too many contained', 'Coverage.contained', Array.from({ length: 11 }, () => organization(oldPlan))],
    ['contained in contained', 'Coverage.contained', [organization(oldPlan, { contained: [] })]],
    // Primitives that R4 does not allow: https://hl7.org/fhir/R4/datatypes.html.
    ...[1.5, -(2 ** 31) - 1, 2 ** 31].map((to): Row => [`an integer of ${to}`, 'Patient.multipleBirthInteger', to]),
    ...[-1.7, 0].map((to): Row => [`a positiveInt of ${to}`, 'Coverage.order', to]),
    ...['\u0000', '\u0085', '\u202E', '\u2066', '\u2028', '\uD800', '\uDC00\uD800', '\uFFFF'].map((char): Row => [
      `a name with U+${char.charCodeAt(0).toString(16)}`,
      'Patient.name[0].family',
      `Per${char}son`,
    ]),
    ...['x y', ' phone', 'Phone', '1'].map((system): Row => [
      `a telecom of ${system}`,
      'Patient.telecom',
      [{ system, value: '1' }],
      'Patient.telecom[0].system',
    ]),
    ...['urn:x\ny', 'urn:x y', ''].map((to): Row => [
      `a system of ${JSON.stringify(to)}`,
      'Patient.identifier[0].system',
      to,
    ]),
    ['an extension with an empty url', 'Patient.extension', [{ url: '', valueId: 'x' }], 'Patient.extension[0].url'],
    ...[{ valueString: 'x' }, { url: 'urn:x' }, { url: 'urn:x', valueId: 'x', extension: [{ url: 'urn:x' }] }].map(
      (one): Row => [
        `an extension of ${Object.keys(one).join(' and ')}`,
        'Patient.extension',
        [one],
        'Patient.extension[0]',
      ],
    ),
    ...[{}, { id: 'x' }].map((to): Row => [
      `an identifier of ${JSON.stringify(to)}`,
      'Patient.identifier',
      [to],
      'Patient.identifier[0]',
    ]),
    ['no addresses', 'Patient.address', []],
    ['a blank text', 'Coverage.class[0].name', ' \t'],
    ['a code with two blanks', 'Patient.language', 'en  US'],
    ['a day that does not exist', 'Patient.deceasedDateTime', '2026-02-30'],
    ['a time without a zone', 'Patient.deceasedDateTime', '2026-02-03T10:00:00'],
    ['an instant that is a day', 'Consent.meta', { lastUpdated: '2026-02-03' }, 'Consent.meta.lastUpdated'],
    ...['AAA', 'AAAA!', `${'AAAA \n '.repeat(9000)}!`].map((data, at): Row => [
      `an attachment that is no base64: ${at}`,
      'Patient.photo',
      [{ data }],
      'Patient.photo[0].data',
    ]),
    ['a name that is null', 'Patient.name[0].given', ['Ann', null], 'Patient.name[0].given[1]'],
    ['an empty element beside a value', 'Patient|._gender', {}, 'Patient.gender'],
    ['an id beside no value', 'Patient._deceasedBoolean', { id: 'x' }, 'Patient.deceasedBoolean'],
    ['nothing beside nothing', 'Patient.name[0]._suffix', [null], 'Patient.name[0].suffix[0]'],
  ])('with %s is refused', (_, place, to, named = place.split('|')[0]!) => {
    const found = mistakes(edit(bundle(), place, to));
    const expression = ['Parameters.parameter[0]', inParts(named)].filter((part) => part !== '').join('.');
    expect(found.map((one) => one.expression)).toContain(expression);
    // One mistake is named once, but a change may break two rules.
    expect(found.length).toBeLessThanOrEqual(2);
  });

  it('with a number that no computer has is refused', () => {
    const text = JSON.stringify(matchParameters(edit(bundle(), 'Coverage.order', 7)));
    const parameters = parseObject(text.replace('"order":7', '"order":1e999'))!;
    const found = { code: 'invalid', expression: 'Parameters.parameter[0].part[1].resource.order' };
    expect(() => checkMatch(parameters, plans, now)).toThrow(
      expect.objectContaining({ mistakes: [expect.objectContaining(found)] }),
    );
  });

  it.each<[string, unknown]>([
    ['Patient.multipleBirthInteger', 0],
    ['Coverage.order', 2 ** 31 - 1],
    ['Patient.name[0].family', 'O\u2019Brien\u00A0Mu\u00F1oz \u5C71\u3000\uD842\uDFB7 \u200Fx'],
    ['Patient.text.div', '<div xmlns="http://www.w3.org/1999/xhtml">\r\n\t<p>x</p></div>'],
    ['Patient.telecom', [{ system: 'phone', value: '1', use: 'home', rank: 1, period: { start: '2026-02' } }]],
    ['Patient.language', 'en-US'],
    ['Patient.deceasedDateTime', '2026-02-03T10:00:00.25-05:00'],
    ['Patient.photo', [{ contentType: 'image/png', data: 'AAAA\r\nAA==', size: 0 }]],
    [
      'Patient.name[0]',
      { given: ['A', null], _given: [null, { extension: [{ url: 'urn:x', valueCode: 'x y' }] }], family: 'B' },
    ],
    ['Coverage.costToBeneficiary', [{ valueQuantity: { value: 1e21, comparator: '>=', code: 'a b' } }]],
    ['Coverage.costToBeneficiary', [{ valueMoney: { value: 0.5e-6, currency: 'USD' } }]],
  ])('with %s as %j has the form of R4', (place, to) => {
    const named = (() => {
      try {
        return check(matchParameters(edit(bundle(), place, to))).map(() => '');
      } catch (error) {
        return (error as GatewayError).mistakes.map(({ expression }) => expression);
      }
    })();
    // HRex asks for more of a name than R4.
    expect(named).toEqual(place === 'Patient.name[0]' ? ['Parameters.parameter[0].part[0].resource.name'] : ['']);
  });

  it.each<[string, string, unknown, string, unknown]>([
    [
      'a contained Organization of another plan',
      'Coverage.payor[0]',
      { reference: '#plan' },
      'Coverage.contained',
      organization(newPlan),
    ],
    [
      'two names for its plan',
      'Coverage.payor[0]',
      { reference: '#plan', ...plan(oldPlan) },
      'Coverage.contained',
      organization(newPlan),
    ],
    [
      'a contained Organization of two NPIs, of which one is not its',
      'Coverage.payor[0]',
      { reference: '#plan' },
      'Coverage.contained',
      organization(oldPlan, { identifier: [plan(oldPlan).identifier, plan(newPlan).identifier] }),
    ],
    ...[
      ['of another child', { patient: other }] as const,
      ['who is no longer', { active: false }] as const,
      ...[{ end: '2026-05-31' }, { start: '2026-06-02' }].map(
        (period) => [`from another time: ${JSON.stringify(period)}`, { period }] as const,
      ),
    ].map(([who, more]): [string, string, unknown, string, unknown] => [
      `a contained parent ${who}`,
      'Consent.performer',
      [{ reference: '#p' }],
      'Consent.contained',
      parent(more),
    ]),
  ])('with %s is refused', (_, place, to, second, contained) => {
    expect(mistakes(edit(edit(bundle(), place, to), second, [contained])).map((one) => one.expression)).toEqual([
      `Parameters.parameter[0].${inParts(place).replace('payor[0]', 'payor')}`,
    ]);
  });

  it.each([
    [
      'a DocumentReference about another',
      'Consent.sourceReference',
      { reference: '#x' },
      { resourceType: 'DocumentReference', id: 'x', subject: other },
    ],
    [
      'a person in its Organization',
      'Consent.organization',
      [{ reference: '#x' }],
      organization(newPlan, { id: 'x', contact: [{ name: { family: 'x' } }] }),
    ],
  ])('that contains %s is refused', (_, place, to, one) => {
    const changed = edit(edit(bundle(), 'Consent.contained', [one]), place, to);
    expect(mistakes(changed).map(({ expression }) => expression)).toEqual([
      expect.stringContaining(inParts('Consent.contained')),
    ]);
  });

  const document = { resourceType: 'DocumentReference', id: 'x', status: 'current', author: [] };
  const ofDocument = { 'Consent.sourceReference': { reference: '#x' }, 'Consent.contained': [document] };
  // Elements of R4 that refer to something; before them what they need.
  describe.each<[string, Record<string, unknown>?]>([
    ['Patient.generalPractitioner[0]', { 'Patient.generalPractitioner': [] }],
    ['Patient.managingOrganization'],
    ['Patient.identifier[0].assigner'],
    ['Coverage.policyHolder'],
    ['Coverage.subscriber'],
    ['Coverage.beneficiary'],
    ['Link.payor[0]'],
    ['Coverage.contract[0]', { 'Coverage.contract': [] }],
    ['Consent.patient'],
    ['Consent.performer[0]'],
    ['Consent.organization[0]', { 'Consent.organization': [] }],
    ['Consent.sourceReference'],
    ['Consent.verification[0].verifiedWith', { 'Consent.verification': [{ verified: true }] }],
    ['Consent.provision.actor[2].reference', { 'Consent.provision.actor[2]': receiver(newPlan) }],
    [
      'Coverage.contained[0].partOf',
      { 'Coverage.payor': [{ reference: '#plan' }], 'Coverage.contained': [organization(oldPlan)] },
    ],
    [
      'Consent.contained[0].identifier[0].assigner',
      { 'Consent.performer': [{ reference: '#p' }], 'Consent.contained': [parent({ identifier: [{}] })] },
    ],
    ['Consent.contained[0].author[0]', ofDocument],
    ['Consent.contained[0].authenticator', ofDocument],
    ['Consent.contained[0].custodian', ofDocument],
  ])('in %s', (place, needs = {}) => {
    const ready = Object.entries(needs).reduce<unknown>((one, [at, to]) => edit(one, at, to), bundle());
    const display = 'Another, Person';
    const identifier = { system: 'http://hl7.org/fhir/sid/us-ssn', value: '123-45-6789' };
    const byType = { type: coded('v2-0203', 'MB'), value: '1' };

    it.each<[object]>([
      [{ reference: 'Patient/patient-1', identifier }],
      [{ reference: 'Patient/patient-1', display }],
      [{ reference: 'Patient/another', display }],
      [{ reference: 'Patient/another/_history/1', identifier }],
      [{ reference: 'RelatedPerson/x/', identifier }],
      [{ reference: 'Person/x', display }],
      [{ reference: 'https://example.org/fhir/Patient/another', display }],
      [{ reference: 'Patient?identifier=http://hl7.org/fhir/sid/us-ssn|123-45-6789' }],
      [{ reference: 'urn:uuid:3b1c2c0e-0000-4000-8000-000000000000', type: 'Patient', identifier }],
      [{ reference: '#nobody', display }],
      [{ reference: 'Organization/1', type: 'Patient', display }],
      [{ type: 'Patient', identifier, display }],
      [{ type: 'RelatedPerson', identifier: { value: '1' } }],
      [{ type: 'http://hl7.org/fhir/StructureDefinition/Patient', display }],
      [{ type: 'Organization', identifier }],
      [{ type: 'Organization', identifier: byType }],
      [{ identifier }],
      [{ identifier: byType }],
    ])('%j is refused', (to) => {
      const at = `Parameters.parameter[0].${inParts(place)}`;
      expect(mistakes(edit(ready, place, to)).map(({ expression }) => expression)).toContain(at);
    });
  });

  it.each<[string, object]>([
    ['Patient.generalPractitioner', [{ reference: 'Practitioner/1', display: 'Dr. Example' }, { display: 'x' }]],
    ['Patient.generalPractitioner', [{ type: 'Practitioner', identifier: { system: npi, value: newPlan } }]],
    ['Coverage.subscriber', { reference: 'Patient/another' }],
    ['Coverage.subscriber', { reference: 'https://example.org/fhir/RelatedPerson/1' }],
    ['Coverage.policyHolder', { reference: 'urn:uuid:3b1c2c0e-0000-4000-8000-000000000000' }],
    ['Coverage.policyHolder', { reference: 'Organization/1', display: 'An employer' }],
    ['Coverage.policyHolder', plan('1111111112')],
    ['Coverage.policyHolder', { type: 'Organization', identifier: { system: 'urn:x', value: '1' }, display: 'x' }],
    ['Link.payor[0]', { ...plan('1234567893'), display: 'New Health Plan' }],
    ['Consent.provision.actor[2]', { ...receiver(newPlan), reference: { ...plan(newPlan), display: 'x' } }],
    ['Consent.organization', [{ display: 'Old Health Plan' }]],
  ])('%s can be %j', (place, to) => {
    expect(check(matchParameters(edit(bundle(), place, to)))).toHaveLength(1);
  });

  it('is refused whatever the case of a name, and the form of a value, that R4 does not have there', () => {
    const all = bundle().part.flatMap(({ resource }, index) => placesIn(resource, `part.${index}.resource`));
    const added = 'modifierExtension implicitRules resourceType contained sourceAttachment verification'.split(' ');
    const beside = (place: string): unknown[] => {
      const at = place.slice(0, place.lastIndexOf('.'));
      const name = place.slice(at.length + 1);
      if (/^\d+$/.test(name)) return [];
      const cased = [name, ...added].flatMap((one) => [
        one.charAt(0).toUpperCase() + one.slice(1),
        one.toUpperCase(),
        one.replace('s', '\u017F'),
        `${one} `,
      ]);
      return cased
        .filter((one) => one !== name && !added.includes(one))
        .map((one) => edit(bundle(), `${at}.${one}`, valueAt(bundle(), place)));
    };
    const formed = (place: string): unknown[] => {
      const value = valueAt(bundle(), place);
      return [[value], [[value]], { x: value }, 0, true, null].map((to) => edit(bundle(), place, to));
    };
    const taken = all.flatMap((place) =>
      [...beside(place), ...formed(place)].flatMap((one, at) => (isTaken(one) ? [`${place} ${at}`] : [])),
    );
    expect([all.length > 120, taken]).toEqual([true, []]);
  });

  const startOfDay = Date.UTC(2026, 5, 1);
  const endOfDay = Date.UTC(2026, 5, 2) - 1;
  it.each([
    ['ends today, at its last moment', { end: '2026-06-01' }, endOfDay, true],
    ['ended yesterday', { end: '2026-05-31' }, startOfDay, false],
    ['starts today', { start: '2026-06-01' }, startOfDay, true],
    ['starts tomorrow', { start: '2026-06-02' }, endOfDay, false],
    ['ends this month', { end: '2026-06' }, endOfDay, true],
    ['ends in an hour', { end: '2026-06-01T13:00:00Z' }, now, true],
    ['ended an hour ago, where it is not yet noon', { end: '2026-06-01T04:00:00-07:00' }, now, false],
    ['starts later today', { start: '2026-06-01T12:00:01Z' }, now, false],
  ])('whose consent %s: taken %#', (_, period, nowMs, taken) => {
    const one = matchParameters(bundle('patient-1', period));
    if (taken) expect(check(one, nowMs)).toHaveLength(1);
    else expect(refusal(one, nowMs).mistakes.map(({ code }) => code)).toEqual(['business-rule']);
  });

  it("that is taken is valid by HRex's own profiles, whatever one element it lacks; and little else is refused", () => {
    const validate = createValidator();
    const profiles: Readonly<Record<string, string>> = {
      Patient: 'hrex-patient-demographics',
      Coverage: 'hrex-coverage',
      Consent: 'hrex-consent',
    };
    const isValid = (resource: ResourceWithMeta): boolean => {
      const profile = `http://hl7.org/fhir/us/davinci-hrex/StructureDefinition/${profiles[resource.resourceType]}`;
      return validate({ ...resource, meta: { profile: [profile] } }).length === 0;
    };
    const isOnlyItem = (place: string): boolean => {
      const list = valueAt(bundle(), place.slice(0, place.lastIndexOf('.')));
      return Array.isArray(list) && list.length === 1;
    };
    let count = 0;
    const lacking = (place: string) => edit(bundle(), place, undefined) as ReturnType<typeof bundle>;
    const different = bundle().part.flatMap(({ resource }, index) => {
      expect(isValid(resource)).toBe(true);
      // An empty list is none, so the only item of a list is not taken away.
      const places = placesIn(resource, `part.${index}.resource`).filter((place) => !isOnlyItem(place));
      count += places.length;
      return places
        .map((place) => ({
          place,
          valid: isValid(lacking(place).part[index]!.resource),
          taken: isTaken(lacking(place)),
        }))
        .filter(({ valid, taken }) => valid !== taken);
    });
    expect(validate({ ...matchParameters(bundle()), meta: {} })).toEqual([]);
    expect(count).toBeGreaterThan(120);
    expect(different.filter(({ taken }) => taken)).toEqual([]);
    const refused = different.map(({ place }) =>
      place.replace('.resource', '').replace(/^part\.\d/, (part) => bundle().part[Number(part.slice(-1))]!.name),
    );
    // What the place is in would be empty, as R4 has nothing (ele-1): the validator does not look at that.
    const isEmptied = /\.(?:identifier\.0\.type\.coding|assigner\.display)$/;
    expect(
      refused.filter((place) => !/\.(?:reference|payor\.0)\.identifier/.test(place) && !isEmptied.test(place)),
    ).toEqual([
      // By these the answer, and the audit, name the member and the consent.
      'MemberPatient.id',
      // HRex requires it since 1.1; the profiles here are 1.0's.
      'CoverageToMatch.relationship',
      'CoverageToMatch.relationship.coding',
      'Consent.id',
      // The validator does not look into this slice.
      'Consent.category.0.coding.0.system',
      'Consent.category.0.coding.0.code',
      'Consent.provision.actor',
      'CoverageToLink.relationship',
      'CoverageToLink.relationship.coding',
    ]);
  });

  it('names every failing bundle by its index and reason, and nothing that it says', () => {
    const parameters = matchParameters(
      bundle('patient-1'),
      edit(bundle('patient-2'), 'Consent.status', 'inactive'),
      bundle('patient-3'),
      edit(edit(bundle('patient-4'), 'Patient.birthDate', '2074-12-25'), 'Consent.patient', other),
    );
    const { mistakes: found, publicMessage, status } = refusal(parameters);
    expect(status).toBe(400);
    expect(publicMessage).toContain('2 of 4 members');
    expect(found.map(({ expression }) => expression)).toEqual([
      'Parameters.parameter[1].part[2].resource.status',
      'Parameters.parameter[3].part[0].resource.birthDate',
      'Parameters.parameter[3].part[2].resource.patient',
    ]);
    const text = publicMessage + JSON.stringify(found);
    for (const personal of ['patient-', 'Person', 'Patricia', '2074', '1974', '55678', 'DH1000', 'another']) {
      expect(text).not.toContain(personal);
    }
  });

  it('of two members under one id names both, since the answer could not tell them apart', () => {
    const found = refusal(matchParameters(bundle('a'), bundle('b'), bundle('a'))).mistakes;
    expect(found.map(({ code, expression }) => [code, expression])).toEqual([
      ['duplicate', 'Parameters.parameter[0]'],
      ['duplicate', 'Parameters.parameter[2]'],
    ]);
  });

  it('is of 1,000 members at most', () => {
    const all = Array.from({ length: 1001 }, (_, index) => bundle(`p${index}`));
    expect(check(matchParameters(...all.slice(1)))).toHaveLength(1000);
    expect(refusal(matchParameters(...all))).toMatchObject({ status: 413, mistakes: [] });
  });

  it('has bundles of 262,144 bytes at most', () => {
    const withText = (length: number) =>
      edit(bundle(), 'Patient.address', [
        { line: ['A'.repeat(60_000), 'A'.repeat(60_000), 'A'.repeat(60_000), 'A'.repeat(60_000), 'A'.repeat(length)] },
      ]);
    const rest = 262_144 - JSON.stringify(withText(0)).length;
    expect(check(matchParameters(withText(rest)))).toHaveLength(1);
    expect(mistakes(withText(rest + 1))).toMatchObject([{ code: 'too-long', expression: 'Parameters.parameter[0]' }]);
  });

  it('costs no more reads than it has bytes, whichever two lists or objects of it are at their largest, and is answered briefly', () => {
    let left = 0;
    /** A JSON value whose reads count. */
    const counted = (value: unknown): unknown =>
      typeof value !== 'object' || value === null
        ? value
        : new Proxy(value, {
            get: (target, name) => {
              left -= 1;
              if (left < 0) throw new Error('too many reads');
              return counted(Reflect.get(target, name));
            },
          });
    const held = Array.from({ length: 2 }, (_, at) => organization(oldPlan, { id: `o${at}`, extension: [{}] }));
    const rich = ['Patient', 'Coverage', 'Consent', 'Link'].reduce<unknown>(
      (one, at) => edit(one, `${at}.contained`, held),
      edit(bundle(), 'Consent.provision.actor[0].reference', { reference: '#none' }),
    );
    /** A list with more of its first item, or an object with more names. */
    const fill = (one: unknown, place: string, most: number): unknown => {
      const value = valueAt(one, place);
      const more = Array.from({ length: most }, (_, at) => [`${'k'.repeat(30)}${at}`, 0]);
      const filled = Array.isArray(value)
        ? Array.from({ length: most }, () => value[0] as unknown)
        : { ...(value as object), ...Object.fromEntries(more) };
      return edit(one, place, filled);
    };
    const longest = (parameters: unknown): number => {
      const text = JSON.stringify(parameters);
      left = text.length;
      try {
        checkMatch(counted(JSON.parse(text)) as Record<string, unknown>, plans, now);
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        return error.mistakes.length;
      }
      return 0;
    };
    const places = placesIn(rich, '')
      .map((place) => place.slice(1))
      .filter((place) => typeof valueAt(rich, place) === 'object' && !/\.text$|\.\d$/.test(place));
    const contained = 'part.2.resource.contained';
    const costly = places.flatMap((place) =>
      [10, 100, 1000].filter((most) => {
        const both = fill(fill(rich, contained, most === 100 ? 10 : most), place, most);
        return longest(matchParameters(both)) > 20;
      }),
    );
    expect([places.length > 50, places.includes(contained), costly]).toEqual([true, true, []]);
    const zeros = Array.from({ length: 1000 }, () => ({ name: 'MemberBundle', part: [0, 0, 0, 0] }));
    const part = Array.from({ length: 1900 }, () => 0);
    const many = Array.from({ length: 1000 }, () => ({ name: 'MemberBundle', part }));
    expect([zeros, many, [many[0]]].map((all) => longest(matchParameters(...all)))).toEqual([1000, 1000, 1]);
  });

  it.each([
    ['none', []],
    ['no list', 'x'],
  ])('with %s instead of members is refused', (_, parameter) => {
    expect(refusal({ resourceType: 'Parameters', parameter })).toMatchObject({ status: 400, mistakes: [] });
  });

  it.each([
    { contained: [] },
    { implicitRules: 'urn:x' },
    { id: { resourceType: 'Patient' } },
    { language: ['en'] },
    { meta: [] },
    { meta: { person: { resourceType: 'Patient' } } },
    { meta: { extension: [{ url: 'urn:x', valueString: 'x' }] } },
    { meta: { tag: [{ display: 'x' }] } },
    { meta: { profile: 'urn:x' } },
  ])('with %j beside its parameters is refused', (more) => {
    expect(refusal({ ...matchParameters(bundle()), ...more }).mistakes).toEqual([]);
  });

  it.each([null, 1, 'x', [], {}])('with %j for a member is refused', (one) => {
    expect(mistakes(one)).toMatchObject([{ code: 'structure', expression: 'Parameters.parameter[0]' }]);
  });
});
