import { pendingClientId } from '../../config/examples.ts';
import { compareDiscovery } from '../../functions/shared/payer/compare-discovery.ts';
import type { DiscoveryDocument, Places } from '../../functions/shared/payer/discovery-documents.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import { fhirBases } from '../../functions/shared/registry/fhir-bases.ts';
import { payerSecretPrefix, secretOwnerOf } from '../../functions/shared/registry/profile.ts';
import type { IdentityProvider, Payer } from '../../functions/shared/registry/types.ts';
import { readDocuments } from './documents.ts';
import { checkAuthorize, checkFhir, checkKeys, checkRevoke, checkToken, checkUserinfo } from './endpoints.ts';
import { checkExchange, checkExchangeSecret } from './exchange.ts';
import { fault, pass, type Finding } from './finding.ts';
import { reach, type ReachDeps } from './reach.ts';
import { judgeSecret, type SecretReading } from './secret.ts';

const compare = (document: DiscoveryDocument, payer: Payer): Finding[] => {
  const differences = compareDiscovery(document, payer);
  return differences.length === 0
    ? [pass('discovery', `${document.name} agrees with the profile (${document.url})`)]
    : differences.map(({ text, todo }) => fault('discovery', `${document.name}: ${text}`, todo));
};

/**
 * Compares the profile with the documents that the payer publishes: SMART's smart-configuration and, if the profile has an issuer,
 * RFC 8414 metadata and the OpenID configuration. A payer does not have to publish any of them.
 * @param places where to look: the servers that can be reached
 */
const checkDiscovery = async (
  { http }: { http: PayerHttp },
  payer: Payer,
  places: Places,
): Promise<readonly Finding[]> => {
  if (places.fhirBaseUrl === undefined && places.issuer === undefined) return [];
  const { documents, findings } = await readDocuments({ http }, places);
  const all = [...findings, ...documents.flatMap((document) => compare(document, payer))];
  return all.length > 0 ? all : [pass('discovery', 'none published; nothing to compare')];
};

/** What the check is given from outside. */
export interface ExamineDeps extends ReachDeps {
  readonly http: PayerHttp;
  /** Those of the stage. @default the keys of none are read */
  readonly identityProviders?: readonly IdentityProvider[] | undefined;
  /** Reads a secret by its name. @default secrets are not checked */
  readonly readSecret?: ((name: string) => Promise<SecretReading>) | undefined;
}

/** The identity providers whose tokens go to this payer. Without their keys, no token can be verified. */
const providersOf = ({ identityProviders = [] }: ExamineDeps, { identitySignIn }: Payer): IdentityProvider[] =>
  identityProviders.filter(({ issuer }) => identitySignIn?.issuers.includes(issuer));

const examineEndpoints = async (deps: ExamineDeps, payer: Payer): Promise<Finding[]> => {
  const { findings, isDown } = await reach(deps, payer);
  const unlessDown = (url: string | undefined): string | undefined =>
    url === undefined || isDown(url) ? undefined : url;
  const ask = async (url: string | undefined, check: () => Promise<Finding>): Promise<Finding[]> =>
    unlessDown(url) === undefined ? [] : [await check()];
  const further = await Promise.all([
    ask(payer.authorizationEndpoint, () => checkAuthorize(deps, payer)),
    ask(payer.tokenEndpoint, () => checkToken(deps, payer)),
    ask(payer.revocationEndpoint, () => checkRevoke(deps, payer)),
    ask(payer.userinfoEndpoint, () => checkUserinfo(deps, payer)),
    ask(payer.jwksUri, () => checkKeys(deps, payer)),
    ...providersOf(deps, payer).map((provider) => ask(provider.jwksUri, () => checkKeys(deps, provider))),
    ...fhirBases(payer).map(({ bases: [base = ''] }) => ask(base, () => checkFhir(deps, payer, base))),
    checkExchange(deps, payer, (url) => unlessDown(url) === undefined),
    checkDiscovery(deps, payer, {
      fhirBaseUrl: unlessDown(payer.fhirBaseUrl),
      smartConfigurationUrl: unlessDown(payer.smartConfigurationUrl),
      issuer: unlessDown(payer.issuer),
    }),
  ]);
  return [...findings, ...further.flat()];
};

/** A client id gets no finding: only a sign-in shows that it is right. */
const checkClientId = ({ clientId }: Payer): Finding[] =>
  clientId === pendingClientId
    ? [
        fault(
          'client id',
          `is still "${pendingClientId}"`,
          'ask the payer to register the gateway, and write the client id that it gives into clientId',
        ),
      ]
    : [];

/** No fault: a payer that moves from a secret to a key needs the keys first. */
const keysBesideSecret = ({ clientAuthentication, publicKeys, identitySignIn }: Payer): Finding[] =>
  clientAuthentication !== 'private_key_jwt' && publicKeys.length > 0 && identitySignIn === undefined
    ? [
        pass(
          'secret',
          `publicKeys are published, but ${clientAuthentication} uses none of them: write "private_key_jwt" once the payer has them, or remove them`,
        ),
      ]
    : [];

/**
 * Examines one payer: client id, names, connections, endpoints, discovery, secret. No request carries a credential.
 * Endpoints on a host that cannot be reached are skipped. A payer that hangs takes 10 s.
 */
export const examine = async (deps: ExamineDeps, stage: string, payer: Payer): Promise<readonly Finding[]> => {
  const owner = secretOwnerOf(payer);
  const secret = async (): Promise<Finding[]> => {
    if (deps.readSecret === undefined) return [];
    const ofExchanges = await checkExchangeSecret(deps.readSecret, stage, payer);
    if (owner === undefined) return [pass('secret', 'none is needed: a public client'), ...ofExchanges];
    const name = `${payerSecretPrefix(stage)}${owner}`;
    return [judgeSecret(name, await deps.readSecret(name), payer), ...keysBesideSecret(payer), ...ofExchanges];
  };
  const [endpoints, secrets] = await Promise.all([examineEndpoints(deps, payer), secret()]);
  return [...checkClientId(payer), ...endpoints, ...secrets];
};
