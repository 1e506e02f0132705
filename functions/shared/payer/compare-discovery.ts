import type { Payer } from '../registry/types.ts';
import { compareScopes } from './compare-scopes.ts';
import type { Difference } from './difference.ts';
import { listOf, textOf, type DiscoveryDocument } from './discovery-documents.ts';

type Comparison = (document: DiscoveryDocument, payer: Payer) => Difference | undefined;

/** A list in a sentence, cut after six. */
export const few = (values: readonly string[]): string =>
  values.length > 6 ? `${values.slice(0, 6).join(', ')} and ${values.length - 6} more` : values.join(', ') || 'none';

/** Compares a list in the document with one value that it must contain. A document without the list says nothing. */
export const compareList = (
  document: DiscoveryDocument,
  member: string,
  ours: string,
  { field, todo }: Pick<Difference, 'field' | 'todo'>,
): Difference | undefined => {
  const said = listOf(document, member);
  if (said === undefined || said.includes(ours)) return undefined;
  return { field, ours, theirs: few(said), text: `${member} lacks ${ours} (it has ${few(said)})`, todo };
};

/** Whether two URLs are the same, however they are written. */
export const sameUrl = (a: string, b: string): boolean => URL.parse(a)?.href === URL.parse(b)?.href;
const withoutSlash = (url: string): string => url.replace(/\/$/, '');

type EndpointField = Extract<keyof Payer, `${string}Endpoint` | 'jwksUri'>;

interface PublishedEndpoint {
  /** Its name in the document. */
  readonly member: string;
  /** Whether a profile may omit this endpoint even if the payer publishes it. */
  readonly maybeUnused?: boolean;
  /** Whether to ignore a trailing slash: the doctor tries both forms to see which one answers. */
  readonly anySlash?: boolean;
}

/** Where the document has each endpoint of a profile. */
const endpoints: Readonly<Record<EndpointField, PublishedEndpoint>> = {
  authorizationEndpoint: { member: 'authorization_endpoint', anySlash: true },
  tokenEndpoint: { member: 'token_endpoint' },
  revocationEndpoint: { member: 'revocation_endpoint', anySlash: true },
  userinfoEndpoint: { member: 'userinfo_endpoint', maybeUnused: true },
  jwksUri: { member: 'jwks_uri', maybeUnused: true },
};

const endpoint =
  (field: EndpointField, { member, maybeUnused = false, anySlash = false }: PublishedEndpoint): Comparison =>
  (document, payer) => {
    const said = textOf(document, member);
    const ours = payer[field];
    if (said === undefined || (ours === undefined && maybeUnused)) return undefined;
    if (ours !== undefined && sameUrl(said, ours)) return undefined;
    if (ours !== undefined && anySlash && sameUrl(withoutSlash(said), withoutSlash(ours))) return undefined;
    const write = `write ${field}: '${said}'`;
    return {
      field,
      ours: ours ?? 'none',
      theirs: said,
      value: said,
      text: `${member} is ${said}, the profile ${ours === undefined ? 'has none' : `says ${ours}`}`,
      todo: ours === undefined ? write : `${write}, or ask the payer which one is right`,
    };
  };

const issuer: Comparison = (document, payer) => {
  const said = textOf(document, 'issuer');
  if (said === undefined || payer.issuer === undefined || said === payer.issuer) return undefined;
  const consequence = payer.sendsIss ? '; every login is refused until both agree' : '';
  return {
    field: 'issuer',
    ours: payer.issuer,
    theirs: said,
    value: said,
    text: `issuer is ${said}, the profile says ${payer.issuer}`,
    todo: `write issuer: '${said}', exactly${consequence}`,
  };
};

/** SMART's capability for an authentication that a payer may leave out of its list. */
const capabilityFor = ({ clientAuthentication, identitySignIn }: Payer): string | undefined => {
  // Many servers leave "none" out.
  if (clientAuthentication === 'none') return 'client-public';
  // The list may be of the call with an identity token only.
  return identitySignIn !== undefined && clientAuthentication !== 'private_key_jwt'
    ? 'client-confidential-symmetric'
    : undefined;
};

const authentication: Comparison = (document, payer) => {
  const { clientAuthentication } = payer;
  const said = listOf(document, 'token_endpoint_auth_methods_supported');
  if (said === undefined || said.includes(clientAuthentication)) return undefined;
  const capability = capabilityFor(payer);
  if (capability !== undefined && listOf(document, 'capabilities')?.includes(capability) === true) return undefined;
  return {
    field: 'clientAuthentication',
    ours: clientAuthentication,
    theirs: few(said),
    text: `token_endpoint_auth_methods_supported lacks ${clientAuthentication} (it has ${few(said)})`,
    todo: 'write the clientAuthentication that is registered at the payer, or ask the payer',
  };
};

const signing: Comparison = (document, { clientAuthentication, publicKeys }) => {
  const said = listOf(document, 'token_endpoint_auth_signing_alg_values_supported');
  if (said === undefined || clientAuthentication !== 'private_key_jwt') return undefined;
  const ours = publicKeys.map(({ kty }) => (kty === 'RSA' ? 'RS384' : 'ES384'));
  const lacking = ours.find((alg) => !said.includes(alg));
  if (lacking === undefined) return undefined;
  return {
    field: 'publicKeys',
    ours: lacking,
    theirs: few(said),
    text: `token_endpoint_auth_signing_alg_values_supported lacks ${lacking} (it has ${few(said)})`,
    todo: 'make a key for ES384 or RS384, whichever the payer lists, or ask the payer',
  };
};

const pkce: Comparison = (document, { quirks }) => {
  const said = listOf(document, 'code_challenge_methods_supported');
  if (said === undefined || said.includes('S256') === quirks.pkce) return undefined;
  const difference = { field: 'quirks.pkce', ours: String(quirks.pkce), theirs: few(said), value: !quirks.pkce };
  return quirks.pkce
    ? {
        ...difference,
        text: `code_challenge_methods_supported lacks S256 (it has ${few(said)}), but the profile sends it`,
        todo: 'ask the payer for PKCE with S256, which SMART requires; until then write quirks.pkce: false',
      }
    : {
        ...difference,
        text: 'code_challenge_methods_supported has S256, but the profile sends no PKCE',
        todo: 'write quirks.pkce: true',
      };
};

const iss: Comparison = (document, { sendsIss }) => {
  const member = 'authorization_response_iss_parameter_supported';
  // RFC 9207 §3: missing from the server's metadata, it is false. SMART's document does not define it.
  const silent =
    !['boolean', 'undefined'].includes(typeof document.body[member]) ||
    (document.name === 'smart-configuration' && document.body[member] === undefined);
  const said = document.body[member] === true;
  if (silent || said === sendsIss) return undefined;
  const difference = { field: 'sendsIss', ours: String(sendsIss), theirs: String(said), value: said };
  return said
    ? {
        ...difference,
        text: `${member} is true, but the profile says sendsIss: false`,
        todo: 'write sendsIss: true, and the issuer',
      }
    : {
        ...difference,
        text: `${member} is not true, but the profile says sendsIss: true`,
        todo: 'ask the payer whether it sends iss; if not, write sendsIss: false, or every login is refused',
      };
};

const patient: Comparison = (document, { patientFrom, patientMember }) => {
  const said = listOf(document, 'capabilities');
  const isStandard = patientFrom === 'token' && patientMember === undefined;
  if (said === undefined || !isStandard || said.includes('context-standalone-patient')) return undefined;
  return {
    field: 'patientFrom',
    ours: patientFrom,
    theirs: 'no context-standalone-patient',
    text: 'capabilities lacks context-standalone-patient, but the profile says patientFrom: "token"',
    todo: 'write patientFrom: "search", or ask the payer whether its token answer names the patient; if not, every login fails',
  };
};

/**
 * Members that must be strings, and members that must be lists of strings (RFC 8414 §2, SMART App Launch 2.2 §8.1.4).
 */
const texts = ['issuer', ...Object.values(endpoints).map(({ member }) => member)];
const lists = [
  'token_endpoint_auth_methods_supported',
  'token_endpoint_auth_signing_alg_values_supported',
  'code_challenge_methods_supported',
  'scopes_supported',
  'grant_types_supported',
  'response_types_supported',
  'capabilities',
];

const isTextList = (value: unknown): boolean =>
  Array.isArray(value) && value.every((entry) => typeof entry === 'string');

/** A member of the wrong type is not compared, which must not pass for agreement. */
const types: Comparison = ({ name, body }) => {
  const isWrong = (names: readonly string[], is: (value: unknown) => boolean): string[] =>
    names.filter((member) => body[member] !== undefined && !is(body[member]));
  const wrongTexts = isWrong(texts, (value) => typeof value === 'string').map((member) => `${member} is not a string`);
  const wrongLists = isWrong(lists, isTextList).map((member) => `${member} is not a list of strings`);
  const wrongFlags = isWrong(
    ['authorization_response_iss_parameter_supported'],
    (value) => typeof value === 'boolean',
  ).map((member) => `${member} is not true or false`);
  const text = [...wrongTexts, ...wrongLists, ...wrongFlags].join(', ');
  if (text === '') return undefined;
  const todo = 'ask the payer to fix it; until then the profile cannot be compared with it';
  return { field: name, ours: 'as the standard has it', theirs: text, text, todo };
};

const refreshing: Comparison = (document, { scopes, identitySignIn }) => {
  const said = listOf(document, 'grant_types_supported');
  if (said === undefined || said.includes('refresh_token')) return undefined;
  // Blue Button lists what begins a grant, and SMART's capability for refresh tokens.
  const isOffline = listOf(document, 'capabilities')?.includes('permission-offline') === true;
  if (identitySignIn !== undefined && isOffline) return undefined;
  const asked = scopes.includes('offline_access') ? ', but the profile asks for offline_access' : '';
  return {
    field: 'refresh tokens',
    ours: 'used',
    theirs: few(said),
    text: `grant_types_supported lacks refresh_token (it has ${few(said)})${asked}`,
    todo: "ask the payer for refresh tokens: without them a grant ends with the payer's first access token",
  };
};

/** What smart-configuration says of the call with a member's identity token: SMART has no capability for it. */
const identity: Comparison = (document, { identitySignIn }) => {
  if (identitySignIn === undefined) return undefined;
  const { assertionAlgorithm, scopes } = identitySignIn;
  const inScopes = compareScopes(listOf(document, 'scopes_supported'), scopes);
  return (
    compareList(document, 'grant_types_supported', 'client_credentials', {
      field: 'identitySignIn',
      todo: "ask the payer whether it still takes members' identity tokens; if not, remove identitySignIn",
    }) ??
    compareList(document, 'token_endpoint_auth_signing_alg_values_supported', assertionAlgorithm, {
      field: 'identitySignIn.assertionAlgorithm',
      todo: 'make a key for an algorithm that the payer lists, or ask the payer',
    }) ??
    (inScopes && { ...inScopes, field: 'identitySignIn.scopes' })
  );
};

const comparisons: readonly Comparison[] = [
  types,
  ...Object.entries(endpoints).map(([field, published]) => endpoint(field as EndpointField, published)),
  issuer,
  authentication,
  signing,
  pkce,
  patient,
  refreshing,
  identity,
  (document, { scopes }) => compareScopes(listOf(document, 'scopes_supported'), scopes),
  iss,
];

/** How a discovery document differs from a payer's profile. */
export const compareDiscovery = (document: DiscoveryDocument, payer: Payer): Difference[] =>
  comparisons.flatMap((comparison) => comparison(document, payer) ?? []);
