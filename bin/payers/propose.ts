import { examplePublicKey } from '../../config/examples.ts';
import type { Payer, PayerQuirks } from '../../functions/shared/registry/types.ts';
import { withoutUndefined } from '../shared/objects.ts';
import { slug } from '../shared/slug.ts';
import type { Discovered } from './discover.ts';
import { listOf, textOf, type DiscoveryDocument } from './documents.ts';
import { scopesFor } from './scopes.ts';

/** A payer's entry, and what only the payer, or the reader, knows about it. */
export interface Proposed {
  readonly payer: Payer;
  /** Each `fields: why`. */
  readonly asks: readonly string[];
}

type Authentication = Payer['clientAuthentication'];
type Endpoints = Pick<
  Payer,
  'fhirBaseUrl' | 'authorizationEndpoint' | 'tokenEndpoint' | 'revocationEndpoint' | 'issuer'
>;

/** A reserved host name, which a production stage refuses. */
const unknown = 'https://ask-the-payer.invalid';

const firstOf =
  <T>(read: (document: DiscoveryDocument, member: string) => T | undefined) =>
  ({ smartConfiguration, serverMetadata }: Discovered, member: string): T | undefined =>
    [smartConfiguration, serverMetadata]
      .map((document) => document && read(document, member))
      .find((value) => value !== undefined);
const firstText = firstOf(textOf);
const firstList = firstOf(listOf);

/** The strongest method that the payer lists. */
const authenticationFor = (methods: readonly string[] | undefined): Authentication =>
  (['private_key_jwt', 'client_secret_basic', 'client_secret_post'] as const).find((method) =>
    methods?.includes(method),
  ) ?? 'client_secret_basic';

const endpointsOf = (found: Discovered): Endpoints => {
  const uris = found.statement?.oauthUris;
  return withoutUndefined<Endpoints>({
    fhirBaseUrl: found.fhirBaseUrl ?? `${unknown}/r4`,
    authorizationEndpoint:
      firstText(found, 'authorization_endpoint') ?? uris?.get('authorize') ?? `${unknown}/authorize`,
    tokenEndpoint: firstText(found, 'token_endpoint') ?? uris?.get('token') ?? `${unknown}/token`,
    revocationEndpoint: firstText(found, 'revocation_endpoint') ?? uris?.get('revoke'),
    issuer: found.serverMetadata && textOf(found.serverMetadata, 'issuer'),
  });
};

/** Everything on, and PKCE unless the payer lists its methods without S256. */
const quirksFor = (challengeMethods: readonly string[] | undefined): PayerQuirks => ({
  responseType: true,
  aud: true,
  pkce: challengeMethods?.includes('S256') ?? true,
  redirectUriAtToken: true,
  extraAuthorizeParameters: {},
  signInOrigins: [],
});

const namesOf = (
  { statement }: Discovered,
  { fhirBaseUrl, tokenEndpoint }: Endpoints,
): Pick<Payer, 'id' | 'displayName'> => {
  const { hostname } = new URL(fhirBaseUrl.startsWith(unknown) ? tokenEndpoint : fhirBaseUrl);
  const displayName = statement?.publisher ?? hostname;
  return { id: slug(displayName) || 'payer', displayName };
};

const asksOf = (found: Discovered, payer: Payer): string[] => {
  const methods = firstList(found, 'token_endpoint_auth_methods_supported');
  const isExampleKey = payer.publicKeys.length > 0;
  const when = (is: boolean, ask: string): string[] => (is ? [ask] : []);
  return [
    'clientId: the payer gives it when it registers the gateway',
    'id, displayName: choose them; the id is part of every URL',
    ...when(payer.fhirBaseUrl.startsWith(unknown), 'fhirBaseUrl: an issuer does not publish it'),
    ...when(payer.tokenEndpoint.startsWith(unknown), 'authorizationEndpoint, tokenEndpoint: not published'),
    ...when(isExampleKey, "publicKeys: this is the example's; make a pair with: npm run --silent payers -- key"),
    ...when(methods === undefined, 'clientAuthentication: not published; how does the payer register the gateway?'),
    ...when(found.serverMetadata === undefined, 'issuer, sendsIss: not published; does the payer send iss (RFC 9207)?'),
    ...when(
      found.smartConfiguration === undefined,
      'scopes, patientFrom, quirks: not published; what does the payer accept?',
    ),
    ...when(found.statement === undefined, 'everything: does the payer support Patient/{id}/$everything?'),
  ];
};

/**
 * Makes a payer's entry from what was found. What has to be asked gets the usual value, or one that production refuses.
 */
export const propose = (found: Discovered): Proposed => {
  const capabilities = firstList(found, 'capabilities');
  const clientAuthentication = authenticationFor(firstList(found, 'token_endpoint_auth_methods_supported'));
  const namesPatient = capabilities === undefined || capabilities.includes('context-standalone-patient');
  const endpoints = endpointsOf(found);
  const names = namesOf(found, endpoints);
  const payer: Payer = {
    ...names,
    ...endpoints,
    fhirBaseUrlAliases: found.statement?.alias === undefined ? [] : [found.statement.alias],
    sendsIss: found.serverMetadata?.body['authorization_response_iss_parameter_supported'] === true,
    clientId: `your-client-id-at-${names.id}`,
    clientAuthentication,
    publicKeys: clientAuthentication === 'private_key_jwt' ? [examplePublicKey] : [],
    scopes: scopesFor(firstList(found, 'scopes_supported'), capabilities),
    everything: found.statement?.everything ?? true,
    patientFrom: namesPatient ? 'token' : 'search',
    quirks: quirksFor(firstList(found, 'code_challenge_methods_supported')),
  };
  return { payer, asks: asksOf(found, payer) };
};
