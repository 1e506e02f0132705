import type { Analyte, Report } from '../labs.ts';

/** A report and its analytes, for adults. */
type Panel = readonly [report: Report, analytes: readonly Analyte[]];

const hemoglobinA1c = 'Hemoglobin A1c/Hemoglobin.total in Blood';

export const bloodSugar: Panel = [['4548-4', hemoglobinA1c], [['4548-4', hemoglobinA1c, 7, 0.5, 1, '%', 4, 5.6]]];

export const lipids: Panel = [
  ['24331-1', 'Lipid 1996 panel - Serum or Plasma'],
  [
    ['2093-3', 'Cholesterol [Mass/volume] in Serum or Plasma', 204, 14, 0, 'mg/dL', 0, 200],
    ['2571-8', 'Triglyceride [Mass/volume] in Serum or Plasma', 148, 20, 0, 'mg/dL', 0, 150],
    ['2085-9', 'Cholesterol in HDL [Mass/volume] in Serum or Plasma', 46, 5, 0, 'mg/dL', 40, 90],
    ['13457-7', 'Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation', 128, 12, 0, 'mg/dL', 0, 130],
  ],
];

export const kidneys: Panel = [
  ['11502-2', 'Laboratory report'],
  [
    ['2160-0', 'Creatinine [Mass/volume] in Serum or Plasma', 1.02, 0.12, 2, 'mg/dL', 0.6, 1.3],
    ['2823-3', 'Potassium [Moles/volume] in Serum or Plasma', 4.3, 0.3, 1, 'mmol/L', 3.5, 5.1],
    ['2951-2', 'Sodium [Moles/volume] in Serum or Plasma', 139, 2, 0, 'mmol/L', 136, 145],
  ],
];

export const thyroid: Panel = [
  ['3016-3', 'Thyrotropin [Units/volume] in Serum or Plasma'],
  [['3016-3', 'Thyrotropin [Units/volume] in Serum or Plasma', 2.4, 0.8, 2, 'm[IU]/L', 0.4, 4]],
];
