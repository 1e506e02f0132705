import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { connect, walkLogin, type RunningStack } from './support.ts';

const run = promisify(execFile);

/** The reference page's three steps, as it prints them. */
const authorizeStep =
  'https://auth.1updemohealthplan.com/oauth2/authorize/payer2payer?client_id={your_app_client_id}&state={state}&redirect_uri={your_app_redirect_uri}';
const tokenStep = `curl --location --request POST 'https://auth.1updemohealthplan.com/oauth2/token' \\
--header 'Content-Type: application/x-www-form-urlencoded' \\
--data-urlencode 'client_id={your_client_id}' \\
--data-urlencode 'client_secret={your_client_secret}' \\
--data-urlencode 'code={code_received_above}' \\
--data-urlencode 'grant_type=authorization_code'`;
const fhirStep = `curl --location --request GET 'https://api.1updemohealthplan.com/r4/Patient' \\
--header 'Authorization: Bearer {access_token_from_above}'`;

let stack: RunningStack;

const filled = (text: string, values: Record<string, string>): string =>
  Object.entries(values).reduce((before, [from, to]) => before.replaceAll(from, to), text);

const shell = async (command: string): Promise<unknown> => JSON.parse((await run('sh', ['-c', command])).stdout);

/** Tests of a running stack. */
export const pageCommands = (running: () => RunningStack): void => {
  beforeAll(() => {
    stack = running();
  });

  it.each(['demo-health-plan', 'northwind'])(
    'work for %s with only hosts, paths and placeholders replaced',
    async (payer) => {
      const values = {
        'https://auth.1updemohealthplan.com/oauth2/authorize/payer2payer': `${stack.origin}/oauth2/authorize/${payer}`,
        'https://auth.1updemohealthplan.com/oauth2/token': `${stack.origin}/oauth2/token`,
        'https://api.1updemohealthplan.com/r4': `${stack.origin}/r4/${payer}`,
        '{your_app_client_id}': 'demo-partner',
        '{your_client_id}': 'demo-partner',
        '{your_client_secret}': 'demo-partner-secret',
        '{your_app_redirect_uri}': `${stack.urls.partner}/callback`,
        '{state}': 'from-the-page',
      };

      const back = await walkLogin(filled(authorizeStep, values));
      expect(back.searchParams.get('state')).toBe('from-the-page');
      const code = back.searchParams.get('code') ?? '';
      const tokens = await shell(filled(tokenStep, { ...values, '{code_received_above}': code }));
      expect(tokens).toMatchObject({ token_type: 'Bearer', scope: expect.stringContaining('patient/*.rs') });
      const { access_token: token } = tokens as { access_token: string };
      const bundle = await shell(filled(fhirStep, { ...values, '{access_token_from_above}': token }));

      expect(bundle).toMatchObject({
        resourceType: 'Bundle',
        entry: [{ resource: { resourceType: 'Patient', name: [{ family: 'Venegas795', given: ['Mayte822'] }] } }],
      });
    },
  );

  it('return no state if none was sent', async () => {
    const query = new URLSearchParams({ client_id: 'demo-partner', redirect_uri: `${stack.urls.partner}/callback` });

    const back = await walkLogin(`${stack.origin}/oauth2/authorize/demo-health-plan?${query}`);

    expect([...back.searchParams.keys()].sort()).toEqual(['code', 'iss']);
  });

  it("keep a FHIR decimal's spelling", async () => {
    const { access_token: token, patient } = await connect(stack, 'demo-health-plan');

    const answer = await fetch(`${stack.origin}/r4/demo-health-plan/Observation?patient=${patient}&_count=500`, {
      headers: { authorization: `Bearer ${token}` },
    });

    expect(await answer.text()).toMatch(/"value":\s*\d+\.\d*0[,\s}]/);
  });
};
