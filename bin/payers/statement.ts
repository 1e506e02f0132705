import { printedBaseUrl } from '../../config/rules.ts';
import { isObject, objectsIn, type JsonObject } from '../../functions/shared/json-object.ts';
import type { Answer } from './probe.ts';

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** What a CapabilityStatement says for a payer's profile. */
export interface Statement {
  readonly publisher: string | undefined;
  /** A different spelling of the base URL than the one requested. */
  readonly alias: string | undefined;
  readonly everything: boolean;
  /** Endpoints by `authorize`, `token` and `revoke`: SMART's extension, which smart-configuration replaced. */
  readonly oauthUris: ReadonlyMap<string, string>;
}

const isOauthUris = ({ url }: JsonObject): boolean => typeof url === 'string' && url.endsWith('/oauth-uris');

const oauthUrisOf = (servers: readonly JsonObject[]): Map<string, string> =>
  new Map(
    servers
      .flatMap(({ security }) => (isObject(security) ? objectsIn(security['extension']).filter(isOauthUris) : []))
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
    oauthUris: oauthUrisOf(servers),
  };
};
