import { printedBaseUrl } from '../../config/rules.ts';
import { isObject, type JsonObject } from '../../functions/shared/json-object.ts';
import type { Answer } from './probe.ts';

const objects = (value: unknown): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);
const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** What a CapabilityStatement tells about a payer profile. */
export interface Statement {
  readonly publisher: string | undefined;
  /** Another spelling of the base than the one that was asked. */
  readonly alias: string | undefined;
  readonly everything: boolean;
  /** Endpoints by `authorize`, `token` and `revoke`: SMART's extension, from before smart-configuration. */
  readonly oauthUris: ReadonlyMap<string, string>;
}

const isOauthUris = ({ url }: JsonObject): boolean => typeof url === 'string' && url.endsWith('/oauth-uris');

const oauthUrisOf = (servers: readonly JsonObject[]): Map<string, string> =>
  new Map(
    servers
      .flatMap(({ security }) => (isObject(security) ? objects(security['extension']).filter(isOauthUris) : []))
      .flatMap(({ extension }) => objects(extension))
      .flatMap(({ url, valueUri }) => {
        const uri = text(valueUri);
        return typeof url === 'string' && uri !== undefined ? [[url, uri] as const] : [];
      }),
  );

const hasEverything = (servers: readonly JsonObject[]): boolean =>
  servers
    .flatMap(({ resource }) => objects(resource))
    .filter(({ type }) => type === 'Patient')
    .flatMap(({ operation }) => objects(operation))
    .some(({ name }) => name === 'everything' || name === '$everything');

/** Reads a CapabilityStatement; `undefined` where the answer is none. */
export const readStatement = ({ json }: Answer, fhirBaseUrl: string): Statement | undefined => {
  if (json?.['resourceType'] !== 'CapabilityStatement') return undefined;
  const servers = objects(json['rest']).filter(({ mode }) => mode === 'server');
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
