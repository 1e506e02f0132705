import { connect, login, read } from './client.ts';
import { challengeHeaderOf, expectOutcome } from './expectations.ts';
import { expectRefused } from './fhir-refused.ts';
import { onStage, promises, type Requirement } from './requirement.ts';

/** Who may call at all. */
export const bearers: readonly Requirement[] = promises({
  'RFC 6750 §3.1: answers 401 with a bare Bearer challenge if there is no token': onStage(async (target) => {
    const response = await read(target, '/Patient');
    expect(challengeHeaderOf(target, response)).toBe('Bearer');
    await expectOutcome(response, 401);
  }),
  'RFC 6750 §3.1: answers 401 invalid_token to a token that was not issued here': onStage(async (target) => {
    for (const token of ['nothing', 'p2pa_', `p2pa_${'A'.repeat(112)}`, 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.']) {
      const response = await read(target, '/Patient', token);
      expect(challengeHeaderOf(target, response)).toMatch(/^Bearer error="invalid_token"/);
      await expectOutcome(response, 401);
    }
  }),
  'RFC 6750 §2.3: answers 401 to a token in the query': onStage(async (target) => {
    const response = await read(target, '/Patient?access_token=p2pa_something');
    expect(challengeHeaderOf(target, response)).toBe('Bearer');
    await expectOutcome(response, 401);
  }),
  'RFC 6750 §2.1: answers 401 to a scheme other than Bearer': onStage(async (target) => {
    const refused = ['Basic cG9ydGFsOnNlY3JldA==', 'DPoP p2pa_something', 'Bearer', 'Bearer a b', 'Bearer a, Bearer b'];
    for (const authorization of refused) {
      const response = await read(target, '/Patient', undefined, { headers: { authorization } });
      expect(challengeHeaderOf(target, response)).toBe('Bearer');
      await expectOutcome(response, 401);
    }
  }),
  'RFC 9110 §15.5.5: answers 404 for an unknown payer': onStage(async (target) => {
    await expectOutcome(await read(target, '/Patient', 'nothing', { payer: 'no-such-payer' }), 404);
  }),
  'RFC 6750 §2.1: accepts the scheme in any letter case': async (target) => {
    const { access_token: token } = await connect(target);
    const response = await read(target, '/Patient', undefined, { headers: { authorization: `bearer ${token}` } });
    expect(response.status).toBe(200);
  },
  'RFC 6750 §3.1: answers 401 invalid_token to an expired token': async (target) => {
    const { access_token: token } = await connect(target);
    await target.store.setGrant(token, { accessExpiresAt: target.now() - 1 });
    const response = await read(target, '/Patient', token);
    expect(challengeHeaderOf(target, response)).toMatch(/^Bearer error="invalid_token"/);
    await expectRefused(target, response, 401);
  },
  'OWASP ASVS 10.4.8: answers 401 to a token of an ended grant whose item is still in the table': async (target) => {
    const { access_token: token } = await connect(target);
    await target.store.setGrant(token, { expiresAt: target.now() - 1 });
    await expectRefused(target, await read(target, '/Patient', token), 401);
  },
  'RFC 6750 §3.1: accepts neither a refresh token nor a code as an access token': async (target) => {
    const { refresh_token: token } = await connect(target);
    const { code } = await login(target);
    await expectRefused(target, await read(target, '/Patient', token), 401);
    await expectRefused(target, await read(target, '/Patient', code), 401);
  },
  "RFC 9700 §4.9.2: answers 401 to another payer's token": async (target) => {
    const { access_token: token } = await connect(target);
    await expectOutcome(await read(target, '/Patient', token, { payer: 'keyed-health' }), 401);
    expect(target.payers.requests('keyed-health', 'r4')).toEqual([]);
  },
  'OWASP ASVS 11.5.1: answers 401 to a token with one changed character': async (target) => {
    const { access_token: token } = await connect(target);
    for (const at of [10, 60, 100, token.length - 2]) {
      const other = token[at] === 'A' ? 'B' : 'A';
      await expectRefused(
        target,
        await read(target, '/Patient', token.slice(0, at) + other + token.slice(at + 1)),
        401,
      );
    }
  },
  'RFC 6750 §2: refuses a token in a search form in addition to the header': async (target) => {
    const { access_token: token } = await connect(target);
    const body = new URLSearchParams({ access_token: token });
    await expectRefused(target, await read(target, '/Patient/_search', token, { method: 'POST', body }), 400);
  },
});
