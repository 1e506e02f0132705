import type { StageConfig } from '../../config/stage.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import type { Payer, PublicJwk } from '../../functions/shared/registry/types.ts';
import { Refusal } from '../shared/errors.ts';
import { probe } from './probe.ts';

/** Whether something answers at a URL, whatever the answer. */
const listens = async (http: PayerHttp, url: string): Promise<boolean> =>
  !('failure' in (await probe(http, url, { accept: '*/*' })));

const publishedKeys = async (http: PayerHttp, jwksUrl: string): Promise<readonly PublicJwk[] | undefined> => {
  const answer = await probe(http, jwksUrl, { accept: 'application/json' });
  const keys = 'failure' in answer ? undefined : answer.json?.['keys'];
  return Array.isArray(keys) ? (keys as PublicJwk[]) : undefined;
};

/**
 * Stage `local` as it is running. `npm start` makes its own key pairs, so the profiles get the public keys that the
 * running gateway publishes.
 * @throws Refusal if it is not running
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
        `Stage local is what \`npm start\` serves, but nothing answers at ${url}; start it, or give --stage`,
      );
    }
  }
  const withKeys = async (payer: Payer): Promise<Payer> => {
    if (payer.publicKeys.length === 0) return payer;
    const publicKeys = await publishedKeys(http, `${origin}/oauth2/jwks/${payer.id}`);
    return { ...payer, publicKeys: publicKeys ?? payer.publicKeys };
  };
  return { ...config, payers: await Promise.all(config.payers.map(withKeys)) };
};
