import type { Fields, RecordBuilder } from './builder.ts';
import { loinc, quantity, systems } from './codes.ts';
import type { Concept } from './codes.ts';
import { addObservation } from './observation.ts';
import type { Visit, Visits } from './visits.ts';

/** By age in months: height in cm, weight in kg and head circumference in cm of a girl at the 50th percentile. */
const growth: ReadonlyMap<number, readonly [height: number, weight: number, head: number]> = new Map([
  [0, [49.5, 3.4, 34.1]],
  [1, [53.7, 4.2, 36.5]],
  [2, [57.1, 5.1, 38.2]],
  [4, [62.1, 6.4, 40.6]],
  [6, [65.8, 7.3, 42.2]],
  [9, [70.2, 8.2, 43.8]],
  [12, [74.0, 8.9, 44.9]],
  [15, [77.5, 9.6, 45.7]],
  [18, [80.7, 10.2, 46.2]],
  [24, [86.4, 11.5, 47.2]],
  [30, [91.0, 12.7, 47.9]],
  [36, [95.1, 13.9, 48.5]],
  [48, [102.7, 16.1, 49.3]],
  [60, [109.4, 18.2, 49.9]],
  [72, [115.1, 20.2, 50.3]],
  [84, [120.8, 22.4, 50.7]],
  [96, [126.6, 25.0, 51.1]],
  [108, [132.5, 28.2, 51.4]],
]);

export const addVitals = (record: RecordBuilder, visits: Visits): void => {
  for (const visit of visits.well) {
    addGrowth(record, visit);
    addPulse(record, visit, 0);
    if (visit.ageMonths >= 36) addBloodPressure(record, visit, [88, 104], [52, 66]);
  }
  for (const visit of Object.values(visits.other).filter(({ kind }) => kind !== 'specialist')) {
    addPulse(record, visit, visit.kind === 'emergency' ? 0.4 : 1.3);
    addBreathing(record, visit);
  }
};

const addGrowth = (record: RecordBuilder, visit: Visit): void => {
  const [height, weight, head] = growth.get(visit.ageMonths) ?? [0, 0, 0];
  const tall = record.random.around(height, height * 0.01);
  const heavy = record.random.around(weight, weight * 0.03);
  const add = (profile: string, code: Concept, value: Fields): void => vital(record, visit, profile, code, value);
  add('us-core-body-height', loinc('8302-2', 'Body height'), quantity(tall, 1, 'cm'));
  add('us-core-body-weight', loinc('29463-7', 'Body weight'), quantity(heavy, 2, 'kg'));
  const percentile = (): Fields => quantity(record.random.integer(35, 70), 0, '%');
  if (visit.ageMonths <= 24) {
    const circumference = quantity(record.random.around(head, 0.4), 1, 'cm');
    add('us-core-head-circumference', loinc('9843-4', 'Head Occipital-frontal circumference'), circumference);
    const headCode = loinc('8289-1', 'Head Occipital-frontal circumference Percentile');
    add('head-occipital-frontal-circumference-percentile', headCode, percentile());
    const lengthCode = loinc('77606-2', 'Weight-for-length Per age and sex');
    add('pediatric-weight-for-height', lengthCode, percentile());
  } else {
    const bmi = quantity(heavy / (tall / 100) ** 2, 2, 'kg/m2');
    add('us-core-bmi', loinc('39156-5', 'Body mass index (BMI) [Ratio]'), bmi);
    const bmiCode = loinc('59576-9', 'Body mass index (BMI) [Percentile] Per age and sex');
    add('pediatric-bmi-for-age', bmiCode, percentile());
  }
};

/** Pulse and temperature. `fever` is in degrees Celsius above normal. */
const addPulse = (record: RecordBuilder, visit: Visit, fever: number): void => {
  const { random } = record;
  const young = visit.ageMonths < 24;
  const pulse = random.integer(young ? 110 : 82, young ? 132 : 102) + Math.round(fever * 10);
  const heartRate = quantity(pulse, 0, '/min', 'beats/minute');
  vital(record, visit, 'us-core-heart-rate', loinc('8867-4', 'Heart rate'), heartRate);
  const temperature = quantity(random.around(36.9 + fever, 0.2), 1, 'Cel');
  vital(record, visit, 'us-core-body-temperature', loinc('8310-5', 'Body temperature'), temperature);
};

const addBreathing = (record: RecordBuilder, visit: Visit): void => {
  const breaths = quantity(record.random.integer(22, 34), 0, '/min', 'breaths/minute');
  vital(record, visit, 'us-core-respiratory-rate', loinc('9279-1', 'Respiratory rate'), breaths);
  const code: Concept = {
    coding: [
      { system: systems.loinc, code: '59408-5', display: 'Oxygen saturation in Arterial blood by Pulse oximetry' },
      { system: systems.loinc, code: '2708-6', display: 'Oxygen saturation in Arterial blood' },
    ],
    text: 'Oxygen saturation',
  };
  vital(record, visit, 'us-core-pulse-oximetry', code, quantity(record.random.around(96.5, 1.5), 1, '%'));
};

type Range = readonly [from: number, to: number];

/** Adds a blood pressure with values in these ranges. */
export const addBloodPressure = (record: RecordBuilder, visit: Visit, systolic: Range, diastolic: Range): void => {
  const code = loinc('85354-9', 'Blood pressure panel with all children optional');
  addObservation(record, visit, 'us-core-blood-pressure', 'vital-signs', code, {
    component: [
      pressure('8480-6', 'Systolic blood pressure', record.random.integer(...systolic)),
      pressure('8462-4', 'Diastolic blood pressure', record.random.integer(...diastolic)),
    ],
  });
};

const pressure = (code: string, display: string, value: number): Fields => {
  return { code: loinc(code, display), valueQuantity: quantity(value, 0, 'mm[Hg]', 'mmHg') };
};

/** Adds the weight in kg and the height in cm of a member, and the body mass index. */
export const addWeight = (record: RecordBuilder, visit: Visit, kilograms: number, centimeters: number): void => {
  const heavy = record.random.around(kilograms, kilograms * 0.02);
  const bmi = heavy / (centimeters / 100) ** 2;
  vital(record, visit, 'us-core-body-height', loinc('8302-2', 'Body height'), quantity(centimeters, 1, 'cm'));
  vital(record, visit, 'us-core-body-weight', loinc('29463-7', 'Body weight'), quantity(heavy, 2, 'kg'));
  vital(record, visit, 'us-core-bmi', loinc('39156-5', 'Body mass index (BMI) [Ratio]'), quantity(bmi, 2, 'kg/m2'));
};

const vital = (record: RecordBuilder, visit: Visit, profile: string, code: Concept, valueQuantity: Fields): void => {
  addObservation(record, visit, profile, 'vital-signs', code, { valueQuantity });
};
