import { checkStage } from './check.ts';
import { exampleSecretHash } from './examples.ts';
import { oneUpDemo } from './presets.ts';

/**
 * 1upHealth's public Demo Health Plan behind the gateway. Put your client id there in place of `clientId`, and its
 * client secret into the payer's secret in Secrets Manager. The origin is omitted, since it is the API's own URL.
 */
export default checkStage(
  {
    stage: 'demo',
    production: false,
    // For trying out: nothing outlives the stack, and alarms go to no one.
    removalPolicy: 'destroy',
    payerSecrets: 'stack',
    payers: [
      oneUpDemo({
        id: 'demo-health-plan',
        displayName: '1upHealth Demo Health Plan',
        clientId: 'your-client-id-at-1uphealth',
        authOrigin: 'https://auth.1updemohealthplan.com',
        apiOrigin: 'https://api.1updemohealthplan.com',
      }),
    ],
    partners: [
      {
        clientId: 'example-partner',
        name: 'Example Partner',
        homePage: 'https://partner.example.org/',
        redirectUris: ['https://partner.example.org/callback'],
        clientAuthentication: ['client_secret_basic', 'client_secret_post'],
        // No one has the secret for this hash. Make your own:
        //   SECRET=$(openssl rand -hex 32)
        //   printf %s "$SECRET" | openssl dgst -sha256 -binary | basenc --base64url | tr -d =
        secretHashes: [exampleSecretHash],
        scopes: ['launch/patient', 'patient/*.rs', 'offline_access'],
        payers: ['demo-health-plan'],
      },
    ],
  },
  import.meta.filename,
);
