import { fetchGateway, fhir, read } from '../../support/fetch-gateway.ts';
import { throttled } from '../../support/login.ts';

const origin = 'http://localhost:3002';
const cors = {
  Vary: 'Origin',
  'Access-Control-Allow-Origin': origin,
  'Access-Control-Expose-Headers':
    'ETag, Location, Content-Location, WWW-Authenticate, Retry-After, RateLimit, RateLimit-Policy, X-Progress, Expires',
};
const ready = () => {
  const test = fetchGateway();
  test.payer.http = () => Promise.resolve(fhir({}));
  return test;
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
