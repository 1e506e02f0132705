import { absolute, ref } from './builder.ts';
import type { Fields, RecordBuilder } from './builder.ts';
import { concept, loinc, quantity, snomed, systems } from './codes.ts';
import type { Directory } from './directory.ts';
import { addObservation } from './observation.ts';
import type { Visit, Visits } from './visits.ts';

/** An analyte: LOINC code, name, mean value, spread, decimals, unit, and normal limits. */
export type Analyte = readonly [string, string, number, number, number, string, number, number];

/** The code and the name of a report. */
export type Report = readonly [code: string, name: string];

/** Where blood is tested. */
type Laboratory = Pick<Directory, 'laboratory'>;

const hemoglobin: Analyte = ['718-7', 'Hemoglobin [Mass/volume] in Blood', 12.4, 0.6, 1, 'g/dL', 11, 14.5];
const lowHemoglobin: Analyte = ['718-7', 'Hemoglobin [Mass/volume] in Blood', 10.2, 0.2, 1, 'g/dL', 11, 14.5];
const lead: Analyte = ['5671-3', 'Lead [Mass/volume] in Blood', 1, 0, 2, 'ug/dL', 0, 5];
const ferritin: Analyte = ['2276-4', 'Ferritin [Mass/volume] in Serum or Plasma', 9, 1, 1, 'ng/mL', 12, 140];
const bilirubin: Analyte = ['1975-2', 'Bilirubin.total [Mass/volume] in Serum or Plasma', 9.8, 0.8, 1, 'mg/dL', 0, 12];
const peanutIgE: Analyte = ['6206-7', 'Peanut IgE Ab [Units/volume] in Serum', 12.5, 1, 2, 'k[IU]/L', 0, 0.35];

const bloodCount: readonly Analyte[] = [
  ['6690-2', 'Leukocytes [#/volume] in Blood by Automated count', 8, 1, 2, '10*3/uL', 5, 14.5],
  ['789-8', 'Erythrocytes [#/volume] in Blood by Automated count', 4.6, 0.2, 2, '10*6/uL', 4, 5.2],
  hemoglobin,
  ['4544-3', 'Hematocrit [Volume Fraction] of Blood by Automated count', 37, 1.5, 1, '%', 34, 42],
  ['777-3', 'Platelets [#/volume] in Blood by Automated count', 290, 30, 0, '10*3/uL', 150, 450],
];

const lipids: readonly Analyte[] = [
  ['2093-3', 'Cholesterol [Mass/volume] in Serum or Plasma', 158, 6, 0, 'mg/dL', 0, 170],
  ['2571-8', 'Triglyceride [Mass/volume] in Serum or Plasma', 64, 6, 0, 'mg/dL', 0, 75],
  ['2085-9', 'Cholesterol in HDL [Mass/volume] in Serum or Plasma', 54, 4, 0, 'mg/dL', 45, 90],
  ['13457-7', 'Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation', 91, 5, 0, 'mg/dL', 0, 110],
];

export const addLabs = (record: RecordBuilder, directory: Directory, visits: Visits): void => {
  const blood = (visit: Visit, report: Report, analytes: readonly Analyte[]): void =>
    addBloodTest(record, directory, visit, report, analytes);
  const screening: Report = ['11502-2', 'Laboratory report'];
  blood(visits.wellAt(0), ['1975-2', 'Bilirubin.total [Mass/volume] in Serum or Plasma'], [bilirubin]);
  blood(visits.wellAt(12), screening, [lowHemoglobin, lead, ferritin]);
  blood(visits.wellAt(24), screening, [hemoglobin, lead]);
  blood(visits.other.allergist, ['6206-7', 'Peanut IgE Ab [Units/volume] in Serum'], [peanutIgE]);
  blood(visits.wellAt(60), ['58410-2', 'CBC panel - Blood by Automated count'], bloodCount);
  blood(visits.wellAt(108), ['24331-1', 'Lipid 1996 panel - Serum or Plasma'], lipids);
  addThroatSwab(record, directory, visits.other.strep);
};

/** Adds a specimen of blood, what was measured in it, and the report. */
export const addBloodTest = (
  record: RecordBuilder,
  laboratory: Laboratory,
  visit: Visit,
  report: Report,
  analytes: readonly Analyte[],
): void => {
  const specimen = addSpecimen(record, visit, '119297000', 'Blood specimen', { quantity: quantity(2, 2, 'mL') });
  const results = analytes.map((analyte) => addMeasured(record, laboratory, visit, specimen, analyte));
  addReport(record, laboratory, visit, specimen, report, results);
};

const addMeasured = (
  record: RecordBuilder,
  { laboratory }: Laboratory,
  visit: Visit,
  specimen: string,
  [code, name, middle, spread, digits, unit, low, high]: Analyte,
): string => {
  const value = record.random.around(middle, spread);
  const limit = (limitValue: number): Fields => quantity(limitValue, digits, unit);
  return addObservation(record, visit, 'us-core-observation-lab', 'laboratory', loinc(code, name), {
    performer: [ref(laboratory)],
    valueQuantity: quantity(value, digits, unit),
    interpretation: [interpretation(value, low, high)],
    specimen: ref(specimen),
    referenceRange: [{ low: limit(low), high: limit(high) }],
  });
};

const interpretation = (value: number, low: number, high: number): Fields => {
  if (value < low) return { ...concept(systems.interpretation, 'L', 'Low') };
  if (value > high) return { ...concept(systems.interpretation, 'H', 'High') };
  return { ...concept(systems.interpretation, 'N', 'Normal') };
};

const addThroatSwab = (record: RecordBuilder, directory: Directory, visit: Visit): void => {
  const specimen = addSpecimen(record, visit, '258529004', 'Throat swab');
  const name = 'Streptococcus pyogenes Ag [Presence] in Throat by Rapid immunoassay';
  const result = addObservation(record, visit, 'us-core-observation-lab', 'laboratory', loinc('78012-2', name), {
    valueCodeableConcept: snomed('10828004', 'Positive'),
    interpretation: [concept(systems.interpretation, 'POS', 'Positive')],
    specimen: ref(specimen),
  });
  addReport(record, directory, visit, specimen, ['78012-2', name], [result]);
};

const addSpecimen = (record: RecordBuilder, visit: Visit, code: string, type: string, collection?: Fields): string => {
  return record.add('Specimen', 'us-core-specimen', {
    status: 'available',
    type: snomed(code, type),
    subject: ref(record.patient),
    receivedTime: visit.at('11:20'),
    collection: { collectedDateTime: visit.at('10:00'), ...collection },
  });
};

const addReport = (
  record: RecordBuilder,
  { laboratory }: Laboratory,
  visit: Visit,
  specimen: string,
  [code, name]: Report,
  results: readonly string[],
): void => {
  record.add('DiagnosticReport', 'us-core-diagnosticreport-lab', {
    status: 'final',
    category: [concept(systems.diagnosticService, 'LAB', 'Laboratory')],
    code: loinc(code, name),
    subject: ref(record.patient),
    encounter: ref(visit.encounter),
    effectiveDateTime: visit.at('10:00'),
    issued: visit.at('16:40'),
    performer: [ref(laboratory)],
    specimen: [ref(specimen)],
    result: results.map(absolute),
  });
};
