import { objectsIn, type JsonObject } from '../json/json-object.ts';
import type { FormerPlan } from '../registry/former-plan.ts';
import { parseScope, type ResourceScope, type Scope } from '../scopes/scopes.ts';
import { compareList, few, sameUrl } from './compare-discovery.ts';
import { isTaken } from './compare-scopes.ts';
import type { Difference } from './difference.ts';
import { listOf, textOf, type DiscoveryDocument } from './discovery-documents.ts';

type Comparison = (document: DiscoveryDocument, plan: FormerPlan) => Difference | undefined;

/** Where the sign-in's document is the exchange's too, `tokenEndpoint` is compared with the sign-in's. */
const tokenEndpoint: Comparison = (document, { exchange, tokenEndpoint: usual }) => {
  const said = textOf(document, 'token_endpoint');
  const ours = exchange.tokenEndpoint ?? usual;
  if (exchange.fhirBaseUrl === undefined || said === undefined || sameUrl(said, ours)) return undefined;
  return {
    field: 'exchange.tokenEndpoint',
    ours,
    theirs: said,
    text: `token_endpoint is ${said}, the profile asks ${ours} for exchanges`,
    todo: `write exchange.tokenEndpoint: '${said}', or ask the payer which one is right`,
  };
};

const authentication: Comparison = (document) =>
  compareList(document, 'grant_types_supported', 'client_credentials', {
    field: 'exchange',
    todo: 'ask the payer whether it still answers other plans’ systems; if not, remove exchange',
  }) ??
  compareList(document, 'token_endpoint_auth_methods_supported', 'private_key_jwt', {
    field: 'exchange',
    todo: 'ask the payer how other plans’ systems prove who they are: the gateway only has private_key_jwt',
  });

const signing: Comparison = (document, { exchange }) =>
  compareList(document, 'token_endpoint_auth_signing_alg_values_supported', exchange.assertionAlgorithm, {
    field: 'exchange.assertionAlgorithm',
    todo: 'make a key for an algorithm that the payer lists, or ask the payer',
  });

const isOfSystem = (scope: Scope): scope is ResourceScope => scope.kind === 'resource' && scope.context === 'system';

/** Whether a plan that lists these accepts this one: it is listed, or a wider one such as `system/*.rs` is. */
const isListed = (scope: string, listed: readonly string[]): boolean => {
  const own = parseScope(scope);
  return listed.includes(scope) || (isOfSystem(own) && isTaken(own, listed.map(parseScope).filter(isOfSystem)));
};

/** A list without scopes of systems says nothing: servers need not list all that they take (RFC 8414 §2). */
const scopes: Comparison = (document, { exchange }) => {
  const listed = listOf(document, 'scopes_supported');
  const ofSystems = listed?.filter((scope) => scope.startsWith('system/') || URL.canParse(scope)) ?? [];
  const missing = exchange.scopes.filter((scope) => !isListed(scope, ofSystems));
  if (ofSystems.length === 0 || missing.length === 0) return undefined;
  return {
    field: 'exchange.scopes',
    ours: missing.join(', '),
    theirs: few(ofSystems),
    text: `scopes_supported lacks ${missing.join(', ')} (it has ${few(ofSystems)})`,
    todo: 'write the scopes that the payer lists for systems, or ask the payer whether it accepts ours',
  };
};

const comparisons = [tokenEndpoint, authentication, signing, scopes];

/**
 * How a discovery document of the base that a former plan is asked at differs from the profile's `exchange`. One for a token
 * endpoint that is not the exchange's says nothing.
 */
export const compareExchangeDocument = (document: DiscoveryDocument, plan: FormerPlan): Difference[] => {
  const { fhirBaseUrl, tokenEndpoint: own } = plan.exchange;
  if (fhirBaseUrl === undefined && own !== undefined && own !== textOf(document, 'token_endpoint')) return [];
  return comparisons.flatMap((compare) => compare(document, plan) ?? []);
};

const usualPaths = { matchPath: 'Group/$bulk-member-match', exportPath: 'Group/{group}/$davinci-data-export' } as const;

/** The operations that the gateway calls at a former plan, by the field that names them: without `$`. */
export const operationsAt = ({ exchange }: FormerPlan): readonly (readonly [field: string, operation: string])[] =>
  (['matchPath', 'exportPath'] as const).map((field) => {
    const path = exchange[field] ?? usualPaths[field];
    return [`exchange.${field}`, path.slice(path.lastIndexOf('/') + 1).replace(/^\$/, '')];
  });

/** The operations that a CapabilityStatement has for Groups and for the whole server, without `$`; undefined if it lists nothing. */
export const groupOperationsIn = (statement: JsonObject): readonly string[] | undefined => {
  const servers = objectsIn(statement['rest']).filter(({ mode }) => mode === 'server');
  const resources = servers.flatMap(({ resource }) => objectsIn(resource));
  if (resources.length === 0) return undefined;
  return [...servers, ...resources.filter(({ type }) => type === 'Group')]
    .flatMap(({ operation }) => objectsIn(operation))
    .map(({ name }) => String(name).replace(/^\$/, ''));
};

/** How a former plan's CapabilityStatement differs from what `exchange` relies on. One that lists no resources says nothing. */
export const compareExchangeStatement = (statement: JsonObject, plan: FormerPlan): Difference[] => {
  const listed = groupOperationsIn(statement);
  if (listed === undefined) return [];
  return operationsAt(plan)
    .filter(([, operation]) => !listed.includes(operation))
    .map(([field, operation]) => ({
      field,
      ours: `$${operation}`,
      theirs: 'not in metadata',
      text: `metadata lacks the operation $${operation} for Groups, which ${field} relies on`,
      todo: 'ask the payer whether it still has it, and at which path',
    }));
};
