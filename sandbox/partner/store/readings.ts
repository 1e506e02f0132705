import { titleOf, unitOf } from '../fhir.ts';
import type { Observation, Quantity } from '../fhir.ts';

/** One number of an Observation, for a chart. */
export interface Reading {
  /** The component's name; empty for the Observation's own value. */
  readonly part: string;
  readonly value: number;
  readonly unit: string;
}

const readingOf = (observation: Observation, part: string): readonly Reading[] => {
  const quantity = observation['valueQuantity'] as Quantity | undefined;
  // `<5` is no point of a curve.
  if (quantity?.value === undefined || quantity.comparator !== undefined) return [];
  const value = Number(quantity.value);
  return Number.isFinite(value) ? [{ part, value, unit: unitOf(quantity) }] : [];
};

/** The numbers of an Observation and of its components. */
export const readingsOf = (observation: Observation): readonly Reading[] => [
  ...readingOf(observation, ''),
  ...(observation.component ?? []).flatMap((component) => readingOf(component, titleOf(component))),
];

/** What an Observation is about, the same for all Observations of the same code. */
export const topicOf = (observation: Observation): string => {
  const [coding] = observation.code?.coding ?? [];
  return coding?.code === undefined ? titleOf(observation) : `${coding.system ?? ''}|${coding.code}`;
};
