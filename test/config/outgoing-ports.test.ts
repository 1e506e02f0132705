import { outgoingPorts } from '../../config/account/outgoing-ports.ts';
import { localStage } from '../../config/local.ts';

const [payer] = localStage().payers;
const [partner] = localStage().partners;
const at = (port: number): string => `https://plan.example.org:${port}/x`;

it('functions may connect to 443 and to each port in a URL that they request, not to those that only browsers do', () => {
  const payers = [
    {
      ...payer!,
      fhirBaseUrl: at(8001),
      furtherBases: [{ fhirBaseUrl: at(8010), types: ['Goal'] }],
      authorizationEndpoint: at(8002),
      tokenEndpoint: at(8003),
      revocationEndpoint: at(8004),
      userinfoEndpoint: at(8005),
      jwksUri: at(8006),
      smartConfigurationUrl: at(8007),
      issuer: at(9001),
      fhirBaseUrlAliases: [at(9002)],
      quirks: { ...payer!.quirks, signInOrigins: [at(9003)] },
    },
  ];
  const partners = [
    { ...partner!, webhook: at(8008), homePage: at(9004), redirectUris: [at(9005)], webOrigins: [at(9006)] },
  ];

  const identityProviders = [{ issuer: at(9007), jwksUri: at(8009), algorithms: ['RS256' as const] }];

  expect(outgoingPorts({ payers, partners, identityProviders })).toEqual([
    443, 8001, 8002, 8003, 8004, 8005, 8006, 8007, 8008, 8009, 8010,
  ]);
});
