import { npiSystem } from '../functions/shared/fhir/npi.ts';
import type { Partner, PublicJwk } from '../functions/shared/registry/types.ts';
import { checkStage } from './check.ts';
import { examplePublicKey, localLogos, publishedPlanKey, publishedPublicKey, publishedSecretHash } from './examples.ts';
import { oneUpDemo, smart } from './presets.ts';
import type { StageConfig } from './stage.ts';

/** Where the local stack listens. The payers are on a different host from the gateway, as in reality. */
export const defaultPorts = {
  gateway: 3000,
  demoHealthPlan: 3001,
  partner: 3002,
  northwind: 3003,
  aws: 3004,
  live: 3005,
  identity: 3006,
};

/** How long consent lasts at the sandbox's payers, as their own pages say, in seconds. */
const consentLifetime = 90 * 86_400;

/** A partner in addition to the stage's three. It gets the scopes and payers of all, and by default their home page. */
export type LocalPartner = Omit<Partial<Partner>, 'scopes' | 'payers'> & Pick<Partner, 'clientId' | 'redirectUris'>;

/** What only a running sandbox knows. */
export interface SandboxParts {
  readonly demoHealthPlanPublicKey?: PublicJwk;
  readonly northwindPublicKey?: PublicJwk;
  /** The gateway's key for exchanges with the Demo Health Plan. @default the stage has no exchanges */
  readonly exchangePublicKey?: PublicJwk | undefined;
  /** @default none */
  readonly partners?: readonly LocalPartner[];
  /** What the index page shows in addition to the stage's own entries. @default nothing */
  readonly indexPage?: Partial<NonNullable<StageConfig['indexPage']>>;
  /** Where the errors are explained. @default nowhere */
  readonly errorsUrl?: string;
}

/** National Provider Identifiers: no real one begins with 8 or 9. */
const npi = (value: string) => ({ system: npiSystem, value });
export const localPlans = { 'demo-health-plan': npi('9100000014'), 'new-plan': npi('9800000017') } as const;

/** The stage that `npm start` serves: two payers and three partners, one of each kind, and those of the sandbox. */
export const localStage = (
  ports: Omit<typeof defaultPorts, 'aws' | 'live'> = defaultPorts,
  {
    demoHealthPlanPublicKey,
    northwindPublicKey,
    exchangePublicKey,
    partners = [],
    indexPage = {},
    errorsUrl,
  }: SandboxParts = {},
): StageConfig => {
  const demoHealthPlan = `http://127.0.0.1:${ports.demoHealthPlan}`;
  const northwind = `http://127.0.0.1:${ports.northwind}`;
  const partnerApp = `http://localhost:${ports.partner}`;
  const identityProvider = `http://127.0.0.1:${ports.identity}`;
  const forAll = {
    homePage: `${partnerApp}/`,
    scopes: ['launch/patient', 'patient/*.rs', 'offline_access'],
    payers: ['demo-health-plan', 'northwind'],
  };
  const exchange =
    exchangePublicKey === undefined
      ? undefined
      : {
          clientId: 'gateway-as-new-plan',
          assertionAlgorithm: 'ES384',
          publicKeys: [exchangePublicKey],
          scopes: ['http://hl7.org/fhir/us/davinci-pdex/OperationDefinition/BulkMemberMatch', 'system/Group.rs'],
          identifiers: [localPlans['demo-health-plan']],
        };
  /** A new plan's own system: it sends no browser anywhere. */
  const newPlan = {
    ...forAll,
    clientId: 'new-plan',
    name: 'New Plan',
    redirectUris: [],
    scopes: [],
    payers: ['demo-health-plan'],
    clientAuthentication: ['private_key_jwt'],
    jwks: [publishedPlanKey],
    exchange: { identifiers: [localPlans['new-plan']] },
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
      operator: {
        name: 'Payer-to-payer gateway (local)',
        website: `http://localhost:${ports.gateway}/`,
        support: 'mailto:help@gateway.example.org',
        logo: localLogos.gateway,
      },
      indexPage: { testMembers: [], links: [], ...indexPage },
      ...(errorsUrl === undefined ? {} : { errorsUrl }),
      identityProviders: [{ issuer: identityProvider, jwksUri: `${identityProvider}/jwks`, algorithms: ['RS256'] }],
      ...(exchange === undefined ? {} : { exchanges: {} }),
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
            brand: {
              website: `${demoHealthPlan}/`,
              otherNames: ['DHP', 'Demonstration Health'],
              identifiers: { payerId: ['DEMO1'], naic: ['99991'] },
            },
          }),
          linesOfBusiness: ['Commercial', 'Medicare Advantage'],
          consentLifetime,
          publicKeys: [demoHealthPlanPublicKey ?? { ...examplePublicKey, kid: 'demo-health-plan-local-1' }],
          identitySignIn: {
            issuers: [identityProvider],
            assertionAlgorithm: 'ES384',
            scopes: ['patient/*.read'],
            noMatch: [{ status: 401, members: { status_code: 401 } }],
          },
          ...(exchange === undefined ? {} : { exchange }),
          wholeRecord: { pageSize: 100 },
        },
        smart({
          id: 'northwind',
          displayName: 'Northwind Health',
          linesOfBusiness: ['Marketplace', 'Medicaid'],
          brand: {
            website: `${northwind}/`,
            otherNames: ['Northwind Mutual'],
            identifiers: { payerId: ['NWND7'], hios: ['99992'] },
          },
          clientId: 'gateway-at-northwind',
          fhirBaseUrl: `${northwind}/r4`,
          issuer: northwind,
          consentLifetime,
          authorizationEndpoint: `${northwind}/oauth2/authorize`,
          tokenEndpoint: `${northwind}/oauth2/token`,
          revocationEndpoint: `${northwind}/oauth2/revoke`,
          publicKeys: [northwindPublicKey ?? { ...examplePublicKey, kid: 'northwind-local-1' }],
          wholeRecord: { pageSize: 100 },
        }),
      ],
      partners: [
        {
          ...forAll,
          clientId: 'demo-partner',
          name: 'Demo Partner',
          logo: localLogos.demoPartner,
          redirectUris: [`${partnerApp}/callback`],
          clientAuthentication: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
          secretHashes: [publishedSecretHash],
          jwks: [publishedPublicKey],
          pkceOptional: true,
          consent: 'partner',
          consentReason: 'The demo partner app asks before it has a member identified.',
          identityAudiences: [{ issuer: identityProvider, audiences: ['demo-partner'] }],
          webhook: `${partnerApp}/webhooks`,
        },
        {
          ...forAll,
          clientId: 'demo-app',
          name: 'Pocket Record',
          logo: localLogos.pocketRecord,
          redirectUris: [`${partnerApp}/app/callback`, 'http://127.0.0.1/callback'],
          clientAuthentication: ['none'],
          webOrigins: [partnerApp],
          consent: 'partner',
        },
        {
          ...forAll,
          clientId: 'third-party-app',
          name: 'Trend Journal',
          logo: localLogos.trendJournal,
          redirectUris: [`${partnerApp}/third-party/callback`],
          clientAuthentication: ['none'],
          webOrigins: [partnerApp],
          consent: 'gateway',
        },
        ...(exchange === undefined ? [] : [newPlan]),
        ...partners.map((partner) => ({ ...forAll, ...partner })),
      ],
    },
    import.meta.filename,
  );
};

export default localStage();
