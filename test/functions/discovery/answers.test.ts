import middy from '@middy/core';
import { openToAll } from '../../../functions/discovery/cors.ts';
import { discoveryHandler } from '../../../functions/discovery/handler.ts';
import type { ApiEvent, ApiResponse } from '../../../functions/shared/http/api.ts';
import { apiEvent, call, startMs, testDeps } from '../../support/gateway.ts';
import { reference } from '../../support/reference.ts';
import { words } from '../../support/words.ts';

const start = () => {
  const { deps, lines, payer } = testDeps();
  payer.http = async () => new Response('', { status: 401 });
  const ask = (resource: string, options: { method?: string; payer?: string } = {}, given: Partial<typeof deps> = {}) =>
    call(
      discoveryHandler({ ...deps, ...given }),
      apiEvent(resource, { method: options.method ?? 'GET', path: { payer: options.payer ?? 'northwind' } }),
    );
  return { ask, deps, lines };
};

const errorHeaders = {
  'Access-Control-Allow-Origin': '*',
  'Cache-Control': 'no-store',
  Pragma: 'no-cache',
  'X-Content-Type-Options': 'nosniff',
};
const oauthHeaders = { ...errorHeaders, 'Content-Type': 'application/json' };
const fhirHeaders = { ...errorHeaders, 'Content-Type': 'application/fhir+json' };

describe('a payer that the gateway does not know', () => {
  const text = 'The gateway knows no health plan of this name.';

  it('is reported to an OAuth client in OAuth’s format', async () => {
    const { statusCode, headers, body } = await start().ask('/oauth2/jwks/{payer}', { payer: 'nobody' });

    expect({ statusCode, headers, body: JSON.parse(body) as unknown }).toEqual({
      statusCode: 404,
      headers: oauthHeaders,
      body: { error: 'not_found', error_description: `${text} (reference ${reference})` },
    });
  });

  it('is reported to a FHIR client in FHIR’s', async () => {
    const { statusCode, headers, body } = await start().ask('/r4/{payer}/metadata', { payer: 'nobody' });

    expect({ statusCode, headers, body: JSON.parse(body) as unknown }).toEqual({
      statusCode: 404,
      headers: fhirHeaders,
      body: {
        resourceType: 'OperationOutcome',
        issue: [
          { severity: 'error', code: 'not-found', details: { text }, diagnostics: `${text} (reference ${reference})` },
        ],
      },
    });
  });
});

describe('a payer that an operator has paused', () => {
  const paused = () => {
    const test = testDeps();
    test.stops.set('payer#northwind', { at: 1, by: 'arn:aws:iam::111122223333:user/one', reason: 'Ticket 4711' });
    test.payer.http = async () => Response.json({ resourceType: 'CapabilityStatement', rest: [{ mode: 'server' }] });
    const read = async (resource: string) =>
      call(discoveryHandler(test.deps), apiEvent(resource, { path: { payer: 'northwind' } }));
    return { ...test, read };
  };

  it('gets no request for its statement: ours is served, and the log says why', async () => {
    const { read, payer, lines } = paused();
    const { statusCode, body } = await read('/r4/{payer}/metadata');

    expect(statusCode).toBe(200);
    expect(JSON.parse(body)).toMatchObject({
      resourceType: 'CapabilityStatement',
      implementation: { url: 'http://localhost:3000/r4/northwind' },
    });
    expect(body).toContain('The health plan requires a token for its own capability statement.');
    expect(payer.requests).toEqual([]);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ outcome: 'ok', detail: 'metadata: the payer is paused' });
  });

  it.each([
    '/r4/{payer}/.well-known/smart-configuration',
    '/.well-known/oauth-authorization-server/r4/{payer}',
    '/oauth2/jwks/{payer}',
  ])('is still described at %s, for members who hold a grant', async (resource) => {
    const { read, deps } = paused();
    const whilePaused = await read(resource);

    expect(whilePaused.statusCode).toBe(200);
    const { body } = await call(
      discoveryHandler({ ...deps, registry: testDeps().deps.registry }),
      apiEvent(resource, { path: { payer: 'northwind' } }),
    );
    expect(whilePaused.body).toBe(body);
  });
});

describe('an error on the way to a statement', () => {
  const issueOf = ({ body }: { body: string }): unknown =>
    (JSON.parse(body) as { issue: { code: string; diagnostics: string }[] }).issue[0];

  it('is an exception if it is ours, without its cause', async () => {
    const { ask, deps } = start();
    const registry = {
      ...deps.registry,
      payer: async (): Promise<never> => {
        throw new Error('a private reason');
      },
    };
    const response = await ask('/r4/{payer}/metadata', {}, { registry });

    expect(response).toMatchObject({ statusCode: 500, headers: fhirHeaders });
    expect(issueOf(response)).toMatchObject({
      code: 'exception',
      diagnostics: `Something went wrong on our side. (reference ${reference})`,
    });
  });

  it('is not-supported for another method', async () => {
    const response = await start().ask('/r4/{payer}/metadata', { method: 'PUT' });

    expect(response).toMatchObject({ statusCode: 405, headers: { ...fhirHeaders, Allow: 'GET, HEAD' } });
    expect(issueOf(response)).toMatchObject({
      code: 'not-supported',
      diagnostics: `Use GET or HEAD. (reference ${reference})`,
    });
  });
});

it.each(
  words(`
  /r4/{payer}/oauth2/jwks/{kid} /r4/{payer}/.well-known/smart-configuration/else
  /r4/{payer}/.well-known/oauth-authorization-server/else /.well-known/oauth-authorization-server/r4/{payer}/else
  /r4/{payer}/metadata/else /r4/{payer}/metadata-else /oauth2/else/{payer}
`),
)('a path that only contains one of ours is unknown: %s', async (resource) => {
  const { statusCode, headers, body } = await start().ask(resource);

  expect({ statusCode, headers, body: JSON.parse(body) as unknown }).toEqual({
    statusCode: 404,
    headers: oauthHeaders,
    body: { error: 'not_found', error_description: `There is nothing here. (reference ${reference})` },
  });
});

it('a preflight lets every page read with its token along, and is kept for a day', async () => {
  expect(await start().ask('/r4/{payer}/metadata', { method: 'OPTIONS' })).toEqual({
    statusCode: 204,
    headers: {
      Allow: 'GET, HEAD, OPTIONS',
      'Access-Control-Allow-Methods': 'GET, HEAD, OPTIONS',
      'Access-Control-Allow-Headers': 'Authorization, Accept, Content-Type, Cache-Control, If-None-Match, Prefer',
      'Access-Control-Max-Age': '86400',
      'Access-Control-Allow-Origin': '*',
    },
    body: '',
  });
});

it('an unanswered error is not hidden by CORS headers', async () => {
  const unanswered = new Error('unanswered');
  const handler = middy<ApiEvent, ApiResponse>()
    .use(openToAll())
    .handler(async () => {
      throw unanswered;
    });

  await expect(call(handler, apiEvent('/r4/{payer}/metadata'))).rejects.toBe(unanswered);
});

describe('the log line', () => {
  const common = {
    level: 'info',
    time: new Date(startMs).toISOString(),
    function: 'discovery',
    step: 'discovery',
    method: 'GET',
    payer: 'northwind',
    status: 200,
    outcome: 'ok',
  };

  it('says what was requested for which payer', async () => {
    const { ask, lines } = start();
    await ask('/oauth2/jwks/{payer}');

    const line = JSON.parse(lines[0] ?? '') as object;
    expect(line).toMatchObject({ ...common, route: '/oauth2/jwks/{payer}' });
    expect(line).not.toHaveProperty('detail');
  });

  it('says why the payer’s own statement was not served', async () => {
    const { ask, lines } = start();
    await ask('/r4/{payer}/metadata');

    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      ...common,
      route: '/r4/{payer}/metadata',
      detail: 'metadata: status 401',
    });
  });

  const unknown = 'The gateway knows no health plan of this name.';
  it.each([
    ['an unknown payer', '/oauth2/jwks/{payer}', { payer: 'nobody' }, 404, unknown],
    ['an unknown payer’s statement', '/r4/{payer}/metadata', { payer: 'nobody' }, 404, unknown],
    ['another method', '/r4/{payer}/metadata', { method: 'PUT' }, 405, 'Use GET or HEAD.'],
    ['another path', '/r4/{payer}/else', {}, 404, 'There is nothing here.'],
  ])(
    'of a refusal for %s names the payer if there is one, and says why',
    async (_, resource, options, status, detail) => {
      const { ask, lines } = start();
      await ask(resource, options);

      const line = JSON.parse(lines[0] ?? '') as { payer?: string };
      expect(line).toMatchObject({ function: 'discovery', outcome: 'refused', status, detail });
      expect(line.payer).toBe('payer' in options ? undefined : 'northwind');
    },
  );
});
