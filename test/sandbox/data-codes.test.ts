import { ucum } from '@atomic-ehr/ucum';
import { generateRecords } from '../../sandbox/payer/data/generate.ts';
import { hasLoincCheckDigit, hasSnomedCheckDigit } from '../profiles/check-digits.ts';
import { codingsIn, createCodeTable, ucumUnitsIn } from '../profiles/codes.ts';

interface Resource extends Record<string, unknown> {
  readonly resourceType: string;
}

const snomed = 'http://snomed.info/sct';
const loinc = 'http://loinc.org';

const records = [...generateRecords(), ...generateRecords(1, 'northwind')];
const samples = records.flatMap(({ onTheFly }) => (onTheFly ? [onTheFly.text(0)] : []));
const resources = [...records.flatMap((record) => record.resources), ...samples].map(
  (text) => JSON.parse(text) as Resource,
);
const byKey = new Map(
  resources.flatMap(codingsIn).map((coding) => [`${coding.system} ${coding.code} ${coding.display}`, coding]),
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
    const units = new Set(resources.flatMap(ucumUnitsIn));
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
  const doses = resources.filter((one) => one.resourceType === 'Immunization' && one['status'] === 'completed');

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
    const influenza = resources.filter(
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
    const dosages = resources
      .filter(({ resourceType }) => resourceType === 'MedicationRequest')
      .flatMap(({ dosageInstruction }) => dosageInstruction as { route?: unknown }[]);
    expect(dosages.length).toBeGreaterThan(8);
    expect(dosages.filter(({ route }) => codeOf(route) === '')).toEqual([]);

    const swabs = resources.filter(
      (one) => one.resourceType === 'Specimen' && /swab/i.test(JSON.stringify(one['type'])),
    );
    expect(swabs.length).toBeGreaterThan(0);
    expect(swabs.filter((one) => 'quantity' in (one['collection'] as object))).toEqual([]);
  });

  it('is possible for an order: what is ordered as surgery is surgery', () => {
    const orders = resources.filter(({ resourceType }) => resourceType === 'ServiceRequest');
    const surgery = orders.filter(({ category }) => codeOf(category) === '387713003');
    expect(orders.length).toBeGreaterThan(surgery.length);
    expect(new Set(surgery.map(({ code }) => codeOf(code)))).toEqual(new Set(['172676009', '609588000']));
  });
});
