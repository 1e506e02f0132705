import { makeSearchTargets, readGuideParameters, readSearchParameters } from '../../../../bin/make-search-targets.ts';
import {
  isFhirParameter,
  parseRecordSearch,
  readRecordSearch,
} from '../../../../functions/shared/fhir/record-search.ts';
import { packedSearchTargets } from '../../../../functions/shared/fhir/search-parameter-targets.ts';
import { isSearchParameter, readPacked, searchTargets } from '../../../../functions/shared/fhir/search-targets.ts';
import { isResourceType, resourceTypeOf, resourceTypes } from '../../../../functions/shared/scopes/resource-types.ts';
import { words } from '../../../support/words.ts';
import { gets, parse, refusal } from './requests.ts';

describe('the table of search parameters', () => {
  it('matches the current definitions of R4 and the guides, and is small', () => {
    const { types: _types, ...made } = makeSearchTargets([...readSearchParameters(), ...readGuideParameters()]);
    expect(readPacked(packedSearchTargets)).toEqual(made);
    expect(packedSearchTargets.length).toBeLessThan(8000);
  });

  it('uses the list of resource types that the configuration is checked against', () => {
    expect(makeSearchTargets(readSearchParameters()).types.split(' ')).toEqual(resourceTypes);
  });

  it('packs any reference, and a reference without targets, as ANY', () => {
    const parameters = [
      { code: 'a', type: 'reference', base: ['X', 'Resource'], target: ['X', 'Y'] },
      { code: 'b', type: 'reference', base: ['Y'] },
      { code: 'c', type: 'reference', base: ['Y'], target: ['X'] },
      { code: 'd', type: 'token', base: ['Y'] },
      { code: 'e', type: 'token', base: ['Z'] },
      { code: 'c', type: 'reference', base: ['Y'], target: ['Z'] },
      { code: '_query', type: 'token', base: ['Resource'] },
    ];
    expect(makeSearchTargets(parameters)).toEqual({
      types: 'Parameters X Y Z',
      sets: '1 2,*,1 3',
      parameters: 'a:0|1 4,b:1 c:2 d|2,e|3',
    });
  });

  it('knows what a parameter may point to, in any letter case', () => {
    expect(searchTargets('Observation', 'subject')).toEqual(['Device', 'Group', 'Location', 'Patient']);
    expect(searchTargets('Observation', 'PATIENT')).toEqual(['Patient']);
    expect(searchTargets('Provenance', 'target')).toEqual(['*']);
    expect(searchTargets('*', 'beneficiary')).toEqual(['Patient']);
    expect(searchTargets('Observation', 'code')).toBeUndefined();
    expect(searchTargets('*', 'nonsense')).toBeUndefined();
    expect(searchTargets('Nonsense', 'patient')).toBeUndefined();
  });

  it('knows which parameters a type has, spelled exactly', () => {
    expect(isSearchParameter('Observation', 'code')).toBe(true);
    expect(isSearchParameter('Observation', '_lastUpdated')).toBe(true);
    expect(isSearchParameter('*', '_id')).toBe(true);
    expect(isSearchParameter('Observation', '_text')).toBe(true);
    expect(isSearchParameter('Parameters', '_id')).toBe(true);
    expect(isSearchParameter('Bundle', '_text')).toBe(false);
    expect(isSearchParameter('*', '_text')).toBe(false);
    expect(isSearchParameter('*', 'code')).toBe(false);
    expect(isSearchParameter('Observation', 'Code')).toBe(false);
    expect(isSearchParameter('Observation', 'gender')).toBe(false);
    expect(isSearchParameter('Observation', '_query')).toBe(false);
    expect(isSearchParameter('Nonsense', 'code')).toBe(false);
  });

  it('knows R4’s resource types', () => {
    expect(['Patient', 'Parameters', 'Binary', 'ExplanationOfBenefit'].every(isResourceType)).toBe(true);
    expect(['patient', 'Resource', 'DomainResource', 'Citation', '', '*', 'constructor'].some(isResourceType)).toBe(
      false,
    );
    expect(resourceTypeOf('pAtIeNt')).toBe('Patient');
    expect(resourceTypeOf('Nonsense')).toBeUndefined();
  });
});

describe('a search of a whole record', () => {
  it('is a type, or a type with parameters, which may repeat', () => {
    expect(parseRecordSearch('Coverage')).toEqual({ type: 'Coverage', parameters: [] });
    expect(parseRecordSearch('Observation?category=laboratory&_include=Observation:performer&_include=*')).toEqual({
      type: 'Observation',
      parameters: [
        ['category', 'laboratory'],
        ['_include', 'Observation:performer'],
        ['_include', '*'],
      ],
    });
  });

  it.each([
    ['Coverage', 'Coverage.s'],
    ['Observation?category=laboratory', 'Observation.s'],
    ['MedicationRequest?intent=order&_include=MedicationRequest:medication', 'MedicationRequest.s Medication.r'],
    ['ExplanationOfBenefit?_include=*', 'ExplanationOfBenefit.s *.r'],
    ['Patient?_revinclude=Observation:subject', 'Patient.s Observation.s'],
  ])('%s needs %s', (search, needs) => {
    const types = needs.split(' ').map((one) => one.split('.'));
    expect(readRecordSearch(search, {})).toEqual({ needs: types.map(([type, letter]) => ({ type, needs: letter })) });
  });

  it('may use what the payer has added', () => {
    expect(readRecordSearch('Observation?device-serial=7', { Observation: ['device-serial'] })).toEqual({
      needs: [{ type: 'Observation', needs: 's' }],
    });
  });

  it.each([
    ['Communication?sender={patient}x', '"sender" cannot be {patient}'],
    ['Communication?sender={patient}&recipient={patient}', '"sender" cannot be {patient}'],
    ['Communication?sender:Patient={patient}', '"sender:Patient" cannot be {patient}'],
    ['Communication?category={patient}', '"category" cannot be {patient}'],
    ['Patient?link={patient}', '"link" cannot be {patient}'],
    ['Patient?_id=7', '"_id" can name a patient'],
    ['Patient?identifier=7', '"identifier" can name a patient'],
    ['Observation?subject=Patient/7', '"subject" can name a patient'],
    ['Observation?patient.name=x', '"patient.name" can name a patient'],
    ['Observation?code=Patient/7', '"code" can name a patient'],
    ['Observation?code=Patient%2F7', '"code" can name a patient'],
    ['Coverage?beneficiary=7', '"beneficiary" can name a patient'],
    ['Observation?_has:Provenance:target:patient=7', '"_has:Provenance:target:patient" can name a patient'],
    ['Observation?_count=10', '"_count" is not a parameter of Observation here'],
    ['Observation?_elements=id', '"_elements" is not a parameter of Observation here'],
    ['Observation?_filter=x', '"_filter" is not a parameter of Observation here'],
    ['Observation?category', '"category" has no value'],
    ['Observations', '"Observations" is not a FHIR R4 resource type'],
    ['Patient/7', '"Patient/7" is not a FHIR R4 resource type'],
    ['*', '"*" is not a FHIR R4 resource type'],
    ['', '"" is not a FHIR R4 resource type'],
    ['Observation?a.=1', 'is not a search that can be checked'],
  ])('%s is refused', (search, problem) => {
    expect(readRecordSearch(search, {})).toEqual({ problem: expect.stringContaining(problem) });
  });
});

describe("a parameter of FHIR's own", () => {
  it('is known whatever its letter case', () => {
    expect(['_count', '_Include', '_id', 'code', 'PATIENT', 'beneficiary', 'start'].filter(isFhirParameter)).toEqual(
      words('_count _Include _id code PATIENT beneficiary start'),
    );
    expect(['_getpages', 'cursor', '_page', 'startIndex'].filter(isFhirParameter)).toEqual([]);
  });
});

const refused = (line: string, options?: Parameters<typeof parse>[1]) => {
  const { status, issueType, publicMessage } = refusal(() => parse(line, options));
  expect(issueType).toBe('not-supported');
  return `${status} ${publicMessage}`;
};

describe('parameters that pass', () => {
  it('are all that R4 and the guides define, for the types that have them', () => {
    let checked = 0;
    for (const { code, base } of [...readSearchParameters(), ...readGuideParameters()]) {
      if (code === '_query') continue;
      for (const type of base) {
        const on = type === 'Resource' || type === 'DomainResource' ? 'Observation' : type;
        expect(() => parse(`GET /${on}?${code}=1`)).not.toThrow();
        checked++;
      }
    }
    expect(checked).toBeGreaterThan(1700);
  });

  it.each([
    ...gets(`
      /Patient?race=1&ethnicity=2&gender-identity=3 /Condition?asserted-date=2020&patient=1 /CareTeam?role=1
      /Encounter?discharge-disposition=1 /Goal?description=1
      /ExplanationOfBenefit?patient=1&type=pharmacy&service-date=ge2020&service-start-date=2020&billable-period-start=2020&use=claim
      /ExplanationOfBenefit?_include=ExplanationOfBenefit:insurer&insurer=Organization/1
      /MedicationDispense?patient=Group/1
      /Observation?_id=1&_lastUpdated=ge2020&_tag=a&_profile=b&_security=c&_source=d&_text=e&_content=f&_list=g
      /Observation?_sort=-date&_count=1&_summary=true&_total=none&_elements=id&_contained=false&_containedType=container&_format=json&_pretty=true
      /Observation?_include=Observation:subject&_include:iterate=Patient:link&_revinclude:recurse=Provenance:target
      /Observation?code:in=x&code:not-in=x&code:of-type=a|b|c&code:text=x&value-string:contains=x&date:missing=true
      /Observation?subject:Patient=1&subject:identifier=x&performer:Organization=2
      /Observation?subject:Patient.organization.name:contains=x /Observation?patient._has:Group:member:code=x
      /Patient?_has:Observation:patient:_has:AuditEvent:entity:date=2020 /Bundle?_id=1&_content=x
      /?_id=1&_lastUpdated=2020&_tag=a /?_type=Observation,Condition&code=x /Patient/1/*?_lastUpdated=2020
      /Patient/1?_format=json&_pretty=true&_summary=data&_elements=name /Patient/1/_history/1?_elements=name
      /Patient/1/_history?_count=1&_since=2020&_at=2020&_list=1&_format=json
      /Observation/_history?_count=1&_since=2020
      /Patient/1/$everything?start=2020&end=2021&_since=2020&_type=Observation,Condition&_count=10&_format=json
    `),
    'POST /Observation/_search?_count=1 code=x&_sort=date',
  ])('%s', (line) => {
    expect(() => parse(line)).not.toThrow();
  });

  it('are those that the payer’s profile adds, for its types or for all', () => {
    const searchParameters = { Observation: ['serial', 'service_date'], '*': ['source-system'] };
    const line = 'GET /Observation?serial:exact=1&source-system=2&subject:Patient.source-system=3';
    expect(() => parse(line, { searchParameters })).not.toThrow();
    expect(() => parse('GET /Observation?service_date=ge2020', { searchParameters })).not.toThrow();
    expect(() => parse('GET /?source-system=1', { searchParameters })).not.toThrow();
    expect(() => parse('GET /Condition?serial=1', { searchParameters })).toThrow();
    expect(() => parse('GET /?serial=1', { searchParameters })).toThrow();
    expect(() => parse('GET /Observation?Serial=1', { searchParameters })).toThrow();
    expect(() => parse('GET /Observation?constructor=1', { searchParameters })).toThrow();
    expect(() => parse('GET /Observation/1?serial=1', { searchParameters })).toThrow();
  });
});

describe('parameters that are refused by name, without their value', () => {
  it.each([
    // What R4 or the type does not have.
    ['GET /Observation?nonsense=secret', 'nonsense'],
    ['GET /Observation?gender=secret', 'gender'],
    ['GET /Observation?_type=Condition', '_type'],
    ['GET /Patient/1/Observation?_type=Condition', '_type'],
    ['GET /Patient/1/*?code=secret', 'code'],
    ['GET /?code=secret', 'code'],
    ['GET /?_type=Observation,Patient&code=secret', 'code'],
    ['GET /Patient/1?name=secret', 'name'],
    ['GET /Patient/1?_include=Patient:link', '_include'],
    ['GET /Patient/1/_history?code=secret', 'code'],
    ['GET /Patient/1/$everything?patient=secret', 'patient'],
    ['GET /Patient/1/$everything?_include=*', '_include'],
    ['GET /Bundle?_text=secret', '_text'],
    ['GET /Observation?_since=2020', '_since'],
    ['GET /Observation?_graph=secret', '_graph'],
    ['GET /Observation?_maxresults=1', '_maxresults'],
    ['GET /Observation?_typeFilter=secret', '_typeFilter'],
    ['GET /Observation?__proto__=1', '__proto__'],
    ['GET /Observation?constructor=1', 'constructor'],
    ['POST /Observation/_search nonsense=secret', 'nonsense'],
    // Another spelling, modifier, or step.
    ['GET /Observation?PATIENT=secret', 'PATIENT'],
    ['GET /Observation?_LastUpdated=2020', '_LastUpdated'],
    ['GET /Observation?_INCLUDE=*', '_INCLUDE'],
    ['GET /Observation?_include:all=*', '_include:all'],
    ['GET /Observation?_count:x=1', '_count:x'],
    ['GET /Observation?code:nonsense=1', 'code:nonsense'],
    ['GET /Observation?code:Missing=true', 'code:Missing'],
    ['GET /Observation?subject:patient=1', 'subject:patient'],
    ['GET /Observation?subject:Practitioner=1', 'subject:Practitioner'],
    ['GET /Observation?code:Patient=1', 'code:Patient'],
    ['GET /Observation?subject:Patient:missing=1', 'subject:Patient:missing'],
    ['GET /Observation?subject.name=secret', 'subject.name'],
    ['GET /Observation?patient.nonsense=secret', 'patient.nonsense'],
    ['GET /Observation?patient:patient.name=secret', 'patient:patient.name'],
    ['GET /Observation?code.name=secret', 'code.name'],
    ['GET /Observation?nonsense.name=secret', 'nonsense.name'],
    ['GET /Observation?patient._count=1', 'patient._count'],
    ['GET /Observation?patient._type=Patient', 'patient._type'],
    ['GET /Observation?encounter.class=secret', 'encounter.class'],
    ['GET /Provenance?target.patient=secret', 'target.patient'],
    ['GET /Patient?_has:Observation:code:value-string=1', '_has:Observation:code:value-string'],
    ['GET /Patient?_has:Coverage:payor:nonsense=1', '_has:Coverage:payor:nonsense'],
    ['GET /Condition?_has:Coverage:payor:status=1', '_has:Coverage:payor:status'],
    ['GET /Patient?_has:observation:patient:code=1', '_has:observation:patient:code'],
    ['GET /Patient?_HAS:Observation:patient:code=1', '_HAS:Observation:patient:code'],
    ['GET /Patient?_has:Observation:patient=1', '_has:Observation:patient'],
    ['GET /Patient?_has=1', '_has'],
    ['GET /Patient?general-practitioner.=1', 'general-practitioner.'],
    ['GET /Patient?:exact=1', ':exact'],
    ['GET /Patient?a[]=1', 'a??'],
    ['GET /Patient?pa%00tient=1', 'pa?tient'],
    ['GET /Patient?%20_id=1', '?_id'],
    ['GET /Patient?_id%0A=1', '_id?'],
    ['GET /Patient?=1', ''],
    ['GET /Patient?<b>%22=1', '?b??'],
  ])('%s names %s', (line, name) => {
    expect(refused(line)).toMatch(/^400 /);
    expect(refused(line)).toContain(`"${name}" is not a parameter of `);
    expect(refused(line)).not.toContain('secret');
  });

  it('truncates a long name', () => {
    expect(refused(`GET /Patient?${'n'.repeat(5000)}=1`)).toContain(`"${'n'.repeat(64)}…" is no`);
    expect(refused(`GET /Patient?${'link.'.repeat(5000)}name=1`).length).toBeLessThan(300);
    expect(refused(`GET /Patient?${'link:Patient.'.repeat(8)}name=1`)).toMatch(/^400 /);
  });

  it.each(words('_getpages _page _offset page cursor _getpagesoffset _pageId pageToken _skip _link'))(
    'explains paging for %s, at the base and at a type',
    (name) => {
      for (const path of ['', 'Observation', 'Patient/1/$everything', 'Patient/1/_history']) {
        expect(refused(`GET /${path}?${name}=secret`)).toContain('follow the links of the Bundle as they are');
      }
    },
  );

  it('says what to write if a chain can lead to several types', () => {
    expect(refused('GET /Observation?subject.name=x')).toBe(
      '400 "subject.name" is not a parameter of Observation here. In a chain every type it can lead to must have the parameter: name the type, as in subject:Patient.name.',
    );
    expect(refused('GET /Observation?catgory=x')).toBe(
      '400 "catgory" is not a parameter of Observation here. The nearest is category.',
    );
    expect(refused('GET /Patient/1?foo=x')).toBe('400 "foo" is not a parameter of this request here.');
    expect(refused('GET /?foo=x')).toBe('400 "foo" is not a parameter of a search of all types here.');
  });

  it.each(['_filter', '_query', 'patient._filter', '_has:Observation:patient:_query', '_filter:x'])(
    'says that %s cannot be checked',
    (name) => {
      expect(refused(`GET /Patient?${name}=secret`)).toBe(
        `400 The gateway cannot check "${name}"; use search parameters.`,
      );
    },
  );
});
