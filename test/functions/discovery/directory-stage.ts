import { discoveryHandler } from '../../../functions/discovery/handler.ts';
import type { Payer, RegistryData } from '../../../functions/shared/registry/types.ts';
import { apiEvent, call, localData, testDeps } from '../../support/gateway.ts';

/** A stage with these payers in place of the local ones; the partners may read from all. */
export const stageWith = (payers: readonly Partial<Payer>[]): RegistryData => {
  const { payers: local, partners, ...data } = localData();
  const all = payers.map((payer, index): Payer => {
    const { brand: _brand, linesOfBusiness: _lines, identitySignIn: _identity, ...plain } = local[0]!;
    return { ...plain, id: `plan-${index}`, displayName: `Plan ${index}`, ...payer };
  });
  const ids = all.map(({ id }) => id);
  return { ...data, payers: all, partners: partners.map((partner) => Object.assign({}, partner, { payers: ids })) };
};

/** The discovery function over a registry, and requests to it. */
export const directoryOf = (registry: RegistryData = localData()) => {
  const test = testDeps({ registry });
  const handler = discoveryHandler(test.deps);
  const get = (resource: string, query: Readonly<Record<string, string>> = {}, headers: Record<string, string> = {}) =>
    call(handler, apiEvent(resource, { query: Object.entries(query), headers }));
  const getFor = (payer: string, resource: string) => call(handler, apiEvent(resource, { path: { payer } }));
  return { ...test, handler, get, getFor };
};
