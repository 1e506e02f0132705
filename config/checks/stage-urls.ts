/** The URLs in a configuration that browsers or functions request, each with its field. */
import type { Operator } from '../../functions/shared/pages/settings.ts';
import type { IdentityProvider, Partner, Payer } from '../../functions/shared/registry/types.ts';

/** A URL and the path of its field in the payer or partner. */
export type UrlField = readonly [path: readonly PropertyKey[], url: string];

const each = (path: readonly PropertyKey[], urls: readonly string[]): UrlField[] =>
  urls.map((url, index) => [[...path, index], url]);

const one = (path: readonly PropertyKey[], url: string | undefined): UrlField[] =>
  url === undefined ? [] : [[path, url]];

/** Without `fhirBaseUrlAliases`, which are only compared with links, never called. */
export const payerUrls = (payer: Payer): readonly UrlField[] => [
  ...one(['fhirBaseUrl'], payer.fhirBaseUrl),
  ...(payer.furtherBases ?? []).map(({ fhirBaseUrl }, at): UrlField => [
    ['furtherBases', at, 'fhirBaseUrl'],
    fhirBaseUrl,
  ]),
  ...one(['authorizationEndpoint'], payer.authorizationEndpoint),
  ...one(['tokenEndpoint'], payer.tokenEndpoint),
  ...one(['revocationEndpoint'], payer.revocationEndpoint),
  ...one(['issuer'], payer.issuer),
  ...one(['smartConfigurationUrl'], payer.smartConfigurationUrl),
  ...one(['userinfoEndpoint'], payer.userinfoEndpoint),
  ...one(['jwksUri'], payer.jwksUri),
  ...one(['identitySignIn', 'tokenEndpoint'], payer.identitySignIn?.tokenEndpoint),
  ...one(['exchange', 'tokenEndpoint'], payer.exchange?.tokenEndpoint),
  ...one(['exchange', 'fhirBaseUrl'], payer.exchange?.fhirBaseUrl),
  ...each(['exchange', 'statusOrigins'], payer.exchange?.statusOrigins ?? []),
  ...each(['exchange', 'fileOrigins'], payer.exchange?.fileOrigins ?? []),
  ...each(['quirks', 'signInOrigins'], payer.quirks.signInOrigins),
];

export const partnerUrls = (partner: Partner): readonly UrlField[] => [
  ...one(['homePage'], partner.homePage),
  ...one(['privacyPolicy'], partner.privacyPolicy),
  ...each(['redirectUris'], partner.redirectUris),
  ...each(['webOrigins'], partner.webOrigins),
  ...one(['webhook'], partner.webhook),
];

/** Of identity providers only their keys are requested. */
export const providerUrls = (providers: readonly IdentityProvider[] = []): readonly UrlField[] =>
  providers.map(({ jwksUri }, index) => [['identityProviders', index, 'jwksUri'], jwksUri]);

/** The links of our pages to whoever runs the gateway; an e-mail address has none. */
export const operatorUrls = ({ website, privacyPolicy, support }: Operator): readonly UrlField[] => [
  ...one(['operator', 'website'], website),
  ...one(['operator', 'privacyPolicy'], privacyPolicy),
  ...one(['operator', 'support'], support?.startsWith('mailto:') === true ? undefined : support),
];
