import { printedBaseUrl } from '../../config/checks/rules.ts';
import { isObject, objectsIn, type JsonObject } from '../../functions/shared/json/json-object.ts';
import { groupOperationsIn } from '../../functions/shared/payer/compare-exchange.ts';
import { isResourceType } from '../../functions/shared/scopes/resource-types.ts';
import type { Answer } from './probe.ts';

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** What a CapabilityStatement says for a payer's profile. */
export interface Statement {
  readonly publisher: string | undefined;
  /** A different spelling of the base URL than the one requested. */
  readonly alias: string | undefined;
  readonly everything: boolean;
  /** The operations that it has for Groups, without `$`. */
  readonly groupOperations: readonly string[];
  /** What the server lists in SMART's extension, which smart-configuration replaced. */
  readonly capabilities: readonly string[];
  /** The resource types that can be searched by patient. */
  readonly patientTypes: readonly string[];
  /** Endpoints by `authorize`, `token` and `revoke`: SMART's extension, which smart-configuration replaced. */
  readonly oauthUris: ReadonlyMap<string, string>;
}

/** SMART's extensions of one kind: `oauth-uris` or `capabilities`. */
const extensionsOf = (servers: readonly JsonObject[], kind: string): JsonObject[] =>
  servers
    .flatMap(({ security }) => (isObject(security) ? objectsIn(security['extension']) : []))
    .filter(({ url }) => typeof url === 'string' && url.endsWith(`/${kind}`));

const oauthUrisOf = (servers: readonly JsonObject[]): Map<string, string> =>
  new Map(
    extensionsOf(servers, 'oauth-uris')
      .flatMap(({ extension }) => objectsIn(extension))
      .flatMap(({ url, valueUri }) => {
        const uri = text(valueUri);
        return typeof url === 'string' && uri !== undefined ? [[url, uri] as const] : [];
      }),
  );

const hasEverything = (servers: readonly JsonObject[]): boolean =>
  servers
    .flatMap(({ resource }) => objectsIn(resource))
    .filter(({ type }) => type === 'Patient')
    .flatMap(({ operation }) => objectsIn(operation))
    .some(({ name }) => name === 'everything' || name === '$everything');

const patientTypesOf = (servers: readonly JsonObject[]): string[] =>
  servers
    .flatMap(({ resource }) => objectsIn(resource))
    .filter(({ searchParam }) => objectsIn(searchParam).some(({ name }) => name === 'patient'))
    .flatMap(({ type }) => (typeof type === 'string' && isResourceType(type) ? [type] : []));

/** Reads a CapabilityStatement; `undefined` if the answer is not one. */
export const readStatement = ({ json }: Answer, fhirBaseUrl: string): Statement | undefined => {
  if (json?.['resourceType'] !== 'CapabilityStatement') return undefined;
  const servers = objectsIn(json['rest']).filter(({ mode }) => mode === 'server');
  const implementation = isObject(json['implementation']) ? json['implementation'] : {};
  const printed = text(implementation['url'])?.replace(/\/+$/, '');
  const isAlias = printed !== undefined && printed !== fhirBaseUrl && printedBaseUrl(printed) === undefined;
  return {
    publisher: text(json['publisher'])?.trim(),
    alias: isAlias ? printed : undefined,
    everything: hasEverything(servers),
    groupOperations: groupOperationsIn(json) ?? [],
    capabilities: extensionsOf(servers, 'capabilities').flatMap(({ valueCode }) => text(valueCode) ?? []),
    patientTypes: [...new Set(patientTypesOf(servers))],
    oauthUris: oauthUrisOf(servers),
  };
};
