import type { Resource } from '../partner/fhir.ts';
import { countsByType } from '../partner/record.ts';
import type { WholeRecord } from '../partner/record.ts';

/** How many resources of one type each side returned. */
export interface TypeRow {
  readonly type: string;
  readonly gateway: number;
  readonly payer: number;
}

/** Both sides compared. `differences` names resources (`Observation/12`) that are missing or different. */
export interface Comparison {
  readonly types: readonly TypeRow[];
  readonly differences: readonly string[];
}

interface Side {
  readonly base: string;
  readonly record: WholeRecord;
}

/**
 * Compares the record read through the gateway with the payer's own. Every resource must be the same to the last
 * decimal, apart from the gateway's base URL. Equal counts alone would prove little.
 */
export const compareRecords = (gateway: Side, payer: Side): Comparison => {
  const throughGateway = contentsOf(gateway, payer.base);
  const atPayer = contentsOf(payer, payer.base);
  const names = new Set([...throughGateway.keys(), ...atPayer.keys()]);
  const counts = new Map(countsByType(payer.record.resources).map(({ type, count }) => [type, count]));
  const counted = new Map(countsByType(gateway.record.resources).map(({ type, count }) => [type, count]));
  const types = [...new Set([...counts.keys(), ...counted.keys()])].sort();
  return {
    types: types.map((type) => ({ type, gateway: counted.get(type) ?? 0, payer: counts.get(type) ?? 0 })),
    differences: [...names].filter((name) => throughGateway.get(name) !== atPayer.get(name)),
  };
};

const contentsOf = (side: Side, base: string): ReadonlyMap<string, string> => {
  const entries = side.record.resources.map(
    (resource: Resource) =>
      [`${resource.resourceType}/${resource.id}`, JSON.stringify(resource).replaceAll(side.base, base)] as const,
  );
  return new Map(entries);
};
