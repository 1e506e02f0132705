import { generateRecords } from '../../sandbox/payer/data/generate.ts';
import { fhirBase } from '../../sandbox/payer/data/record.ts';
import { createBindingCheck } from '../profiles/bindings.ts';
import { createValidator } from '../profiles/validate.ts';
import type { ResourceWithMeta } from '../profiles/validate.ts';

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
