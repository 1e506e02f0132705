import type { StageConfig } from '../../config/stage.ts';
import { resourceTypes } from '../../functions/shared/scopes/resource-types.ts';

/** Words that are public, so that they may be shown as they are. Every other value is shown as a mark only. */
export interface Known {
  /** Segments of paths. */
  readonly words: ReadonlySet<string>;
  readonly clients: ReadonlySet<string>;
  readonly payers: ReadonlySet<string>;
  /** Addresses of the configuration, each exactly as it is written there. */
  readonly urls: ReadonlySet<string>;
  /** Origins whose addresses are shown part by part. */
  readonly origins: ReadonlySet<string>;
}

export const typeNames: ReadonlySet<string> = new Set(resourceTypes);

/** Segments of the routes of the gateway, the payers and the partner app. */
const routeWords = `
  oauth2 authorize callback token revoke introspect jwks userinfo .well-known smart-configuration payer2payer
  oauth-authorization-server openid-configuration jwks.json r4 metadata exports _search _history $everything $export
  brands connect payers interaction login create confirm consent abort inbox members admin changes
  app third-party record export read disconnect begin delete webhooks events download
  timeline results health care claims documents list entry file
`;

const originOf = (url: string): string[] => {
  const origin = URL.parse(url)?.origin;
  return origin === undefined || origin === 'null' ? [] : [origin];
};

/** What is public in a configuration. @param origins of the local stack's servers */
export const knownOf = ({ payers, partners }: StageConfig, origins: readonly string[]): Known => {
  const payerUrls = payers.flatMap(({ fhirBaseUrl, furtherBases = [], issuer, authorizationEndpoint, tokenEndpoint }) =>
    [
      fhirBaseUrl,
      ...furtherBases.map((further) => further.fhirBaseUrl),
      issuer,
      authorizationEndpoint,
      tokenEndpoint,
    ].filter((url) => url !== undefined),
  );
  const redirectUris = partners.flatMap((partner) => partner.redirectUris);
  const payerIds = payers.map(({ id }) => id);
  return {
    words: new Set([...routeWords.trim().split(/\s+/), ...typeNames, ...payerIds]),
    clients: new Set([...partners, ...payers].map(({ clientId }) => clientId)),
    payers: new Set(payerIds),
    urls: new Set([...payerUrls, ...redirectUris]),
    origins: new Set([...origins, ...payerUrls.flatMap(originOf)]),
  };
};
