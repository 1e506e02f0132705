import type { StageConfig } from '../../config/stage.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import type { Payer, PublicJwk } from '../../functions/shared/registry/types.ts';
import { Refusal } from '../shared/command-line.ts';
import { probe } from './probe.ts';

/** Any answer will do: it only tells whether something listens. */
const listens = async (http: PayerHttp, url: string): Promise<boolean> =>
  !('failure' in (await probe(http, url, { accept: '*/*' })));

const publishedKeys = async (http: PayerHttp, jwksUrl: string): Promise<readonly PublicJwk[] | undefined> => {
  const answer = await probe(http, jwksUrl, { accept: 'application/json' });
  const keys = 'failure' in answer ? undefined : answer.json?.['keys'];
  return Array.isArray(keys) ? (keys as PublicJwk[]) : undefined;
};

/**
 * Stage `local` as it runs. `npm start` makes its own key pairs, so the profiles' public keys are those that the running
 * gateway publishes.
 * @throws Refusal where it does not run
 */
export const runningLocalStage = async (
  http: PayerHttp,
  config: StageConfig,
  awsEndpoint: string,
): Promise<StageConfig> => {
  const { origin = '' } = config;
  for (const url of [origin, awsEndpoint]) {
    if (!(await listens(http, url))) {
      throw new Refusal(
        `Stage local is what \`npm start\` serves, and nothing answers at ${url}; start it, or give --stage`,
      );
    }
  }
  const withKeys = async (payer: Payer): Promise<Payer> => {
    if (payer.clientAuthentication !== 'private_key_jwt') return payer;
    const publicKeys = await publishedKeys(http, `${origin}/oauth2/jwks/${payer.id}`);
    return { ...payer, publicKeys: publicKeys ?? payer.publicKeys };
  };
  return { ...config, payers: await Promise.all(config.payers.map(withKeys)) };
};
