import { localStage } from '../../../../config/local.ts';
import { findPatient } from '../../../../functions/shared/payer/find-patient.ts';
import type { Payer } from '../../../../functions/shared/registry/types.ts';
import { testDeps } from '../../../support/gateway.ts';

const [oneUp] = localStage().payers as [Payer];
const patient = (id: unknown = 'p-1') => ({ resource: { resourceType: 'Patient', id }, search: { mode: 'match' } });
const remark = (code: unknown) => ({
  resource: { resourceType: 'OperationOutcome', issue: [{ severity: 'warning', code }] },
});
const bundle = (entry: unknown, more: object = {}) => ({ resourceType: 'Bundle', entry, ...more });

const ask = (answer: () => Response | Promise<Response>) => {
  const { deps, payer } = testDeps();
  payer.http = async () => answer();
  return { finding: findPatient(deps, oneUp, 'fresh-token'), requests: payer.requests };
};

describe('whose record a token opens', () => {
  it('is asked with one GET Patient and the fresh token, to the payer’s FHIR base', async () => {
    const { finding, requests } = ask(() => Response.json(bundle([patient()])));

    expect(await finding).toBe('p-1');
    expect(requests).toEqual([
      {
        url: 'http://127.0.0.1:3001/r4/Patient',
        init: expect.objectContaining({
          redirect: 'manual',
          headers: { Accept: 'application/fhir+json', Authorization: 'Bearer fresh-token' },
        }),
      },
    ]);
  });

  it('is asked with a POST where the payer takes searches so only', async () => {
    const { deps, payer } = testDeps();
    payer.http = async () => Response.json(bundle([patient()]));

    await findPatient(deps, { ...oneUp, quirks: { ...oneUp.quirks, searchMethod: 'POST' } }, 'fresh-token');

    const [{ url, init } = { url: '', init: undefined }] = payer.requests;
    expect([url, init?.method, init?.body]).toEqual(['http://127.0.0.1:3001/r4/Patient/_search', 'POST', '']);
    expect(new Headers(init?.headers).get('content-type')).toBe('application/x-www-form-urlencoded');
  });

  it('is asked for in the payer’s own media type', async () => {
    const { deps, payer } = testDeps();
    payer.http = async () => Response.json(bundle([patient()]));
    const quirks = { ...oneUp.quirks, fhirMediaType: 'application/json+fhir' };

    await findPatient(deps, { ...oneUp, quirks }, 'fresh-token');

    expect(new Headers(payer.requests[0]?.init?.headers).get('accept')).toBe('application/json+fhir');
  });

  it.each<[string, object[], object?]>([
    [
      'an outcome beside the match',
      [patient(), { resource: { resourceType: 'OperationOutcome' }, search: { mode: 'outcome' } }],
    ],
    ['no search mode', [{ resource: { resourceType: 'Patient', id: 'p-1' } }]],
    ['an outcome without a mode', [patient(), { resource: { resourceType: 'OperationOutcome', issue: [] } }]],
    ['links as a map', [patient()], { link: { self: 'https://payer.example/Patient' } }],
    ['null for links', [patient()], { link: null }],
    ['null for the next', [patient()], { link: { next: null } }],
    ['a link to itself', [patient()], { link: [{ relation: 'self' }] }],
    ['a total of one', [patient()], { total: 1 }],
    ['another type', [patient()], { type: 'collection' }],
    [
      'a first page that is the last',
      [patient()],
      {
        link: [
          { relation: 'first', url: '/Patient?page=1' },
          { relation: 'last', url: '/Patient?page=1' },
        ],
      },
    ],
    ['what Aidbox adds', [patient()], { 'query-time': 3, 'query-sql': ['SELECT'], entries: [] }],
    ['a total of one as a text', [patient()], { total: '1' }],
    ['a patient that is included', [patient(), { ...patient('other'), search: { mode: 'include' } }]],
    ...[
      null,
      'https://other.example/base/Patient/p-1',
      'Patient/p-1/_history/2',
      'https://payer.example/FHIR/Patient',
      'urn:uuid:0b0ed2f6-1d0c-4b43-a1a9-6ae1a7fd7b3c',
    ].map((fullUrl): [string, object[]] => [`the fullUrl ${fullUrl}`, [{ ...patient(), fullUrl }]]),
    ...[undefined, null, '200', '200 OK', 206].map((status): [string, object[]] => [
      `the status ${status}`,
      [{ ...patient(), response: { status } }],
    ]),
    ['a remark of no lack', [patient(), remark('informational')], { issues: remark('not-supported').resource }],
  ])('is accepted with %s', async (_, entry, more = {}) => {
    expect(await ask(() => Response.json(bundle(entry, more))).finding).toBe('p-1');
  });

  it('is accepted with an id of digits that is a number', async () => {
    expect(await ask(() => Response.json(bundle([patient(5)]))).finding).toBe('5');
  });

  const unclear = 'GET Patient named no single patient';
  const noBundle = 'GET Patient answered without a Bundle';
  it.each<[string, unknown, string?]>([
    ['two matches', bundle([patient('a'), patient('b')])],
    ['no match', bundle([])],
    ['no entries', bundle(undefined)],
    ['a further page', bundle([patient()], { link: [{ relation: 'self' }, { relation: 'next' }] })],
    ['a further page in a map', bundle([patient()], { link: { next: 'https://payer.example/next' } })],
    ['a further page in no list', bundle([patient()], { link: { relation: 'next' } })],
    ['a further page by rel', bundle([patient()], { link: [{ rel: 'next' }] })],
    ...[
      { relation: 'self next' },
      { relation: 'Next' },
      { relation: 'http://www.iana.org/assignments/relation/next' },
      { relation: ['self', 'next'] },
      { next: 'https://payer.example/next' },
    ].map((link): [string, unknown] => [
      `a further page in ${JSON.stringify(link)}`,
      bundle([patient()], { link: [{ relation: 'self' }, link] }),
    ]),
    ['links that nobody can read', bundle([patient()], { link: 'next' })],
    ['a link that also has a next', bundle([patient()], { link: [{ relation: 'self', next: '/next' }] })],
    ['a relation under either name', bundle([patient()], { link: [{ relation: 'self', rel: 'next' }] })],
    ...[2, '2', 'two', 1.5, [1]].map((total): [string, unknown] => [
      `a total of ${JSON.stringify(total)}, although one is in the answer`,
      bundle([patient()], { total }),
    ]),
    ...['Match', 'matched', ['include'], 'Include', 'outcome', 7].map((mode): [string, unknown] => [
      `a second patient of the mode ${JSON.stringify(mode)}`,
      bundle([patient(), { ...patient('other'), search: { mode } }]),
    ]),
    ...['batch-response', 'history', 7].map((type): [string, unknown] => [
      `the type ${type}`,
      bundle([patient()], { type }),
    ]),
    ...[
      { links: [{ relation: 'next', url: '/Patient?page=2' }] },
      { nextPage: '/Patient?page=2' },
      { Entry: [patient('other')] },
      { Total: 2 },
      { link: [{ relation: 'next-page', url: '/Patient?page=2' }] },
      { link: [{ relation: 'more', url: '/Patient?page=2' }] },
      {
        link: [
          { relation: 'self', url: '/Patient' },
          { relation: 'last', url: '/Patient?page=2' },
        ],
      },
    ].map((more): [string, unknown] => [`what may be more, ${JSON.stringify(more)}`, bundle([patient()], more)]),
    ['another patient in an entry', bundle([{ ...patient(), Resource: { resourceType: 'Patient', id: 'other' } }])],
    ...['incomplete', 'suppressed', 'timeout'].flatMap((code): [string, unknown][] => {
      const { resource: outcome } = remark(code);
      return [
        [`the remark ${code}`, bundle([patient(), remark(code)])],
        [`the remark ${code} on the page`, bundle([patient()], { issues: outcome })],
        [`the remark ${code} on the page, as a list`, bundle([patient()], { issue: outcome.issue })],
        [`the remark ${code} on the entry`, bundle([{ ...patient(), response: { outcome } }])],
      ];
    }),
    ...['https://payer.example/Patient/other', 'Person/p-1', 'https://payer.example/Patient/other/_history/1'].map(
      (fullUrl): [string, unknown] => [`the fullUrl ${fullUrl}`, bundle([{ ...patient(), fullUrl }])],
    ),
    ...['404', '403 Forbidden', 500, '304', '2000'].map((status): [string, unknown] => [
      `the status ${status}`,
      bundle([{ ...patient(), response: { status } }]),
    ]),
    ['another resource', bundle([{ resource: { resourceType: 'Person', id: 'a' } }])],
    ['no value as its id', bundle([patient('undefined')])],
    ['an entry without a resource', bundle([{}])],
    ['a patient without an id', bundle([{ resource: { resourceType: 'Patient' } }])],
    ['an id that is neither a text nor digits', bundle([patient(5.5)])],
    ['entries that are no list', bundle(5), noBundle],
    ['something that is not a Bundle', { resourceType: 'Parameters', entry: [patient()] }],
    ['null', null, noBundle],
  ])('is not accepted with %s', async (_, answer, detail = unclear) => {
    await expect(ask(() => Response.json(answer)).finding).rejects.toMatchObject({ failure: 'nonsense', detail });
  });

  const one = '{"resource":{"resourceType":"Patient","id":"a"}}';
  const two = '{"resource":{"resourceType":"Patient","id":"b"}}';
  it.each([
    `"entry":[${one.replace('}}', ',"id":"b"}}')}]`,
    `"entry":[${one.replace('}}', String.raw`,"\u0069d":"b"}}`)}]`,
    `"entry":[${one.slice(0, -1)},"resource":{"resourceType":"Patient","id":"b"}}]`,
    `"entry":[${two}],"entry":[${one}]`,
    `"entry":[${one},${two.slice(0, -1)},"search":{"mode":"match"},"search":{"mode":"include"}}]`,
    `"entry":[${one},${two.slice(0, -1)},"search":{"mode":"match","mode":"include"}}]`,
    `"total":2,"total":1,"entry":[${one}]`,
    `"link":[{"relation":"next","url":"n"}],"link":[],"entry":[${one}]`,
    `"link":[{"relation":"next","relation":"self","url":"n"}],"entry":[${one}]`,
  ])('is not accepted with a member twice: %s', async (members) => {
    const { finding } = ask(() => new Response(`{"resourceType":"Bundle",${members}}`));
    await expect(finding).rejects.toMatchObject({ failure: 'nonsense', detail: unclear });
  });

  it.each([
    '<n>; rel="next"',
    '<s>; rel=self, <n>; rel="prev NEXT"',
    'n; rel=next',
    `<${'s'.repeat(16_384)}>; rel=self`,
  ])('is not accepted with a further page, or one that may be, in the header: %.40s', async (link) => {
    const { finding } = ask(() => Response.json(bundle([patient()]), { headers: { link } }));
    await expect(finding).rejects.toMatchObject({ failure: 'nonsense', detail: unclear });
  });

  it.each([
    ['x-total-count', '2'],
    ['x-total-count', 'two'],
    ['content-range', 'items 0-0/2'],
    ['content-range', '0-0/2'],
    ['content-range', 'items 0-0'],
    ['link', '</Patient?page=2>; rel=last'],
    ['link', '</Patient?page=2>; rel=next-page'],
    ['warning', '199 - "Some results were left out"'],
    ['warning', 'partial'],
  ])('is not accepted with %s: %s', async (name, value) => {
    const { finding } = ask(() => Response.json(bundle([patient()]), { headers: { [name]: value } }));
    await expect(finding).rejects.toMatchObject({ failure: 'nonsense', detail: unclear });
  });

  it('is accepted with a link to itself in the header', async () => {
    const headers = { link: '<https://payer.example/Patient>; rel="self"' };
    expect(await ask(() => Response.json(bundle([patient()]), { headers })).finding).toBe('p-1');
  });

  it('is accepted with a Warning that is only about the end of the API', async () => {
    const headers = { warning: '299 - "Deprecated API"' };
    expect(await ask(() => Response.json(bundle([patient()]), { headers })).finding).toBe('p-1');
  });

  const elsewhere = { status: 302, headers: { Location: 'http://169.254.169.254' } };
  const failing = (error: Error) => async (): Promise<never> => {
    throw error;
  };
  const tooLong = () => new Response('x'.repeat(2 * 1024 * 1024 + 1));
  const refused = new TypeError('fetch failed', { cause: new Error('x') });
  it.each<[string, () => Response | Promise<Response>, string, string]>([
    ['another status', () => Response.json(bundle([patient()]), { status: 403 }), 'unavailable', ' answered 403'],
    ['a redirect', () => new Response(null, elsewhere), 'unavailable', ' answered 302'],
    ['a 204', () => new Response(null, { status: 204 }), 'nonsense', ' named no single patient'],
    [
      'an API gateway that misses its key',
      () => Response.json({ message: 'No API key found in request' }, { status: 401 }),
      'invalid_client',
      " answered 401 about a key of the gateway's, not about the token",
    ],
    ['HTML', () => new Response('<html>'), 'nonsense', ' answered without a Bundle'],
    ['an answer over 2 MB', tooLong, 'nonsense', ': answer over 2097152 bytes'],
    ['a time-out', failing(new DOMException('x', 'TimeoutError')), 'timeout', ': TimeoutError'],
    ['a refused connection', failing(refused), 'unavailable', ': TypeError < Error'],
  ])('is unknown after %s, and the log says why', async (_, answer, failure, detail) => {
    await expect(ask(answer).finding).rejects.toMatchObject({ failure, detail: `GET Patient${detail}` });
  });
});
