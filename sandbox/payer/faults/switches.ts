import type { Fault } from './fault.ts';
import { faultNames, faults } from './table.ts';

/** The faults of one payer that are switched on. */
export interface Switches {
  readonly names: () => readonly string[];
  readonly on: () => readonly Fault[];
  /** Switches these faults on and all others off. Returns unknown names; if there are any, nothing changes. */
  readonly set: (names: readonly string[]) => readonly string[];
}

/** Returns the names that are not a fault's. */
export const unknownFaults = (names: readonly string[]): readonly string[] =>
  names.filter((name) => !faultNames.includes(name));

export const createSwitches = (names: readonly string[] = []): Switches => {
  let on: readonly Fault[] = [];
  const set: Switches['set'] = (wanted) => {
    const unknown = unknownFaults(wanted);
    if (unknown.length === 0) on = faults.filter(({ name }) => wanted.includes(name));
    return unknown;
  };
  set(names);
  return { names: () => on.map(({ name }) => name), on: () => on, set };
};
