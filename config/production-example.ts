import { checkStage } from './check.ts';
import {
  exampleAccount,
  exampleHostedZoneId,
  exampleIdentifiers,
  exampleKeys,
  exampleLogo,
  examplePublicKey,
  exampleSecretHash,
} from './examples.ts';
import { oneUpDemo, smart } from './presets.ts';

/**
 * A production stage with every option. Copy it to `config/NAME.ts`, write your NAME as its stage, and `npx cdk synth
 * -c stage=NAME` names each value that is still the example's. Before the first deployment, create a certificate in AWS
 * Certificate Manager and, for the record, a hosted zone in Route 53. After it, fill each payer's secret, tell payers
 * the stack's egress addresses, and confirm the e-mails that AWS sends to the alarm addresses.
 */
export default checkStage(
  {
    stage: 'production-example',
    production: true,
    account: exampleAccount,
    // Required by CloudFront (edge).
    region: 'us-east-1',
    domain: {
      name: 'gateway.plan.example.org',
      certificateArn: `arn:aws:acm:us-east-1:${exampleAccount}:certificate/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0`,
      // Without it, the stack outputs the target for a record elsewhere.
      hostedZone: { id: exampleHostedZoneId, name: 'plan.example.org' },
    },
    edge: true,
    // Members see it on every page.
    operator: {
      name: 'Lakeshore Health Plan',
      website: 'https://www.plan.example.org/',
      privacyPolicy: 'https://www.plan.example.org/privacy',
      support: 'https://www.plan.example.org/help',
      logo: exampleLogo,
    },
    alarmAddresses: ['gateway-oncall@plan.example.org'],
    ticketAddresses: ['gateway-team@plan.example.org'],
    runbookUrl: 'https://runbooks.plan.example.org/alarms.md',
    errorsUrl: 'https://developers.plan.example.org/partners/errors',
    // For payers that filter by address: one address from each zone, and a third in reserve.
    network: { zones: ['us-east-1a', 'us-east-1b'], cidr: '10.20.0.0/20' },
    waf: { requestsPer5Minutes: 20_000 },
    removalPolicy: 'retain',
    // An empty secret for each payer, which an operator fills.
    payerSecrets: 'stack',
    retention: { logDays: 400, auditDays: 2192 },
    throttling: { perSecond: 200, burst: 400 },
    // So that a flood of reads cannot starve sign-ins or the account's other functions.
    concurrency: { authorize: 50, callback: 50, token: 100, fetch: 200 },
    // Whose tokens about members partners may present, where a payer takes them in place of a sign-in.
    identityProviders: [
      {
        issuer: 'https://identity.example.org',
        jwksUri: 'https://identity.example.org/jwks',
        algorithms: ['RS256'],
      },
    ],
    // Plans may ask former plans for their new members' records. Who asks and who is asked has `exchange` below.
    exchanges: { groupDays: 396, mostRunning: 20 },
    payers: [
      oneUpDemo({
        id: 'lakeside',
        displayName: 'Lakeside Health Plan',
        clientId: 'your-client-id-at-lakeside',
        authOrigin: 'https://auth.lakeside.example.org',
        apiOrigin: 'https://api.lakeside.example.org',
        pkceOffReason: 'The payer documents no code_challenge and refuses parameters that it does not know.',
        brand: {
          website: 'https://www.lakeside.example.org/',
          logo: 'https://www.lakeside.example.org/logo.svg',
          otherNames: ['Lakeside Mutual'],
          identifiers: { payerId: ['LKSD1'], naic: ['99993'] },
        },
      }),
      smart({
        id: 'northwind',
        displayName: 'Northwind Health',
        brand: { website: 'https://northwind.example.org/', identifiers: { hios: ['99992'], npi: ['1234567893'] } },
        clientId: 'your-client-id-at-northwind',
        fhirBaseUrl: 'https://fhir.northwind.example.org/r4',
        issuer: 'https://id.northwind.example.org',
        authorizationEndpoint: 'https://id.northwind.example.org/oauth2/authorize',
        tokenEndpoint: 'https://id.northwind.example.org/oauth2/token',
        revocationEndpoint: 'https://id.northwind.example.org/oauth2/revoke',
        // The same key signs in at Northwind and presents members' identity tokens.
        publicKeys: [{ ...examplePublicKey, kid: 'gateway-at-northwind-1' }],
        identitySignIn: {
          issuers: ['https://identity.example.org'],
          assertionAlgorithm: 'ES384',
          scopes: ['launch/patient', 'patient/*.rs'],
          // How Northwind says that no single member matches.
          noMatch: [{ status: 400, members: { error: 'invalid_grant' } }],
        },
        // Northwind answers as a former plan too. There the gateway is another client, with a key of its own.
        exchange: {
          clientId: 'your-client-id-for-exchanges-at-northwind',
          assertionAlgorithm: 'ES384',
          publicKeys: [{ ...exampleKeys.exchange, kid: 'exchanges-with-northwind-1' }],
          scopes: ['system/Group.rs', 'system/*.rs'],
          identifiers: [exampleIdentifiers.payer],
        },
      }),
    ],
    partners: [
      {
        // The plan's own portal, which asks its member for consent before it sends the browser here.
        clientId: 'member-portal',
        name: 'Member Portal',
        homePage: 'https://members.plan.example.org/',
        redirectUris: ['https://members.plan.example.org/records/callback'],
        clientAuthentication: ['private_key_jwt', 'client_secret_basic'],
        // A partner that presents identity tokens signs with a key. Leave the method out that a partner does not use.
        jwks: [{ ...exampleKeys.portal, kid: 'member-portal-1' }],
        secretHashes: [exampleSecretHash],
        scopes: ['launch/patient', 'patient/*.rs', 'offline_access'],
        payers: ['lakeside', 'northwind'],
        consent: 'partner',
        consentReason:
          'The portal shows its member what will be read from where, and asks, before it presents anything.',
        // The portal's client ids at the identity provider.
        identityAudiences: [{ issuer: 'https://identity.example.org', audiences: ['member-portal'] }],
      },
      {
        // The plan's own system, which asks former plans for its new members' records. It sends no browser anywhere.
        clientId: 'enrollment',
        name: 'Lakeshore Enrollment',
        homePage: 'https://www.plan.example.org/',
        redirectUris: [],
        clientAuthentication: ['private_key_jwt'],
        jwks: [{ ...exampleKeys.enrollment, kid: 'enrollment-1' }],
        scopes: [],
        payers: ['northwind'],
        exchange: { identifiers: [exampleIdentifiers.plan] },
      },
      {
        // Another company's app, in the browser and on desktops: a public client, so only PKCE protects its codes.
        clientId: 'care-notebook',
        name: 'Care Notebook',
        homePage: 'https://notebook.example.com/',
        logo: exampleLogo,
        privacyPolicy: 'https://notebook.example.com/privacy',
        redirectUris: ['https://notebook.example.com/callback', 'http://127.0.0.1/callback'],
        clientAuthentication: ['none'],
        webOrigins: ['https://notebook.example.com'],
        scopes: ['launch/patient', 'patient/*.rs', 'offline_access'],
        payers: ['northwind'],
      },
    ],
  },
  import.meta.filename,
);
