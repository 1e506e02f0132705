import { fetchGateway, fhir, issueOf, read } from '../../support/fetch-gateway.ts';

const ready = () => {
  const test = fetchGateway();
  test.payer.http = () => Promise.resolve(fhir({ resourceType: 'Patient', id: 'patient-1' }));
  return test;
};

describe('a successful read', () => {
  it('makes one strongly consistent read of the table and one call to the payer, with its token alone', async () => {
    const test = ready();
    const { token } = await test.grant();
    const headers = { Cookie: 'a=b', 'X-Forwarded-For': '10.0.0.1' };
    const answer = await read(test.deps, 'Patient/patient-1', token, { headers });
    expect(answer).toMatchObject({ statusCode: 200, error: undefined });
    expect(answer.text).toBe('{"resourceType":"Patient","id":"patient-1"}');
    expect(test.dynamo.calls()).toEqual(['GetItem']);
    const { input } = test.dynamo.sent().at(-1) ?? {};
    expect(input).toMatchObject({ TableName: 'Grants', ConsistentRead: true });
    expect(input).not.toHaveProperty('IndexName');
    expect(test.payer.requests).toStrictEqual([
      {
        url: 'http://127.0.0.1:3003/r4/Patient/patient-1',
        init: expect.objectContaining({
          method: 'GET',
          redirect: 'manual',
          headers: { authorization: 'Bearer payer-access-1', accept: 'application/fhir+json' },
        }) as object,
      },
    ]);
    expect(JSON.stringify(test.payer.requests)).not.toContain(token);
  });

  it.each(['Bearer ', 'bearer ', 'BEARER   '])('accepts the scheme as RFC 9110 spells it: %j', async (scheme) => {
    const test = ready();
    const { token } = await test.grant();
    const headers = { Authorization: `${scheme}${token}` };
    expect((await read(test.deps, 'Patient', undefined, { headers })).statusCode).toBe(200);
  });
});

describe('who may not read', () => {
  const refused = async (token: string | undefined, options?: Parameters<typeof read>[3], test = ready()) => {
    const answer = await read(test.deps, 'Patient', token, options);
    expect(test.payer.requests).toEqual([]);
    expect(answer.headers).toMatchObject({
      'Content-Type': 'application/fhir+json; charset=utf-8',
      'Cache-Control': 'no-store',
    });
    return { ...answer, issue: issueOf(answer), challenge: answer.headers['WWW-Authenticate'] };
  };

  it.each([
    ['no token', {}],
    ['another scheme', { headers: { Authorization: 'Basic abc' } }],
    ['a scheme without a token', { headers: { Authorization: 'Bearer' } }],
    ['two tokens', { headers: { Authorization: 'Bearer a, Bearer b' } }],
  ])('answers %s with 401 and a bare Bearer challenge', async (_name, options) => {
    expect(await refused(undefined, options)).toMatchObject({ statusCode: 401, challenge: 'Bearer' });
  });

  it('answers a token in the query with 401, even beside a good one in the header', async () => {
    const test = ready();
    const { token } = await test.grant();
    expect(await refused(undefined, { query: `access_token=${token}` }, test)).toMatchObject({ statusCode: 401 });
    expect(await refused(token, { query: `ACCESS_TOKEN=${token}` }, test)).toMatchObject({ statusCode: 401 });
    const both = await refused(token, { query: `access_token=${token}` }, test);
    expect(both).toMatchObject({ statusCode: 401, challenge: 'Bearer' });
    expect(both.text).not.toContain(token);
  });

  it('answers an expired token with 401 invalid_token, even before TTL has removed the item', async () => {
    const test = ready();
    const { token } = await test.grant();
    test.passSeconds(3599);
    test.payer.http = () => Promise.resolve(Response.json({ access_token: 'payer-access-2', token_type: 'Bearer' }));
    expect((await read(test.deps, 'Patient', token)).statusCode).not.toBe(401);
    test.passSeconds(1);
    test.payer.requests.length = 0;
    expect(await refused(token, {}, test)).toMatchObject({ statusCode: 401, issue: { code: 'login' } });
  });

  it('accepts no expired token if a clock jumps back and forth by 120 s', async () => {
    const test = ready();
    const { token } = await test.grant({ tokens: { accessToken: 'payer-access-1' }, accessLives: 600 });
    test.passSeconds(480);
    expect((await read(test.deps, 'Patient', token)).statusCode).toBe(200);
    test.payer.requests.length = 0;
    test.passSeconds(120);
    expect((await refused(token, {}, test)).statusCode).toBe(401);
  });
});
