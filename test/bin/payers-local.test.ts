import { runningLocalStage } from '../../bin/payers/local-stage.ts';
import { localStage } from '../../config/local.ts';
import { es384Jwk } from '../support/login.ts';
import { json } from './payer-deps.ts';

const config = localStage();
const aws = 'http://127.0.0.1:3004';

describe('stage local', () => {
  it('uses the public keys that the running gateway publishes, since each start makes new ones', async () => {
    const { publicJwk } = es384Jwk();
    const jwksUrl = `${config.origin}/oauth2/jwks/`;

    const { payers } = await runningLocalStage(
      async (url) => (String(url).startsWith(jwksUrl) ? json({ keys: [publicJwk] }) : json({}, 404)),
      config,
      aws,
    );

    expect(payers.map(({ publicKeys }) => publicKeys)).toEqual([[publicJwk], [publicJwk]]);
  });

  it.each([config.origin ?? '', aws])(
    'stage local that does not answer at %s is refused, with what to start',
    async (silent) => {
      const http = async (url: string | URL): Promise<Response> => {
        if (String(url).startsWith(silent)) throw Object.assign(new Error('x'), { code: 'ECONNREFUSED' });
        return json({}, 404);
      };

      await expect(runningLocalStage(http, config, aws)).rejects.toThrow(
        `Stage local is what \`npm start\` serves, but nothing answers at ${silent}; start it, or give --stage`,
      );
    },
  );
});
