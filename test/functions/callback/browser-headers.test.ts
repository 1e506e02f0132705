import type { ApiResponse } from '../../../functions/shared/http/api.ts';
import { gateway, pkce } from '../../support/login.ts';

describe('every answer to a browser', () => {
  const consent = { client_id: 'third-party-app', redirect_uri: 'http://localhost:3002/third-party/callback', ...pkce };

  const answers: [string, number, (test: ReturnType<typeof gateway>) => Promise<ApiResponse>][] = [
    ['the redirect to the payer', 302, ({ authorize }) => authorize()],
    ['the error redirect to the partner', 302, ({ authorize }) => authorize({ response_type: 'token' })],
    ['the consent page', 200, ({ authorize }) => authorize(consent)],
    ['an error page', 400, ({ authorize }) => authorize({ client_id: 'nobody' })],
    ['a 405 of authorize', 405, ({ authorize }) => authorize({}, { method: 'PUT' })],
    ['an error page of the callback', 400, ({ callback }) => callback({ state: 'x' })],
    ['a 405 of the callback', 405, ({ callback }) => callback({ state: 'x' }, { method: 'POST' })],
    [
      'the redirect with a code',
      302,
      async ({ start, callback, fromPayer }) => {
        const { state, cookie } = await start();
        return callback(fromPayer(state), { cookie });
      },
    ],
    [
      'the redirect with the payer’s error',
      302,
      async ({ start, callback, fromPayer }) => {
        const { state, cookie } = await start();
        return callback({ ...fromPayer(state), error: 'access_denied' }, { cookie });
      },
    ],
  ];

  it.each(answers)(
    '%s keeps browsers to https on all names below a domain of the stage’s own',
    async (_, status, answer) => {
      const { statusCode, headers } = await answer(gateway({ ownDomain: true }));

      expect(statusCode).toBe(status);
      expect(headers['Strict-Transport-Security']).toBe('max-age=31536000; includeSubDomains');
    },
  );
});
