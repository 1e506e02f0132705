import { checkScopes } from '../../../functions/fetch/check-scopes.ts';
import { parseScopes } from '../../../functions/shared/scopes/scopes.ts';
import { fetchGateway, fhir, issueOf, read } from '../../support/fetch-gateway.ts';
import { throttled, withPartner, withPayer } from '../../support/login.ts';
import { parse, refusal } from '../shared/fhir/requests.ts';

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

describe('a grant that knows its patient', () => {
  it("reads its own, with our base in a value replaced by the payer's", async () => {
    const test = ready();
    const { token } = await test.grant();
    const query = 'subject=http://localhost:3000/r4/northwind/Patient/patient-1';
    expect((await read(test.deps, 'Observation', token, { query })).statusCode).toBe(200);
    const { searchParams } = new URL(test.payer.requests[0]?.url ?? '');
    expect(searchParams.get('subject')).toBe('http://127.0.0.1:3003/r4/Patient/patient-1');
  });
});

describe('a grant that knows no patient', () => {
  it('leaves the choice to the payer whose record it opens, if the payer’s profile says so', async () => {
    const test = ready();
    const { token } = await test.grant({ patient: undefined });
    const deps = test.reconfigured(withPayer('northwind', { patientFrom: 'none' }));
    expect((await read(deps, 'Patient/patient-2', token)).statusCode).toBe(200);
  });

  it.each(['token', 'search'] as const)(
    'reads nothing if the profile takes the patient from %s',
    async (patientFrom) => {
      const test = ready();
      const { token } = await test.grant({ patient: undefined });
      const deps = test.reconfigured(withPayer('northwind', { patientFrom }));
      expect((await read(deps, 'Patient/patient-2', token)).statusCode).toBe(401);
      expect(test.payer.requests).toEqual([]);
    },
  );
});

describe('a partner’s registration', () => {
  const narrowTo = (...scopes: string[]) => withPartner('demo-partner', { scopes });

  it('narrows existing grants at once', async () => {
    const test = ready();
    const { token } = await test.grant();
    const deps = test.reconfigured(narrowTo('patient/Observation.rs', 'offline_access'));

    expect((await read(deps, 'Observation', token)).statusCode).toBe(200);
    expect((await read(deps, 'Condition', token)).statusCode).toBe(403);
    expect((await read(deps, 'Patient/patient-1/$everything', token)).statusCode).toBe(403);
    expect((await read(deps, '', token, { query: '_type=Condition' })).statusCode).toBe(403);
    // The file is restored: what was granted is valid again.
    expect((await read(test.deps, 'Condition', token)).statusCode).toBe(200);
  });

  it('applies to the pages of a search that began before it was narrowed', async () => {
    const test = ready();
    const { token } = await test.grant();
    const next = 'http://127.0.0.1:3003/r4/Condition?page=2';
    test.payer.http = async () => fhir({ resourceType: 'Bundle', link: [{ relation: 'next', url: next }] });
    const page = (await read(test.deps, 'Condition', token)).json() as { link: { url: string }[] };
    const query = new URL(page.link[0]?.url ?? '').search.slice(1);
    const asked = test.payer.requests.length;

    const narrowed = test.reconfigured(narrowTo('patient/Observation.rs', 'offline_access'));
    expect((await read(narrowed, '', token, { query })).statusCode).toBe(403);
    expect(test.payer.requests).toHaveLength(asked);
    expect((await read(test.deps, '', token, { query })).statusCode).toBe(200);
  });

  it('leaves a grant nothing to read if it covers nothing that was granted', async () => {
    const test = ready();
    const { token } = await test.grant({ scope: 'patient/Condition.rs' });
    const deps = test.reconfigured(narrowTo('patient/Observation.rs'));

    const answers = [await read(deps, 'Observation', token), await read(deps, 'Condition', token)];

    expect(answers.map(({ statusCode }) => statusCode)).toEqual([403, 403]);
    expect(test.payer.requests).toEqual([]);
  });

  it('widens no existing grant', async () => {
    const test = ready();
    const { token } = await test.grant({ scope: 'patient/Condition.r' });
    const deps = test.reconfigured(narrowTo('patient/*.rs', 'user/*.rs'));

    expect((await read(deps, 'Condition', token)).statusCode).toBe(403);
    expect((await read(deps, 'Observation', token)).statusCode).toBe(403);
  });
});

describe('checkScopes', () => {
  it.each([
    ['GET /Patient/1', 'patient/Patient.r'],
    ['GET /Patient/1', 'offline_access user/*.read'],
    ['GET /Observation', 'patient/Observation.s'],
    ['GET /Patient/1/Observation', 'patient/Observation.rs'],
    ['GET /Patient/1/$everything', 'patient/*.rs'],
    ['GET /Patient/1/$everything', 'patient/*.r patient/*.s'],
    ['GET /?_id=a', 'patient/*.read'],
    // The payer, who limited it, applies the filter.
    ['GET /Patient/1', 'patient/Patient.rs?name=x'],
    ['GET /?_type=Patient', 'patient/Patient.s'],
    ['GET /Observation?_include=Observation:specimen', 'patient/Observation.rs patient/Specimen.r'],
  ])('allows %s with %s', (line, scope) => {
    expect(() => checkScopes(parse(line), parseScopes(scope))).not.toThrow();
  });

  it.each([
    ['GET /Patient/1', 'patient/Patient.s'],
    ['GET /Patient/1', 'patient/Observation.rs'],
    ['GET /Patient/1', 'system/*.rs'],
    ['GET /Patient/1', ''],
    ['GET /Observation', 'patient/Observation.r'],
    ['GET /Patient/1/*', 'patient/Observation.rs patient/Patient.rs'],
    ['GET /Patient/1/$everything', 'patient/*.r'],
    ['GET /?_id=a', 'patient/Observation.rs'],
    ['GET /?_type=Patient', 'patient/Observation.rs'],
    ['GET /?_type=Patient,Observation', 'patient/Patient.rs patient/Observation.rs'],
    ['GET /Observation?_include=Observation:specimen', 'patient/Observation.rs'],
    ['GET /Observation?_include=*', 'patient/Observation.rs patient/Patient.rs'],
    ['GET /Observation?specimen.type=x', 'patient/Observation.rs patient/Specimen.r'],
    ['GET /Patient?_has:Observation:patient:code=x', 'patient/Patient.rs'],
  ])('refuses %s with %j', (line, scope) => {
    expect(refusal(() => checkScopes(parse(line), parseScopes(scope)))).toMatchObject({
      status: 403,
      code: 'insufficient_scope',
      issueType: 'forbidden',
    });
  });

  it.each([
    ['GET /Patient/1', 'openid', 'The access token allows no FHIR resources.'],
    [
      'GET /Patient/1/$everything',
      'patient/Patient.rs',
      'The access token does not permit reading and searching all resource types, which this request can return.',
    ],
    [
      'GET /Observation',
      'patient/Patient.rs',
      'The access token does not permit searching Observation, which this request can return.',
    ],
    [
      'GET /Patient/1',
      'patient/Observation.rs',
      'The access token does not permit reading Patient, which this request can return.',
    ],
  ])('says what %s lacks with %j', (line, scope, message) => {
    expect(refusal(() => checkScopes(parse(line), parseScopes(scope))).publicMessage).toBe(message);
  });
});

const origin = 'http://localhost:3002';
const cors = {
  Vary: 'Origin',
  'Access-Control-Allow-Origin': origin,
  'Access-Control-Expose-Headers':
    'ETag, Link, Location, Content-Location, WWW-Authenticate, Retry-After, RateLimit, RateLimit-Policy, X-Progress, Expires',
};

describe('a preflight', () => {
  const preflight = { method: 'OPTIONS', headers: { Origin: origin, 'Access-Control-Request-Method': 'GET' } };

  it('needs no token, asks no one, and names Authorization', async () => {
    const test = ready();
    const answer = await read(test.deps, 'Patient', undefined, preflight);
    expect(answer.statusCode).toBe(204);
    expect(answer.headers).toMatchObject({
      ...cors,
      'Access-Control-Allow-Methods': 'GET, POST, OPTIONS',
      'Access-Control-Allow-Headers': expect.stringMatching(/\bAuthorization\b/) as string,
    });
    expect(answer.headers['Access-Control-Allow-Headers']).not.toContain('*');
    expect(test.dynamo.calls()).toEqual([]);
    expect(test.payer.requests).toEqual([]);
  });
});

describe('a browser of a registered origin', () => {
  const headers = { Origin: origin };

  it('may read every error', async () => {
    const test = ready();
    const { token } = await test.grant();
    const statuses: number[] = [];
    const note = async (answer: ReturnType<typeof read>): Promise<void> => {
      const { statusCode, headers: sent } = await answer;
      expect(sent).toMatchObject(cors);
      statuses.push(statusCode);
    };
    await note(read(test.deps, 'Patient', undefined, { headers }));
    await note(read(test.deps, 'Patient/patient-2', token, { headers }));
    await note(read(test.deps, 'Patient', token, { headers, payer: 'nowhere' }));
    await note(read(test.deps, 'Patient', token, { headers, method: 'DELETE' }));
    await note(read(test.deps, '/metadata', undefined, { headers }));
    test.dynamo.failNext('GetItem', throttled());
    await note(read(test.deps, 'Patient', token, { headers }));
    test.payer.http = () => Promise.resolve(new Response('', { status: 500 }));
    await note(read(test.deps, 'Patient', token, { headers }));
    expect(statuses).toEqual([401, 403, 404, 405, 308, 503, 502]);
  });
});
