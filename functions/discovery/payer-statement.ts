import { GatewayError } from '../shared/errors.ts';
import { checkPatient } from '../shared/fhir/check-patient.ts';
import { plainParameters } from '../shared/fhir/known-parameters.ts';
import { parseFhirRequest } from '../shared/fhir/parse-fhir-request.ts';
import { isSearchParameter } from '../shared/fhir/search-targets.ts';
import { isObject, objectsIn, type JsonObject } from '../shared/json/json-object.ts';
import { mayBeAsked } from '../shared/partner/authenticate-system.ts';
import { isAt, type FhirBase } from '../shared/registry/fhir-bases.ts';
import type { Payer } from '../shared/registry/types.ts';
import { anyType, isResourceType } from '../shared/scopes/resource-types.ts';
import { bulkDataStatement, exportOperation, hasExports } from './export-operation.ts';
import type { Facade } from './facade.ts';
import { everything, usualResources } from './gateway-statement.ts';
import { groupOperationsOf, groupResource } from './group-operations.ts';
import { security } from './security.ts';

/** Interactions that the FHIR route passes on: reads only. */
const reads = new Set<unknown>(['read', 'vread', 'history-instance', 'history-type', 'search-type', 'search-system']);

/** Omits an element that has become empty, since FHIR has no empty arrays. */
const unlessEmpty = (name: string, values: readonly unknown[]): JsonObject =>
  values.length === 0 ? {} : { [name]: values };

const onlyReads = (interactions: unknown): JsonObject[] =>
  objectsIn(interactions).filter(({ code }) => reads.has(code));

/** System-level reads. The gateway refuses a system search if the payer has several bases. */
const systemReads = (interactions: unknown, { furtherBases }: Payer): JsonObject[] =>
  onlyReads(interactions).filter(({ code }) => furtherBases === undefined || code !== 'search-system');

/**
 * Whether the FHIR route takes a parameter, for the member of a grant. Anybody may ask for a statement and have the payer's names
 * looked at, so an unknown one costs no refusal, whose sentence would name the nearest known.
 * @param type undefined for a search of all types
 */
const isTaken = (payer: Payer, type: string | undefined, name: string): boolean => {
  if (plainParameters.search.has(name) || payer.pagingParameters?.includes(name) === true) return true;
  const { searchParameters = {} } = payer;
  const added = [type ?? anyType, anyType].some((key) => searchParameters[key]?.includes(name) === true);
  if (!added && !isSearchParameter(type ?? anyType, name)) return false;
  const segments = type === undefined ? [] : [type];
  const member = 'member';
  try {
    const request = parseFhirRequest({ ...payer, method: 'GET', segments, query: [[name, member]] });
    if (payer.patientFrom !== 'none') checkPatient(request, member, []);
    return true;
  } catch (error) {
    if (error instanceof GatewayError) return false;
    throw error;
  }
};

/** The parameters that the FHIR route takes, each once: R4 has no two of a name. */
const takenParameters = (given: unknown, payer: Payer, type?: string): JsonObject[] => {
  const byName = new Map(objectsIn(given).map((parameter) => [parameter['name'], parameter]));
  return [...byName.values()].filter(({ name }) => typeof name === 'string' && isTaken(payer, type, name));
};

const isPatient = ({ type }: JsonObject): boolean => type === 'Patient';
const isGroup = ({ type }: JsonObject): boolean => type === 'Group';

/**
 * The payer's $everything, which the profile decides, and those of the profile's operations that the payer's statement defines; and our
 * exports in place of any that the payer has.
 */
const operations = (resource: JsonObject, payer: Payer): JsonObject[] => {
  if (isGroup(resource)) return [...groupOperationsOf(payer)];
  if (!isPatient(resource)) return [];
  const nameOf = ({ name }: JsonObject): string => String(name).replace(/^\$/, '');
  const passedOn = new Set([...(payer.everything ? ['everything'] : []), ...Object.keys(payer.operations ?? {})]);
  const given = objectsIn(resource['operation']).filter((one) => passedOn.has(nameOf(one)));
  const isUnsaid = payer.everything && !given.some((one) => nameOf(one) === 'everything');
  return [...given, ...(isUnsaid ? [everything] : []), ...(hasExports(payer) ? [exportOperation] : [])];
};

const readOnlyResource = (resource: JsonObject, payer: Payer): JsonObject => {
  const {
    interaction,
    operation: _operation,
    conditionalCreate: _create,
    conditionalUpdate: _update,
    conditionalDelete: _delete,
    updateCreate: _updateCreate,
    searchParam,
    ...kept
  } = resource;
  return {
    ...kept,
    ...unlessEmpty('searchParam', takenParameters(searchParam, payer, String(resource['type']))),
    ...unlessEmpty('interaction', onlyReads(interaction)),
    ...unlessEmpty('operation', operations(resource, payer)),
  };
};

const canBeRead = ({ type, interaction }: JsonObject): boolean =>
  typeof type === 'string' && isResourceType(type) && (interaction === undefined || onlyReads(interaction).length > 0);

/** Each type once, as R4 requires (cpb-9). If a payer repeats a type, its entries are merged. */
const oncePerType = (resources: readonly JsonObject[]): JsonObject[] =>
  Array.from(Map.groupBy(resources, ({ type }) => type).values(), (entries) => {
    const together = (name: string, key: string): JsonObject => {
      const all = entries.flatMap((entry) => objectsIn(entry[name]));
      return unlessEmpty(name, [...new Map(all.map((one) => [one[key], one])).values()]);
    };
    return entries.length === 1
      ? entries[0]!
      : {
          ...entries[0],
          ...together('interaction', 'code'),
          ...together('searchParam', 'name'),
          ...together('operation', 'name'),
        };
  });

/** The usual types that a payer's list does not have. */
const unlisted = (listed: readonly JsonObject[], payer: Payer): JsonObject[] => {
  const types = new Set(listed.map(({ type }) => type));
  return usualResources(payer).filter(({ type }) => !types.has(type));
};

/** Whether a statement has all types of its payer: it lists some, and adds to no other statement. */
const listsAll = ({ imports }: JsonObject, rest: JsonObject): boolean =>
  objectsIn(rest['resource']).length > 0 && (Array.isArray(imports) ? imports.length : (imports ?? 0)) === 0;

/** What can be read; and in any case Patient, where exports are declared, and Group, where a plan may ask. */
const resourcesOf = (rest: JsonObject, payer: Payer, isWhole: boolean): JsonObject[] => {
  const listed = oncePerType(objectsIn(rest['resource']).filter(canBeRead)).map((resource) =>
    readOnlyResource(resource, payer),
  );
  const resources = isWhole ? listed : [...listed, ...unlisted(listed, payer)];
  return [
    ...resources,
    ...(hasExports(payer) && !resources.some(isPatient)
      ? [{ type: 'Patient', operation: operations({ type: 'Patient' }, payer) }]
      : []),
    ...(mayBeAsked(payer) && !resources.some(isGroup) ? [groupResource(payer)] : []),
  ];
};

/** The payer's, and that of servers with exports. */
const instantiatesOf = (value: unknown, payer: Payer): string[] => {
  const given = Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
  return hasExports(payer) ? [...new Set([...given, bulkDataStatement])] : given;
};

/** What the statement says if the payer's own does not list all types. */
const mayListMore =
  'The health plan’s own statement does not list all of its types. The gateway lists the usual ones beside: the plan may not answer each of them.';

const documentationOf = (rest: JsonObject, isWhole: boolean): JsonObject => {
  const given = typeof rest['documentation'] === 'string' ? [rest['documentation']] : [];
  const said = isWhole ? given : [...given, mayListMore];
  return said.length === 0 ? {} : { documentation: said.join('\n\n') };
};

const readOnlyRest = (rest: JsonObject, payer: Payer, facade: Facade, isWhole: boolean): JsonObject => ({
  mode: 'server',
  ...documentationOf(rest, isWhole),
  security: security(facade),
  ...unlessEmpty('resource', resourcesOf(rest, payer, isWhole)),
  ...unlessEmpty('interaction', systemReads(rest['interaction'], payer)),
  ...unlessEmpty('searchParam', takenParameters(rest['searchParam'], payer)),
});

const isServer = ({ mode }: JsonObject): boolean => mode === 'server';

/** R4 has one server in a statement (cpb-8); several are taken together, so that each type is looked at once. */
const oneServer = (servers: readonly JsonObject[]): JsonObject => {
  const [first = {}] = servers;
  if (servers.length === 1) return first;
  const all = (name: string): JsonObject => ({ [name]: servers.flatMap((server) => objectsIn(server[name])) });
  return { ...first, ...all('resource'), ...all('interaction'), ...all('searchParam') };
};

/** The resources of a statement that are at its base. */
const resourcesAt = (base: FhirBase, statement: unknown): readonly JsonObject[] =>
  objectsIn(isObject(statement) ? statement['rest'] : [])
    .filter(isServer)
    .flatMap(({ resource }) => objectsIn(resource))
    .filter(({ type }) => isAt(base, String(type)) && !(base.only !== undefined && type === 'Patient'));

/** The first base's statement, with the resources of each base that are at it. One base's is returned as it is. */
export const withOwnTypes = (bases: readonly FhirBase[], statements: readonly unknown[]): unknown => {
  const [first] = statements;
  if (bases.length === 1 || !isObject(first)) return first;
  const resource = bases.flatMap((base, at) => resourcesAt(base, statements[at]));
  const server = objectsIn(first['rest']).find(isServer);
  return server === undefined ? first : { ...first, rest: [{ ...server, resource }] };
};

/**
 * Adapts a payer's CapabilityStatement: URLs and security become the facade's, and only what the FHIR route answers
 * remains. The narrative is removed, since it may describe the rest.
 * @returns undefined if it is not a server's statement
 */
export const payerStatement = (value: unknown, payer: Payer, facade: Facade): JsonObject | undefined => {
  if (!isObject(value) || value['resourceType'] !== 'CapabilityStatement') return undefined;
  const servers = objectsIn(value['rest']).filter(isServer);
  if (servers.length === 0) return undefined;
  const {
    // They name the payer's own statement, and what it has beside.
    url: _url,
    imports: _imports,
    text: _text,
    instantiates: _instantiates,
    messaging: _messaging,
    document: _document,
    patchFormat: _patchFormat,
    ...kept
  } = value;
  const server = oneServer(servers);
  const implementation = isObject(value['implementation']) ? value['implementation'] : {};
  return {
    ...kept,
    kind: 'instance',
    ...unlessEmpty('instantiates', instantiatesOf(value['instantiates'], payer)),
    implementation: {
      description: `${payer.displayName}, read through the gateway`,
      ...implementation,
      url: facade.base,
    },
    format: ['application/fhir+json', 'json'],
    rest: [readOnlyRest(server, payer, facade, listsAll(value, server))],
  };
};
