import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { listOf, readDocuments, textOf, type DiscoveryDocument, type Places } from './documents.ts';
import { fault, pass, type Finding } from './finding.ts';
import { compareScopes } from './scopes.ts';

/** How a document and the profile differ, and what to do about it. */
type Difference = readonly [text: string, todo: string];
type Comparison = (document: DiscoveryDocument, payer: Payer) => Difference | undefined;

const few = (values: readonly string[]): string =>
  values.length > 6 ? `${values.slice(0, 6).join(', ')} and ${values.length - 6} more` : values.join(', ') || 'none';

const sameUrl = (a: string, b: string): boolean => URL.parse(a)?.href === URL.parse(b)?.href;

const endpoint =
  (member: string, field: 'authorizationEndpoint' | 'tokenEndpoint' | 'revocationEndpoint'): Comparison =>
  (document, payer) => {
    const said = textOf(document, member);
    const ours = payer[field];
    if (said === undefined || (ours !== undefined && sameUrl(said, ours))) return undefined;
    return ours === undefined
      ? [`${member} is ${said}, the profile has none`, `write ${field}: '${said}'`]
      : [
          `${member} is ${said}, the profile says ${ours}`,
          `write ${field}: '${said}', or ask the payer which one is right`,
        ];
  };

/** Like {@link endpoint}, for one that a profile may leave out although the payer has it. */
const usedEndpoint =
  (member: string, field: 'userinfoEndpoint' | 'jwksUri'): Comparison =>
  (document, payer) => {
    const said = textOf(document, member);
    const ours = payer[field];
    return said === undefined || ours === undefined || sameUrl(said, ours)
      ? undefined
      : [
          `${member} is ${said}, the profile says ${ours}`,
          `write ${field}: '${said}', or ask the payer which one is right`,
        ];
  };

const issuer: Comparison = (document, payer) => {
  const said = textOf(document, 'issuer');
  if (said === undefined || payer.issuer === undefined || said === payer.issuer) return undefined;
  const consequence = payer.sendsIss ? '; every login is refused until both agree' : '';
  return [`issuer is ${said}, the profile says ${payer.issuer}`, `write issuer: '${said}', exactly${consequence}`];
};

const authentication: Comparison = (document, { clientAuthentication }) => {
  const said = listOf(document, 'token_endpoint_auth_methods_supported');
  if (said === undefined || said.includes(clientAuthentication)) return undefined;
  // SMART has a capability for public clients, and many servers leave "none" out.
  if (clientAuthentication === 'none' && listOf(document, 'capabilities')?.includes('client-public') === true) {
    return undefined;
  }
  return [
    `token_endpoint_auth_methods_supported lacks ${clientAuthentication} (it has ${few(said)})`,
    'write the clientAuthentication that is registered at the payer, or ask the payer',
  ];
};

const signing: Comparison = (document, { clientAuthentication, publicKeys }) => {
  const said = listOf(document, 'token_endpoint_auth_signing_alg_values_supported');
  if (said === undefined || clientAuthentication !== 'private_key_jwt') return undefined;
  const ours = publicKeys.map(({ kty }) => (kty === 'RSA' ? 'RS384' : 'ES384'));
  const lacking = ours.find((alg) => !said.includes(alg));
  if (lacking === undefined) return undefined;
  return [
    `token_endpoint_auth_signing_alg_values_supported lacks ${lacking} (it has ${few(said)})`,
    'make a key for ES384 or RS384, whichever the payer lists, or ask the payer',
  ];
};

const pkce: Comparison = (document, { quirks }) => {
  const said = listOf(document, 'code_challenge_methods_supported');
  if (said === undefined || said.includes('S256') === quirks.pkce) return undefined;
  return quirks.pkce
    ? [
        `code_challenge_methods_supported lacks S256 (it has ${few(said)}), but the profile sends it`,
        'ask the payer for PKCE with S256, which SMART requires; until then write quirks.pkce: false',
      ]
    : ['code_challenge_methods_supported has S256, but the profile sends no PKCE', 'write quirks.pkce: true'];
};

const iss: Comparison = (document, { sendsIss }) => {
  const member = 'authorization_response_iss_parameter_supported';
  // RFC 9207 §3: missing from the server's metadata, it is false. SMART's document does not define it.
  const silent =
    !['boolean', 'undefined'].includes(typeof document.body[member]) ||
    (document.name === 'smart-configuration' && document.body[member] === undefined);
  const said = document.body[member] === true;
  if (silent || said === sendsIss) return undefined;
  return said
    ? [`${member} is true, but the profile says sendsIss: false`, 'write sendsIss: true, and the issuer']
    : [
        `${member} is not true, but the profile says sendsIss: true`,
        'ask the payer whether it sends iss; if not, write sendsIss: false, or every login is refused',
      ];
};

const patient: Comparison = (document, { patientFrom, patientMember }) => {
  const said = listOf(document, 'capabilities');
  const isStandard = patientFrom === 'token' && patientMember === undefined;
  if (said === undefined || !isStandard || said.includes('context-standalone-patient')) return undefined;
  return [
    'capabilities lacks context-standalone-patient, but the profile says patientFrom: "token"',
    'write patientFrom: "search", or ask the payer whether its token answer names the patient; if not, every login fails',
  ];
};

/**
 * Members that must be strings, and members that must be lists of strings (RFC 8414 §2, SMART App Launch 2.2 §8.1.4).
 */
const texts = ['issuer', 'authorization_endpoint', 'token_endpoint', 'revocation_endpoint', 'jwks_uri'];
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
const types: Comparison = ({ body }) => {
  const isWrong = (names: readonly string[], is: (value: unknown) => boolean): string[] =>
    names.filter((name) => body[name] !== undefined && !is(body[name]));
  const wrongTexts = isWrong(texts, (value) => typeof value === 'string').map((name) => `${name} is not a string`);
  const wrongLists = isWrong(lists, isTextList).map((name) => `${name} is not a list of strings`);
  const wrongFlags = isWrong(
    ['authorization_response_iss_parameter_supported'],
    (value) => typeof value === 'boolean',
  ).map((name) => `${name} is not true or false`);
  const all = [...wrongTexts, ...wrongLists, ...wrongFlags];
  return all.length === 0
    ? undefined
    : [all.join(', '), 'ask the payer to fix it; until then the profile cannot be compared with it'];
};

const refreshing: Comparison = (document, { scopes }) => {
  const said = listOf(document, 'grant_types_supported');
  if (said === undefined || said.includes('refresh_token')) return undefined;
  const asked = scopes.includes('offline_access') ? ', but the profile asks for offline_access' : '';
  return [
    `grant_types_supported lacks refresh_token (it has ${few(said)})${asked}`,
    "ask the payer for refresh tokens: without them a grant ends with the payer's first access token",
  ];
};

const comparisons: readonly Comparison[] = [
  types,
  endpoint('authorization_endpoint', 'authorizationEndpoint'),
  endpoint('token_endpoint', 'tokenEndpoint'),
  endpoint('revocation_endpoint', 'revocationEndpoint'),
  usedEndpoint('userinfo_endpoint', 'userinfoEndpoint'),
  usedEndpoint('jwks_uri', 'jwksUri'),
  issuer,
  authentication,
  signing,
  pkce,
  patient,
  refreshing,
  (document, { scopes }) => compareScopes(listOf(document, 'scopes_supported'), scopes),
  iss,
];

const compare = (document: DiscoveryDocument, payer: Payer): Finding[] => {
  const differences = comparisons.flatMap((comparison) => {
    const difference = comparison(document, payer);
    return difference === undefined ? [] : [difference];
  });
  return differences.length === 0
    ? [pass('discovery', `${document.name} agrees with the profile (${document.url})`)]
    : differences.map(([text, todo]) => fault('discovery', `${document.name}: ${text}`, todo));
};

/**
 * Compares the profile with what the payer publishes: SMART's smart-configuration and, given an issuer, RFC 8414
 * metadata and OpenID configuration. A payer need not publish any.
 * @param places where to look: the places that can be reached
 */
export const checkDiscovery = async (
  { http }: { http: PayerHttp },
  payer: Payer,
  places: Places,
): Promise<readonly Finding[]> => {
  if (places.fhirBaseUrl === undefined && places.issuer === undefined) return [];
  const { documents, findings } = await readDocuments({ http }, places);
  const all = [...findings, ...documents.flatMap((document) => compare(document, payer))];
  return all.length > 0 ? all : [pass('discovery', 'none published; nothing to compare')];
};
