import { isDeepStrictEqual } from 'node:util';
import { smart } from '../../config/presets.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { withoutUndefined } from '../shared/objects.ts';
import { typeScript } from '../shared/typescript.ts';

type SmartInputs = Parameters<typeof smart>[0];

/** The shortest inputs of the preset `smart` that make this payer, or undefined if none do. */
const smartInputs = (payer: Payer): SmartInputs | undefined => {
  const { id, displayName, fhirBaseUrl, fhirBaseUrlAliases, authorizationEndpoint, tokenEndpoint } = payer;
  const { revocationEndpoint, issuer, sendsIss, clientId, publicKeys, scopes, quirks } = payer;
  const names = { id, displayName, fhirBaseUrl };
  const endpoints = { issuer, authorizationEndpoint, tokenEndpoint, revocationEndpoint, clientId };
  const usual = smart(withoutUndefined({ ...names, ...endpoints, publicKeys }) as SmartInputs);
  const inputs = withoutUndefined({
    ...names,
    fhirBaseUrlAliases: fhirBaseUrlAliases.length === 0 ? undefined : fhirBaseUrlAliases,
    ...endpoints,
    sendsIss: sendsIss === usual.sendsIss ? undefined : sendsIss,
    publicKeys: publicKeys.length === 0 ? undefined : publicKeys,
    scopes: isDeepStrictEqual(scopes, usual.scopes) ? undefined : scopes,
    quirks: quirks.pkce ? undefined : { pkce: false },
  }) as SmartInputs;
  return isDeepStrictEqual(smart(inputs), payer) ? inputs : undefined;
};

/**
 * The entry to paste into a stage's `payers`: with the preset if that makes the same payer, or else with every field.
 * @param isSmart whether the payer says that it follows SMART; if not, its quirks are written out
 */
export const entryText = (payer: Payer, isSmart: boolean): string => {
  const indent = 6;
  const inputs = isSmart ? smartInputs(payer) : undefined;
  const text = inputs === undefined ? typeScript(payer, indent) : `smart(${typeScript(inputs, indent)})`;
  return `${' '.repeat(indent)}${text},`;
};
