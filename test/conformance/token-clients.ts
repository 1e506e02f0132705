import { basic, post } from './client.ts';
import { challengeHeaderOf, expectOAuthError } from './expectations.ts';
import { onStage, promises, type Requirement } from './requirement.ts';

const form = { grant_type: 'authorization_code', code: 'p2pc_damaged' };

/** Authentication by client id and secret. */
export const clients: readonly Requirement[] = promises({
  'RFC 6749 §5.2: answers 401 invalid_client with a Basic challenge to a wrong secret': onStage(async (target) => {
    const response = await post(target, 'token', form, basic({ ...target.portal, secret: 'wrong' }));
    await expectOAuthError(response.clone(), 401, 'invalid_client');
    expect(challengeHeaderOf(target, response)).toMatch(/^Basic realm="[^"]+"/);
  }),
  'OWASP ASVS 6.3.8: answers an unknown client as it answers a wrong secret': onStage(async (target) => {
    const known = await post(target, 'token', form, basic({ ...target.portal, secret: 'wrong' }));
    const unknown = await post(target, 'token', form, basic({ ...target.portal, clientId: 'nobody' }));
    expect(unknown.status).toBe(known.status);
    const withoutReference = async (response: Response): Promise<string> =>
      (await response.text()).replace(/ \(reference [0-9a-f-]+\)/, '');
    expect(await withoutReference(unknown)).toBe(await withoutReference(known));
  }),
  'RFC 6749 §2.3: refuses two methods of client authentication at once': onStage(async (target) => {
    const twice = { ...form, client_id: target.portal.clientId, client_secret: target.portal.secret };
    await expectOAuthError(await post(target, 'token', twice, basic(target.portal)), 400, 'invalid_request');
  }),
  'RFC 6749 §2.3: refuses a client_id that differs from the authenticated client': onStage(async (target) => {
    const other = { ...form, client_id: target.app.clientId };
    await expectOAuthError(await post(target, 'token', other, basic(target.portal)), 400, 'invalid_request');
  }),
  'RFC 6749 §3.2.1: refuses a confidential client that only names itself': onStage(async (target) => {
    const named = { ...form, client_id: target.portal.clientId };
    await expectOAuthError(await post(target, 'token', named), 401, 'invalid_client');
  }),
  'RFC 6749 §3.2.1: refuses a public client that sends a secret': onStage(async (target) => {
    const secret = { ...form, client_id: target.app.clientId, client_secret: 'guessed' };
    await expectOAuthError(await post(target, 'token', secret), 401, 'invalid_client');
  }),
  'RFC 6749 §3.2.1: refuses a request that names no client': onStage(async (target) => {
    await expectOAuthError(await post(target, 'token', form), 401, 'invalid_client');
  }),
  'RFC 7617 §2: refuses a malformed Basic header': onStage(async (target) => {
    for (const authorization of ['Basic', 'Basic !!!', `Basic ${Buffer.from('no-colon').toString('base64')}`]) {
      await expectOAuthError(await post(target, 'token', form, { authorization }), 401, 'invalid_client');
    }
  }),
  'RFC 6749 §2.3.1: accepts a secret as it is, form-encoded, and in the form': onStage(async (target) => {
    const { clientId, secret } = target.portal;
    const encoded = basic({ ...target.portal, secret: encodeURIComponent(secret) });
    await expectOAuthError(await post(target, 'token', form, basic(target.portal)), 400, 'invalid_grant');
    await expectOAuthError(await post(target, 'token', form, encoded), 400, 'invalid_grant');
    await expectOAuthError(
      await post(target, 'token', { ...form, client_id: clientId, client_secret: secret }),
      400,
      'invalid_grant',
    );
  }),
  'RFC 7523 §2.2: refuses a client_assertion that is not a JWT': onStage(async (target) => {
    const assertion = {
      ...form,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: 'x.y.z',
    };
    await expectOAuthError(await post(target, 'token', assertion), 401, 'invalid_client');
  }),
  'RFC 7521 §4.2: refuses a client_assertion without its type': onStage(async (target) => {
    await expectOAuthError(await post(target, 'token', { ...form, client_assertion: 'x.y.z' }), 400, 'invalid_request');
  }),
});
