import type { PublicJwk } from '../functions/shared/registry/types.ts';
import { checkStage } from './check.ts';
import { examplePublicKey, publishedSecretHash } from './examples.ts';
import { oneUpDemo, smart } from './presets.ts';
import type { StageConfig } from './stage.ts';

/** Where the local stack listens. The payers are on a different host from the gateway, as in reality. */
export const defaultPorts = { gateway: 3000, demoHealthPlan: 3001, partner: 3002, northwind: 3003, aws: 3004 };

/** How long consent lasts at the sandbox's payers, as their own pages say, in seconds. */
const consentLifetime = 90 * 86_400;

/** The stage that `npm start` serves: two payers and three partners, one of each kind. */
export const localStage = (
  ports: Omit<typeof defaultPorts, 'aws'> = defaultPorts,
  keys: { northwindPublicKey?: PublicJwk } = {},
): StageConfig => {
  const demoHealthPlan = `http://127.0.0.1:${ports.demoHealthPlan}`;
  const northwind = `http://127.0.0.1:${ports.northwind}`;
  const partnerApp = `http://localhost:${ports.partner}`;
  const forAll = {
    homePage: `${partnerApp}/`,
    scopes: ['launch/patient', 'patient/*.rs', 'offline_access'],
    payers: ['demo-health-plan', 'northwind'],
  };
  return checkStage(
    {
      stage: 'local',
      production: false,
      // Nothing outlives the process, and only a stand-in for API Gateway is in front of the functions.
      removalPolicy: 'destroy',
      waf: 'none',
      apiGatewayLogRole: false,
      origin: `http://localhost:${ports.gateway}`,
      // Here people paste codes by hand.
      lifetimes: { code: 300 },
      payers: [
        {
          ...oneUpDemo({
            id: 'demo-health-plan',
            displayName: 'Demo Health Plan',
            clientId: 'gateway-at-demo-health-plan',
            authOrigin: demoHealthPlan,
            apiOrigin: demoHealthPlan,
          }),
          consentLifetime,
        },
        smart({
          id: 'northwind',
          displayName: 'Northwind Health',
          clientId: 'gateway-at-northwind',
          fhirBaseUrl: `${northwind}/r4`,
          issuer: northwind,
          consentLifetime,
          authorizationEndpoint: `${northwind}/oauth2/authorize`,
          tokenEndpoint: `${northwind}/oauth2/token`,
          revocationEndpoint: `${northwind}/oauth2/revoke`,
          publicKeys: [keys.northwindPublicKey ?? { ...examplePublicKey, kid: 'northwind-local-1' }],
        }),
      ],
      partners: [
        {
          ...forAll,
          clientId: 'demo-partner',
          name: 'Demo Partner',
          redirectUris: [`${partnerApp}/callback`],
          clientAuthentication: ['client_secret_basic', 'client_secret_post'],
          secretHashes: [publishedSecretHash],
          pkceOptional: true,
          consent: 'partner',
        },
        {
          ...forAll,
          clientId: 'demo-app',
          name: 'Demo App',
          redirectUris: [`${partnerApp}/app/callback`, 'http://127.0.0.1/callback'],
          clientAuthentication: ['none'],
          webOrigins: [partnerApp],
          consent: 'partner',
        },
        {
          ...forAll,
          clientId: 'third-party-app',
          name: 'Third Party App',
          redirectUris: [`${partnerApp}/third-party/callback`],
          clientAuthentication: ['none'],
          webOrigins: [partnerApp],
          consent: 'gateway',
        },
      ],
    },
    import.meta.filename,
  );
};

export default localStage();
