import { issuer } from '@openauthjs/openauth';
import { Oauth2Provider } from '@openauthjs/openauth/provider/oauth2';
import { DynamoStorage } from '@openauthjs/openauth/storage/dynamo';
import { handle } from 'hono/aws-lambda';

interface Member {
  readonly patient: string;
}

/** Accepts any value (https://standardschema.dev), so that validation adds nothing to the time. */
const member = {
  '~standard': { version: 1 as const, vendor: 'bench', validate: (value: unknown) => ({ value: value as Member }) },
};

interface Options {
  readonly table: string;
  readonly endpoint: string;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
}

/** OpenAuth as an issuer in front of one payer, on Lambda, with its state in DynamoDB. */
export const openauthHandler = ({ table, endpoint, authorizationEndpoint, tokenEndpoint }: Options) =>
  handle(
    issuer({
      storage: DynamoStorage({ table, endpoint }),
      subjects: { member },
      providers: {
        payer: Oauth2Provider({
          clientID: 'gateway',
          clientSecret: 'no secret',
          endpoint: { authorization: authorizationEndpoint, token: tokenEndpoint },
          scopes: ['launch/patient', 'patient/*.rs', 'offline_access'],
          pkce: true,
        }),
      },
      allow: async () => true,
      success: (context, { tokenset }) => context.subject('member', { patient: String(tokenset.raw['patient']) }),
    }),
  );
