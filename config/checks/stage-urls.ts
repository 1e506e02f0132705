/** The URLs in a configuration that browsers or functions request, each with its field, by the marks of the schemas. */
import * as z from 'zod';
import type { Operator } from '../../functions/shared/pages/settings.ts';
import type { IdentityProvider, Partner, Payer } from '../../functions/shared/registry/types.ts';
import { operator as operatorSchema } from './deployment-schema.ts';
import { requestedFields, valuesAt } from './fields.ts';
import { partner as partnerSchema } from './partner-schema.ts';
import { payerFields } from './payer-fields.ts';

/** A URL and the path of its field in the payer or partner. */
export type UrlField = readonly [path: readonly PropertyKey[], url: string];

const urlsBy = (schema: z.core.$ZodType) => {
  const fields = requestedFields(schema);
  return (entry: object): readonly UrlField[] =>
    fields.flatMap(({ path: at }) => valuesAt(entry, at).map(({ path, value }): UrlField => [path, value as string]));
};

/** Without `fhirBaseUrlAliases`, which are only compared with links, never called. */
export const payerUrls: (payer: Payer) => readonly UrlField[] = urlsBy(z.strictObject(payerFields));

/** Fields whose URLs only browsers request, or nobody. */
const notCalled: ReadonlySet<PropertyKey | undefined> = new Set(['brand', 'issuer', 'quirks']);

/** Those that functions request. */
export const calledUrls = (payer: Payer): readonly UrlField[] =>
  payerUrls(payer).filter(([[field]]) => !notCalled.has(field));

export const partnerUrls: (partner: Partner) => readonly UrlField[] = urlsBy(partnerSchema);

/** Of identity providers only their keys are requested. */
export const providerUrls = (providers: readonly IdentityProvider[] = []): readonly UrlField[] =>
  providers.map(({ jwksUri }, index) => [['identityProviders', index, 'jwksUri'], jwksUri]);

const operatorLinks = urlsBy(operatorSchema);

/** The links of our pages to whoever runs the gateway; an e-mail address has none. */
export const operatorUrls = (operator: Operator): readonly UrlField[] =>
  [
    ...operatorLinks(operator),
    ...(operator.support === undefined || operator.support.startsWith('mailto:')
      ? []
      : [[['support'], operator.support] as const]),
  ].map(([path, href]) => [['operator', ...path], href]);
