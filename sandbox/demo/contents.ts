import { createHash } from 'node:crypto';
import type { Comparison } from './compare.ts';
import type { ExactResource } from './exact.ts';

/** One side of the comparison. It keeps a digest of each resource's text, so that a large record fits into memory. */
export interface Contents {
  readonly add: (resource: ExactResource) => void;
  readonly names: () => readonly string[];
  readonly digestOf: (name: string) => string | undefined;
  /** How many times the resource was added. */
  readonly timesOf: (name: string) => number;
}

/** @param bases the FHIR bases of the links in the texts, which the comparison ignores */
export const contents = (...bases: readonly string[]): Contents => {
  const digests = new Map<string, string>();
  const times = new Map<string, number>();
  return {
    add: ({ name, text }) => {
      const plain = bases.reduce((changed, base) => changed.replaceAll(base, '{base}'), text);
      digests.set(name, createHash('sha256').update(plain).digest('base64'));
      times.set(name, (times.get(name) ?? 0) + 1);
    },
    names: () => [...digests.keys()],
    digestOf: (name) => digests.get(name),
    timesOf: (name) => times.get(name) ?? 0,
  };
};

const typeOf = (name: string): string => name.slice(0, name.indexOf('/'));

/**
 * Compares an export with the payer's own record. Every resource must be there once, the same to the last character
 * except for white space and links. The gateway adds Provenances, which say where the record comes from.
 * @param most how many it adds at most
 */
export const compareContents = (exported: Contents, atPayer: Contents, most = 1): Comparison => {
  const added = exported
    .names()
    .filter((name) => atPayer.digestOf(name) === undefined && typeOf(name) === 'Provenance');
  const ours = added.slice(0, most);
  const names = [...new Set([...exported.names(), ...atPayer.names()])].filter((name) => !ours.includes(name));
  const isSame = (name: string): boolean =>
    exported.timesOf(name) === 1 && exported.digestOf(name) === atPayer.digestOf(name);
  const countIn = (side: Contents, type: string): number =>
    names.filter((name) => typeOf(name) === type && side.digestOf(name) !== undefined).length;
  const types = [...new Set(names.map(typeOf))].sort();
  return {
    types: types.map((type) => ({ type, gateway: countIn(exported, type), payer: countIn(atPayer, type) })),
    differences: [
      ...names.filter((name) => !isSame(name)),
      ...(ours.length === 0 ? ['the gateway’s own Provenance'] : []),
    ],
  };
};
