import { readFileSync } from 'node:fs';
import { ucum } from '@atomic-ehr/ucum';
import { generateRecords } from '../../sandbox/payer/data/generate.ts';
import { fhirBase } from '../../sandbox/payer/data/record.ts';
import { createBindingCheck } from '../profiles/bindings.ts';
import { hasLoincCheckDigit, hasSnomedCheckDigit } from '../profiles/check-digits.ts';
import { codingsIn, createCodeTable, ucumUnitsIn } from '../profiles/codes.ts';
import { createValidator, type ResourceWithMeta } from '../profiles/validate.ts';

interface Resource extends Record<string, unknown> {
  readonly resourceType: string;
  readonly id: string;
}

/** Every string in a value, at any depth. */
const strings = (value: unknown): string[] => {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(strings) : [];
};

const [member1, member2] = generateRecords();
if (!member1 || !member2) throw new Error('two members expected');
const ownResources = member1.resources.map((text) => JSON.parse(text) as Resource);
const byReference = new Map(ownResources.map((resource) => [`${resource.resourceType}/${resource.id}`, resource]));

describe('Test Member 1', () => {
  it('is the member on the reference page', () => {
    expect(member1.member).toEqual({
      firstName: 'Mayte822',
      lastName: 'Venegas795',
      birthDate: '2011-01-04',
      memberId: '01-testmemid',
      postalCode: '02116',
    });
    expect(byReference.get(`Patient/${member1.patientId}`)).toMatchObject({
      birthDate: '2011-01-04',
      name: [{ family: 'Venegas795', given: ['Mayte822'] }],
      identifier: [{ value: '01-testmemid' }],
    });
  });

  it.each(['demo-health-plan', 'northwind'])(
    'has as many resources of each type as the Postman environment of %s says',
    (payer) => {
      const file = new URL(`../../docs/postman/${payer}.postman_environment.json`, import.meta.url);
      const { values } = JSON.parse(readFileSync(file, 'utf8')) as { values: { key: string; value: string }[] };
      const counts = JSON.parse(values.find(({ key }) => key === 'counts')?.value ?? '') as Record<string, number>;
      const counted = Object.keys(counts).map((type) => [
        type,
        ownResources.filter((one) => one.resourceType === type).length,
      ]);
      expect(Object.fromEntries(counted)).toEqual(counts);
    },
  );

  it('has about 350 clinical resources of at least twelve types, and no claims', () => {
    const types = new Set(ownResources.map(({ resourceType }) => resourceType));
    expect(ownResources.length).toBeGreaterThan(320);
    expect(ownResources.length).toBeLessThan(380);
    expect(types.size).toBeGreaterThanOrEqual(12);
    expect(types).not.toContain('Coverage');
    expect(types).not.toContain('ExplanationOfBenefit');
  });

  it('is more than five years old, in every resource', () => {
    const dates = ownResources.flatMap(strings).filter((text) => /^\d{4}-\d\d-\d\d/.test(text));
    expect(dates.length).toBeGreaterThan(1000);
    expect(dates.filter((date) => date >= '2021')).toEqual([]);
    expect(dates.filter((date) => date < '2011-01-04')).toEqual([]);
  });

  it('keeps trailing zeros of decimals', () => {
    const decimals = member1.resources.join('\n').match(/:-?\d+\.\d+/g) ?? [];
    expect(decimals).toContain(':1.00');
    expect(decimals).toContain(':0.50');
    expect(decimals.filter((decimal) => decimal.endsWith('0')).length).toBeGreaterThan(50);
  });

  it('refers only to resources that exist, relatively and absolutely', () => {
    const references = ownResources
      .flatMap(strings)
      .filter((text) => /(^|\/)[A-Z][A-Za-z]+\/[0-9a-f-]{36}$/.test(text));
    const absolute = references.filter((reference) => reference.startsWith(`${fhirBase}/`));
    const local = references.map((reference) => reference.replace(`${fhirBase}/`, ''));
    expect(local.filter((reference) => !byReference.has(reference))).toEqual([]);
    expect(absolute.length).toBeGreaterThan(20);
    expect(absolute.length).toBeLessThan(references.length);
  });

  it('has notes whose absolute URLs point to Binaries', () => {
    const urls = ownResources
      .filter(({ resourceType }) => resourceType === 'DocumentReference')
      .map(({ content }) => (content as [{ attachment: { url: string; size: number } }])[0].attachment);
    expect(urls.length).toBeGreaterThan(0);
    for (const { url, size } of urls) {
      expect(url).toMatch(/^\{\{fhirBase\}\}\/Binary\//);
      const binary = byReference.get(url.replace(`${fhirBase}/`, ''));
      expect(Buffer.from(String(binary?.['data']), 'base64')).toHaveLength(size);
    }
  });

  it('has unique ids', () => {
    expect(byReference.size).toBe(ownResources.length);
  });
});

describe('the generator', () => {
  it('writes the same texts for the same seed, and different ones for another', () => {
    expect(generateRecords(7)[0]).toEqual(generateRecords(7)[0]);
    expect(generateRecords(7)[0]?.resources[0]).not.toEqual(generateRecords(8)[0]?.resources[0]);
  });
});

describe('the member with the large record', () => {
  it('is a different member, whose readings are made on request', () => {
    expect(member2.member).toMatchObject({ firstName: 'Large123', lastName: 'Record456', birthDate: '1970-02-03' });
    const { onTheFly } = member2;
    const { id } = JSON.parse(onTheFly?.text(41) ?? '') as Resource;
    expect(onTheFly?.indexOf(id)).toBe(41);
    expect(onTheFly?.indexOf('glucose-999999')).toBeUndefined();
    expect(onTheFly?.indexOf('glucose-1')).toBeUndefined();
    expect(onTheFly?.indexOf(member2.patientId)).toBeUndefined();
  });
});

interface Typed extends Record<string, unknown> {
  readonly resourceType: string;
}

const snomed = 'http://snomed.info/sct';
const loinc = 'http://loinc.org';

const allRecords = [...generateRecords(), ...generateRecords(1, 'northwind')];
const allSamples = allRecords.flatMap(({ onTheFly }) => (onTheFly ? [onTheFly.text(0)] : []));
const everyResource = [...allRecords.flatMap((record) => record.resources), ...allSamples].map(
  (text) => JSON.parse(text) as Typed,
);
const byKey = new Map(
  everyResource.flatMap(codingsIn).map((coding) => [`${coding.system} ${coding.code} ${coding.display}`, coding]),
);
const codings = Array.from(byKey.values());
const codesOf = (wanted: string) => codings.filter(({ system }) => system === wanted).map(({ code }) => code);

describe('codes of the generated records', () => {
  it('are in a public list, under the name that they have there', () => {
    const find = createCodeTable();
    const wrong = codings.flatMap(({ system, code, display }) => {
      const known = find(system, code);
      if (!known) return [`${system} ${code} "${display}": in no list`];
      if (display === undefined || display.toLowerCase() === known.display.toLowerCase()) return [];
      return [`${system} ${code} "${display}": is "${known.display}" (${known.source})`];
    });

    expect(wrong).toEqual([]);

    const counts = new Map<string, Set<string>>();
    for (const { system, code } of codings) counts.set(system, (counts.get(system) ?? new Set()).add(code));
    const lines = Array.from(counts, ([system, codes]) => `${String(codes.size).padStart(4)} ${system}`);
    process.stdout.write(`\ncodes by system\n${lines.toSorted().toReversed().join('\n')}\n`);
  });

  it('have the check digits of SNOMED CT and LOINC', () => {
    expect(codesOf(snomed).length).toBeGreaterThan(30);
    expect(codesOf(snomed).filter((code) => !hasSnomedCheckDigit(code))).toEqual([]);
    // Its answers (LA) and parts (LP) have other check digits, which the guide does not explain.
    const terms = codesOf(loinc).filter((code) => !/^L[AP]/.test(code));
    expect(terms.length).toBeGreaterThan(30);
    expect(terms.filter((code) => !hasLoincCheckDigit(code))).toEqual([]);
  });

  it('have units that follow the grammar of UCUM', () => {
    const units = new Set(everyResource.flatMap(ucumUnitsIn));
    expect(units).toContain('mm[Hg]');
    expect(Array.from(units).filter((unit) => !ucum.validate(unit).valid)).toEqual([]);
  });

  it('would notice a wrong check digit, another code’s name and a unit that is none', () => {
    // 80967001 is dental caries; 252538003 and 257292007 are nothing.
    expect(['80967001', '252538003', '257292007'].map(hasSnomedCheckDigit)).toEqual([true, false, false]);
    expect(['24619-9', '718-7', '24619-8', '24619'].map(hasLoincCheckDigit)).toEqual([true, true, false, false]);
    expect(createCodeTable()(snomed, '129007004')).toBeUndefined();
    expect(createCodeTable()(loinc, '24619-9')?.display).toBe('XR Wrist Views');
    expect(['mg/dL', 'mgs', 'mm Hg'].map((unit) => ucum.validate(unit).valid)).toEqual([true, false, false]);
  });
});

describe('what the codes say together', () => {
  const codeOf = (concept: unknown) => codingsIn(concept)[0]?.code ?? '';
  const doses = everyResource.filter((one) => one.resourceType === 'Immunization' && one['status'] === 'completed');

  it('is possible for a vaccine: a route for each dose, and a body site unless it is swallowed', () => {
    const routes = { oral: 'PO', others: ['IM', 'SQ'] };
    const wrong = doses.filter(({ route, site }) => {
      return codeOf(route) === routes.oral ? site !== undefined : !routes.others.includes(codeOf(route)) || !site;
    });
    expect(doses.length).toBeGreaterThan(30);
    expect(wrong).toEqual([]);
  });

  it('is possible for a date: influenza vaccines within the season, and none before it was sold', () => {
    /** When each influenza vaccine was first sold. */
    const soldFrom = new Map([
      ['140', '2008'],
      ['150', '2013-08'],
    ]);
    const influenza = everyResource.filter(
      (one) => one.resourceType === 'Immunization' && /influenza/i.test(JSON.stringify(one['vaccineCode'])),
    );
    const months = influenza.map(({ occurrenceDateTime }) => Number(String(occurrenceDateTime).slice(5, 7)));
    expect(influenza.length).toBeGreaterThan(8);
    expect(months.filter((month) => month > 4 && month < 9)).toEqual([]);
    const early = influenza.filter((one) => {
      const sold = soldFrom.get(codeOf(one['vaccineCode']));
      return sold === undefined || String(one['occurrenceDateTime']) < sold;
    });
    expect(early).toEqual([]);
  });

  it('is possible for a medication and a specimen: a route for each dose, a volume only of a liquid', () => {
    const dosages = everyResource
      .filter(({ resourceType }) => resourceType === 'MedicationRequest')
      .flatMap(({ dosageInstruction }) => dosageInstruction as { route?: unknown }[]);
    expect(dosages.length).toBeGreaterThan(8);
    expect(dosages.filter(({ route }) => codeOf(route) === '')).toEqual([]);

    const swabs = everyResource.filter(
      (one) => one.resourceType === 'Specimen' && /swab/i.test(JSON.stringify(one['type'])),
    );
    expect(swabs.length).toBeGreaterThan(0);
    expect(swabs.filter((one) => 'quantity' in (one['collection'] as object))).toEqual([]);
  });

  it('is possible for an order: what is ordered as surgery is surgery', () => {
    const orders = everyResource.filter(({ resourceType }) => resourceType === 'ServiceRequest');
    const surgery = orders.filter(({ category }) => codeOf(category) === '387713003');
    expect(orders.length).toBeGreaterThan(surgery.length);
    expect(new Set(surgery.map(({ code }) => codeOf(code)))).toEqual(new Set(['172676009', '609588000']));
  });
});

const baseUrl = 'http://127.0.0.1:3001/r4';
const parse = (text: string): ResourceWithMeta => JSON.parse(text.replaceAll(fhirBase, baseUrl)) as ResourceWithMeta;

/** Claims the profiles of CARIN 2.2.0 instead of 2.0.0, and also PDex's own without a version, as 2.2.0 asks. */
const newer = (resource: ResourceWithMeta): ResourceWithMeta[] => {
  const profile = (resource.meta?.profile ?? []).flatMap((url) =>
    url.endsWith('priorauthorization|2.0.0') ? [url, url.replace('|2.0.0', '')] : [url.replace('|2.0.0', '|2.2.0')],
  );
  return profile.join() === resource.meta?.profile?.join()
    ? []
    : [{ ...resource, meta: { ...resource.meta, profile } }];
};

describe('the generated records', () => {
  const validate = createValidator();
  const checkBindings = createBindingCheck();
  const own = generateRecords();
  const others = generateRecords(1, 'northwind').filter(
    (one) => !own.some(({ patientId }) => patientId === one.patientId),
  );
  const records = [...own, ...others];
  const samples = records.flatMap(({ onTheFly }) =>
    onTheFly ? [0, 1, onTheFly.count - 1].map((index) => onTheFly.text(index)) : [],
  );
  const resources = [...records.flatMap((record) => record.resources), ...samples].map(parse);
  /** One of each set of resources that differ only in digits and ids: a thousand validations fewer. */
  const different = Array.from(
    new Map(
      resources.map((one) => [
        JSON.stringify(one)
          .replaceAll(/[\da-f]{8}-[\da-f-]{27}/g, '')
          .replaceAll(/\d/g, '0'),
        one,
      ]),
    ).values(),
  );

  it('are valid in R4 and in each profile that they claim, of the guides’ versions that the law names and of the newest', () => {
    const problems = different
      .flatMap((resource) => [resource].concat(newer(resource)))
      .flatMap((resource) => validate(resource).map((text) => `${resource.resourceType} ${text}`));
    expect(problems).toEqual([]);

    const counts = new Map<string, number>([['R4', resources.length]]);
    for (const url of resources.flatMap(({ meta }) => meta?.profile ?? [])) counts.set(url, (counts.get(url) ?? 0) + 1);
    const lines = Array.from(counts, ([url, count]) => `${String(count).padStart(4)} ${url.split('/').at(-1)}`);
    process.stdout.write(`\nvalid resources by profile\n${lines.join('\n')}\n`);
    expect(counts.size).toBeGreaterThan(45);
  });

  it('claim a profile for everything but Binary and QuestionnaireResponse, which US Core 6.1.0’s file lacks', () => {
    const unclaimed = resources.filter(({ meta }) => !meta?.profile?.length).map(({ resourceType }) => resourceType);
    expect(new Set(unclaimed)).toEqual(new Set(['Binary', 'QuestionnaireResponse']));
  });

  it('use only codes of the value sets that R4 requires', () => {
    const report = { checked: 0, wrong: [] };
    for (const resource of resources) checkBindings(resource, report);
    expect(report.wrong).toEqual([]);
    expect(report.checked).toBeGreaterThan(resources.length);
  });

  it('would fail with a missing name, an unknown profile, an unknown field or a code outside its value set', () => {
    const patient = resources.find(({ resourceType }) => resourceType === 'Patient');
    if (!patient) throw new Error('no patient');
    const { name: _name, ...nameless } = patient;
    expect(validate(nameless)).toEqual([
      expect.stringContaining('us-core-patient|6.1.0: Missing required property'),
      expect.stringContaining('us-core-patient|7.0.0: Missing required property'),
    ]);
    expect(validate({ ...patient, meta: { profile: ['http://x/none'] } })).toEqual(['http://x/none: no such profile']);
    expect(validate({ ...patient, surname: 'x' })).not.toEqual([]);
    const report = { checked: 0, wrong: [] };
    checkBindings({ ...patient, gender: 'zzz', telecom: [{ system: 'pigeon' }] }, report);
    expect(report.wrong).toEqual(['ContactPoint.system: "pigeon"', 'Patient.gender: "zzz"']);
  });

  it('would fail with a claim whose line lacks its payment status or its amounts, or whose profile is unknown', () => {
    const claim = resources.find(({ meta }) => meta?.profile?.some((url) => url.includes('-Professional-')));
    if (!claim) throw new Error('no claim');
    const { item } = claim as unknown as { item: { adjudication: object[] }[] };
    const withLines = (from: number, to?: number) => ({
      ...claim,
      item: item.map((line) => Object.assign({}, line, { adjudication: line.adjudication.slice(from, to) })),
    });

    expect(validate(claim)).toEqual([]);
    expect(validate(withLines(0, -1))).toEqual([expect.stringContaining('benefitpaymentstatus')]);
    expect(newer(withLines(0, -1)).flatMap(validate)).toEqual([
      expect.stringMatching(/\|2\.2\.0: .*benefitpaymentstatus/),
    ]);
    expect(validate(withLines(-1))).toEqual([expect.stringContaining('adjudicationamounttype')]);
    expect(validate({ ...claim, meta: { profile: ['http://x/none|2.0.0'] } })).toEqual([
      'http://x/none|2.0.0: no such profile',
    ]);
  });
});
