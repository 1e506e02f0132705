import { sha256 } from '../../../functions/shared/store/crypto.ts';
import { basic, bodyOf, gateway, withPartner } from '../../support/login.ts';

const post = (secret = 'demo-partner-secret') => ({ client_id: 'demo-partner', client_secret: secret });
const encoded = (text: string) => encodeURIComponent(text).replaceAll('%20', '+');

/** Introspection needs only a client, so its status says who was authenticated. */
const asked = async (form: Record<string, string>, headers: Record<string, string>, secrets?: string[]) => {
  const test = gateway();
  const { introspect } = secrets
    ? test.reconfigured(withPartner('demo-partner', { secretHashes: secrets.map((secret) => sha256(secret)) }))
    : test;
  const response = await introspect({ token: 'x', ...form }, headers);
  return { ...response, line: test.lastLine() };
};

const partner = 'demo-partner';
const right = basic()['Authorization'] ?? '';
const ofApp = { client_id: 'demo-app', client_secret: 'x' };
const wrong = 'wrong client secret';
const noPair = 'Basic holds no client id and secret';
const notBasic = 'the Authorization header is not Basic';
const received = {
  basic: 'a secret by Basic',
  form: 'a secret in the form',
  none: 'client_id and no secret',
  otherScheme: 'an Authorization header that is not Basic',
  noId: 'Basic without a client id',
};
/** The same for every client, and for one that there is not. */
const refusal = (has: string): string =>
  `Unknown client, or client authentication failed. The request has ${has}. Compare with your registration: a client with a ` +
  'secret sends it, by Basic or in the form; one with a key a client_assertion; a public client client_id alone.';
const notRegistered = (method: string): string => `the client is not registered for ${method}`;

describe('a client secret', () => {
  it.each([
    ['by Basic', received.basic, wrong, partner, {}, basic('demo-partner', 'wrong')],
    ['in the form', received.form, wrong, partner, post('wrong'), {}],
    [
      'of an unknown client in the form',
      received.form,
      'no such client',
      undefined,
      { client_id: 'nobody', client_secret: 'x' },
      {},
    ],
    ['of an unknown client', received.basic, 'no such client', undefined, {}, basic('nobody', 'demo-partner-secret')],
    ['that is empty', received.none, notRegistered('none'), partner, {}, basic('demo-partner', '')],
    ['that is empty in the form', received.none, notRegistered('none'), partner, post(''), {}],
    ['that is left out', received.none, notRegistered('none'), partner, { client_id: 'demo-partner' }, {}],
    [
      'of a public client',
      received.basic,
      notRegistered('client_secret_basic'),
      'demo-app',
      {},
      basic('demo-app', 'x'),
    ],
    ['of a public client in the form', received.form, notRegistered('client_secret_post'), 'demo-app', ofApp, {}],
    [
      'in a Basic header without a colon',
      received.noId,
      noPair,
      undefined,
      {},
      { Authorization: `Basic ${btoa('demo-partner')}` },
    ],
    [
      'in a Basic header that is not base64',
      received.otherScheme,
      notBasic,
      undefined,
      {},
      { Authorization: 'Basic ä' },
    ],
    ['in a Bearer header', received.otherScheme, notBasic, undefined, {}, { Authorization: 'Bearer x' }],
    [
      'in a scheme that only ends like Basic',
      received.otherScheme,
      notBasic,
      undefined,
      {},
      { Authorization: `Not${right}` },
    ],
    ['with more after it', received.otherScheme, notBasic, undefined, {}, { Authorization: `${right} x` }],
  ])(
    'that is wrong %s is 401 with a challenge and says that there is %s; only the log says %s, of %s',
    async (_, has, detail, client, form, headers) => {
      const response = await asked(form, headers);

      expect(response.statusCode).toBe(401);
      expect(response.headers['WWW-Authenticate']).toBe('Basic realm="gateway", charset="UTF-8"');
      expect(bodyOf(response)).toEqual({
        error: 'invalid_client',
        error_description: refusal(has),
      });
      expect([response.line['detail'], response.line['partner']]).toEqual([detail, client]);
    },
  );

  it('in a Basic header without a colon is not accepted, even if it is the secret', async () => {
    const Authorization = `Basic ${btoa('demo-partner!')}`;

    expect((await asked({}, { Authorization }, ['demo-partner!'])).statusCode).toBe(401);
  });

  it('works with a client_id that is form-encoded within Basic or very short, after any spaces', async () => {
    const { introspect } = gateway().reconfigured(withPartner('demo-partner', { clientId: 'x' }));
    const spaced = { Authorization: right.replace('Basic ', 'basic  ') };

    const responses = [
      await asked({}, basic('demo%2Dpartner')),
      await asked({ client_id: 'demo-partner' }, basic('demo%2Dpartner')),
      await introspect({ token: 'x' }, basic('x')),
      await asked({}, spaced),
    ];

    expect(responses.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200]);
  });

  it.each(['a~b_c-d.e', 'a+b', 'a b', 'ä:ö%', '100%'])(
    '%s works form-encoded within Basic and unencoded',
    async (secret) => {
      const plain = await asked({}, basic('demo-partner', secret), [secret]);
      const formEncoded = await asked({}, basic(encoded('demo-partner'), encoded(secret)), [secret]);

      expect([plain.statusCode, formEncoded.statusCode]).toEqual([200, 200]);
    },
  );

  it('may be either of two while it is rotated', async () => {
    for (const secret of ['old', 'new']) {
      expect((await asked({}, basic('demo-partner', secret), ['old', 'new'])).statusCode).toBe(200);
    }
  });

  const two = 'Use one way of client authentication, not two.';
  it.each([
    ['Basic and a secret in the form', post(), basic(), two],
    ['Basic and an assertion', { client_assertion: 'x', client_assertion_type: 'y' }, basic(), two],
    ['a secret and an assertion', { ...post(), client_assertion: 'x' }, {}, two],
    [
      'Basic and another client_id',
      { client_id: 'demo-app' },
      basic(),
      'client_id differs from the client that authenticates.',
    ],
  ])('together with another method is 400 invalid_request: %s', async (_, form, headers, description) => {
    const response = await asked(form, headers);

    expect(response.statusCode).toBe(400);
    expect(bodyOf(response)).toEqual({ error: 'invalid_request', error_description: description });
  });

  it('by Basic beside the same client_id in the form is one method, not two', async () => {
    expect((await asked({ client_id: 'demo-partner' }, basic())).statusCode).toBe(200);
  });

  it('is accepted only by the method that the partner is registered for', async () => {
    const { reconfigured } = gateway();
    const { introspect } = reconfigured(withPartner('demo-partner', { clientAuthentication: ['client_secret_basic'] }));

    expect((await introspect({ token: 'x', ...post() }, {})).statusCode).toBe(401);
    expect((await introspect({ token: 'x' })).statusCode).toBe(200);
  });
});
