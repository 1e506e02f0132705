import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { manifestName } from '../../../functions/shared/exports/object-names.ts';
import { UnusableAnswer } from '../../../functions/shared/payer/decode-body.ts';
import { createPayerHttp } from '../../../functions/shared/payer/http-client.ts';
import {
  exportWorld,
  fhir,
  memberPatient,
  pageOf,
  type PayerScript,
  type Sent,
  type WorldOptions,
} from '../../support/export-world.ts';
import { fakeIntervals } from '../../support/fake-timeouts.ts';
import { fetchGateway, fhir as fhirAnswer, read } from '../../support/fetch-gateway.ts';
import { endOf, runToEnd, type World } from './end-of.ts';

/*
 * Attachment: https://hl7.org/fhir/R4/datatypes.html#attachment
 * Binary: https://hl7.org/fhir/R4/binary.html
 */

const base = 'https://fhir.northwind.example/tenant/r4';
const alias = 'http://inside:8080/r4';
const facade = 'http://localhost:3000/r4/northwind';
const profile = { fhirBaseUrl: base, fhirBaseUrlAliases: [alias] };

/** All bytes, so that nothing on the way may take them for text. */
const pdf = Buffer.from(Array.from({ length: 70_000 }, (_, at) => (at * 7) % 256));
const sha1 = createHash('sha1').update(pdf).digest();
const pdfSent: Sent = { headers: { 'content-type': 'application/pdf' }, bytes: pdf };

/** Another try may succeed (https://hl7.org/fhir/R4/valueset-issue-type.html). */
const busy = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'timeout' }] };

/** A label of https://hl7.org/fhir/R4/security-labels.html */
const redacted = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'REDACTED' };

const documentOf = (id: string, ...attachments: readonly object[]) => ({
  resourceType: 'DocumentReference',
  id,
  status: 'current',
  subject: { reference: 'Patient/member-1' },
  content: attachments.map((attachment) => ({ attachment })),
});

const isBinary = ({ path }: { readonly path: string }): boolean => path.startsWith('/Binary');

/** Answers searches with these resources, and everything else with one script. */
const payerOf =
  (resources: readonly object[], document: PayerScript): PayerScript =>
  (asked) =>
    !isBinary(asked) && (asked.path.startsWith('/Patient/') || asked.path.includes('?'))
      ? pageOf([memberPatient, ...resources])
      : document(asked);

const run = (resources: readonly object[], document: PayerScript, options: WorldOptions = {}) =>
  runToEnd(() => payerOf(resources, document), { profile, ...options });

/** What was asked beside the searches. */
const asked = ({ asked: all }: World) =>
  all.filter((one) => isBinary(one) || (!one.path.startsWith('/Patient/') && !one.path.includes('?')));

const fileOf = ({ world }: { readonly world: World }, number = 1): string =>
  `http://localhost:3000/exports/northwind/${world.exportId}/attachment-${number}`;

/** The URLs of the attachments in the lines. */
const urlsIn = ({ lines }: { readonly lines: readonly string[] }): readonly unknown[] =>
  lines.flatMap((line) => {
    const {
      content = [],
      presentedForm = [],
      photo = [],
    } = JSON.parse(line) as {
      readonly content?: readonly { readonly attachment?: { readonly url?: string } }[];
      readonly presentedForm?: readonly { readonly url?: string }[];
      readonly photo?: readonly { readonly url?: string }[];
    };
    return [...content.map(({ attachment }) => attachment), ...presentedForm, ...photo].flatMap(
      (one) => one?.url ?? [],
    );
  });

describe('an attachment on the payer’s server comes along', () => {
  it.each([
    ['a Binary', `${base}/Binary/1`, `${base}/Binary/1`],
    ['a relative Binary', 'Binary/1', `${base}/Binary/1`],
    ['one that begins with a slash', '/Binary/1', `${base}/Binary/1`],
    ['one below the base with its slash', `${base}//Binary/1`, `${base}/Binary/1`],
    ['one below the base with two slashes', `${base}///Binary/1`, `${base}/Binary/1`],
    ['a version of one', `${base}/Binary/1/_history/2`, `${base}/Binary/1/_history/2`],
    ['one below another spelling of the base', `${alias}/Binary/1`, `${base}/Binary/1`],
    ['one whose base is spelled in capitals', 'https://FHIR.northwind.example/tenant/r4/Binary/1', `${base}/Binary/1`],
    ['one with a fragment', `${base}/Binary/1#page=2`, `${base}/Binary/1`],
    ['one by its path on the server', '/tenant/r4/Binary/1', `${base}/Binary/1`],
    ['one without a scheme', '//fhir.northwind.example/tenant/r4/Binary/1', `${base}/Binary/1`],
    ['one with dot segments', './x/../Binary/1', `${base}/Binary/1`],
  ])('%s', async (_, url, from) => {
    const title = String.raw`\u0042inary/1 "${'url'}"`;
    const made = await run([documentOf('d', { contentType: 'application/pdf', url, title })], () => pdfSent);

    expect(made).toMatchObject({ status: 'completed', complete: true, errors: [] });
    expect(made.attachments).toEqual(new Map([['attachment-1', { contentType: 'application/pdf', bytes: pdf }]]));
    const line = made.lines.find((one) => one.includes('DocumentReference')) ?? '';
    expect(JSON.parse(line)).toEqual(documentOf('d', { contentType: 'application/pdf', url: fileOf(made), title }));
    expect(asked(made.world)).toMatchObject([
      { url: from, token: 'Bearer token-1', accept: 'application/pdf, */*;q=0.5' },
    ]);
    expect(made.manifest.files.find(({ kind }) => kind === 'attachment')).toMatchObject({
      type: 'Binary',
      hash: sha1.toString('base64'),
    });
  });

  it('whichever element names it, in any spelling, with the rest of the line as the payer wrote it', async () => {
    const text = (url: string) =>
      `{"resourceType":"DiagnosticReport","id":"r","presentedForm":[{"url":"${url}","size":70000},{"url":"https://elsewhere.example/a"}],"x":1.00}`;
    const photo = { resourceType: 'Practitioner', id: 'p', photo: [{ url: 'Binary/2' }] };
    const resources = [JSON.stringify(memberPatient), text(String.raw`\u0042inary\/1`), JSON.stringify(photo)];
    const entries = resources.map((one) => `{"resource":${one}}`).join(',');
    const page = { ...pageOf([]), body: `{"resourceType":"Bundle","type":"searchset","entry":[${entries}]}` };
    const made = await runToEnd(() => (one) => (isBinary(one) ? pdfSent : page), { profile });

    expect(made.lines).toContain(text(fileOf(made)));
    expect(urlsIn(made)).toEqual(expect.arrayContaining([fileOf(made), fileOf(made, 2)]));
    expect(made.attachments.size).toBe(2);
    expect(made.errors).toEqual([
      'DiagnosticReport/r has an attachment that the gateway does not serve. Do not send your access token to its URL.',
    ]);
  });

  it('once, if several resources name it', async () => {
    const url = `${base}/Binary/1`;
    const made = await run(
      [
        documentOf('d', { url, hash: sha1.toString('base64') }, { url }),
        { resourceType: 'DiagnosticReport', id: 'r', presentedForm: [{ url: 'Binary/1', size: 70_000 }] },
        documentOf('e', { url, size: 1 }),
        documentOf('f', { url, contentType: 'application/pdf' }),
      ],
      () => ({ ...pdfSent, headers: { 'content-type': 'text/plain' } }),
    );

    expect(asked(made.world)).toHaveLength(1);
    expect(made.attachments.size).toBe(1);
    const own = `${facade}/Binary/1`;
    expect(urlsIn(made)).toEqual([fileOf(made), fileOf(made), own, own, fileOf(made)]);
    expect(made.errors).toEqual([
      'An attachment of DocumentReference/e did not come: its length is not the one that the resource gives.',
      `An attachment of DocumentReference/f did not come: ${elseCame}.`,
    ]);
  });

  it('for each of the resources without ids of which it is as they say', async () => {
    const unnamed = (hash: string, description: string) => {
      const { id: _, ...resource } = documentOf('d', { url: 'Binary/1', hash });
      return { ...resource, description };
    };
    const made = await run(
      [unnamed('AAAA', 'wrong'), unnamed('BBBB', 'wrong too'), unnamed(sha1.toString('base64'), 'right')],
      () => pdfSent,
    );

    const own = `${facade}/Binary/1`;
    expect(urlsIn(made)).toEqual([own, own, fileOf(made)]);
    const wrong = 'its SHA-1 is not the one that the resource gives';
    const named = `An attachment of a resource of type DocumentReference did not come: ${wrong}.`;
    expect(made.errors).toEqual([named, named]);
  });

  it.each([
    ['says nothing', {}, 'application/pdf', 'application/pdf'],
    ['has no media type', { contentType: 'a\nb' }, 'application/pdf', 'application/pdf'],
    ['nor has the answer', {}, 'x\r\ny', 'application/octet-stream'],
    ['nor a form that a header has', { contentType: 'a/b; x="\n"' }, 'application/pdf', 'a/b'],
    ['nor has the answer such a form', {}, 'a/b; x=1, c/d', 'a/b'],
    ['names HTML', { contentType: 'text/html' }, 'text/html', 'text/html'],
    ['gives length and SHA-1', { size: 70_000, hash: sha1.toString('base64') }, 'a/b', 'a/b'],
    ['gives its SHA-1 in hexadecimal digits', { hash: sha1.toString('hex') }, 'a/b', 'a/b'],
    ['gives its length as a text', { size: ' 70000 ' }, 'a/b', 'a/b'],
    ['gives a length that nobody can read', { size: '70 kB' }, 'a/b', 'a/b'],
  ])('if its resource %s', async (_, said, sent, contentType) => {
    const made = await run([documentOf('d', { url: 'Binary/1', ...said })], () => ({
      headers: { 'content-type': sent },
      bytes: pdf,
    }));

    expect(made.attachments.get('attachment-1')).toEqual({ contentType, bytes: pdf });
    expect(made.complete).toBe(true);
  });
});

/** A Binary as a resource, with each kind of escape that JSON has for base64's characters, in chunks of one size. */
const resourceOf = (data: string, bytes: number) => {
  const text = `{"resourceType":"Binary","extension":[{"data":"eA=="}],"data":"${data}","contentType":"application/pdf"}`;
  return Array.from({ length: Math.ceil(text.length / bytes) }, (_, at) =>
    Buffer.from(text.slice(at * bytes, (at + 1) * bytes)),
  );
};

const inFhir = (chunks: readonly Buffer[], type = 'application/fhir+json; charset=utf-8'): Sent => ({
  headers: { 'content-type': type },
  bytes: Readable.from(chunks),
});

/** A Binary with a security context, before its data or after. */
const securedFor = (of: unknown, isLast = false): Sent => {
  const said = typeof of === 'string' ? { reference: of } : of;
  const [context, content] = [`"securityContext":${JSON.stringify(said)}`, '"data":"eA=="'];
  const members = isLast ? [content, context] : [context, content];
  const bytes = Buffer.from(`{"resourceType":"Binary",${members.join(',')}}`);
  return inFhir(Array.from(bytes, (byte) => Buffer.of(byte)));
};

const inHeader = (reference: string): Sent => ({ headers: { 'x-security-context': reference }, bytes: pdf });

describe('a Binary that the payer gives as a resource is unwrapped', () => {
  const data = pdf.toString('base64');
  const escaped = data
    .replaceAll('/', String.raw`\/`)
    .replaceAll('+', String.raw`\u002B`)
    .replaceAll('=', String.raw`\u003d`);
  it.each([
    ['as it is', data, 16_384, {}],
    ['with escapes', escaped, 16_384, {}],
    ['with escapes, in chunks of seven bytes', escaped, 7, {}],
    ['with line breaks', data.replaceAll(/.{76}/g, String.raw`$&\r\n`), 1000, {}],
    ['in plain JSON, if another type is expected', data, 1000, { type: 'application/json' }],
  ])('%s', async (_, spelled, bytes, { type }: { type?: string }) => {
    const said = { contentType: 'application/pdf', size: pdf.length, hash: sha1.toString('base64') };
    const made = await run([documentOf('d', { url: 'Binary/1', ...said })], () =>
      inFhir(resourceOf(spelled, bytes), type),
    );

    expect(made.errors).toEqual([]);
    expect(made.attachments.get('attachment-1')).toEqual({ contentType: 'application/pdf', bytes: pdf });
  });

  it.each([
    ['in the resource', securedFor('Patient/member-1')],
    ['in the resource, as a document', securedFor('DocumentReference/d', true)],
    ['in the header', inHeader(`${base}/Patient/member-1`)],
  ])('with a security context that allows it, %s', async (_, sent) => {
    const made = await run([documentOf('d', { url: 'Binary/1', contentType: 'application/pdf' })], () => sent);

    expect([made.errors, made.attachments.size]).toEqual([[], 1]);
  });

  // R4 has a Binary given so to whoever accepts FHIR JSON: what the resource says of its type cannot tell what came.
  it.each([
    ['FHIR JSON', 'application/fhir+json', 'application/fhir+json'],
    ['JSON', 'application/json', 'application/json'],
    ['nothing', undefined, 'application/pdf', 'application/octet-stream'],
    ['HTML', 'text/html', 'application/pdf', 'text/html'],
  ])('if its resource says that it is %s', async (_, contentType, given, type = given) => {
    const body = JSON.stringify({ resourceType: 'Binary', contentType: given, data: data.slice(0, 400) });
    const made = await run([documentOf('d', { url: 'Binary/1', ...(contentType && { contentType }) })], () =>
      inFhir([Buffer.from(`\ufeff ${body}`)], type),
    );

    expect(made.attachments.get('attachment-1')).toEqual({
      contentType: contentType ?? given,
      bytes: Buffer.from(data.slice(0, 400), 'base64'),
    });
  });

  it.each([
    ['in a list', { meta: { security: [{ code: 'R' }, redacted] } }, true],
    ['alone', { meta: { security: redacted } }, true],
    ['among its tags', { meta: { tag: [redacted] } }, true],
    [
      'in an extension only',
      { extension: [{ url: 'x', security: [redacted] }], meta: { extension: [redacted] } },
      false,
    ],
    ['of another system', { meta: { security: [{ ...redacted, system: 'x' }] } }, false],
  ])(
    'and named for each resource, if its payer labels it as one from which something was withheld, %s',
    async (_, said, isNamed) => {
      const body = JSON.stringify({ resourceType: 'Binary', ...said, data });
      const attachment = { url: 'Binary/1', contentType: 'application/pdf' };
      const report = { resourceType: 'DiagnosticReport', id: 'r', presentedForm: [attachment] };
      const made = await run([documentOf('d', attachment, attachment), report], () =>
        inFhir(
          Array.from({ length: Math.ceil(body.length / 7) }, (__, at) => Buffer.from(body.slice(at * 7, at * 7 + 7))),
        ),
      );

      expect([made.attachments.size, made.complete]).toEqual([1, !isNamed]);
      const withheld = (of: string) =>
        `An attachment of ${of} has the payer's label that something was withheld from it.`;
      expect(made.errors).toEqual(isNamed ? [withheld('DocumentReference/d'), withheld('DiagnosticReport/r')] : []);
    },
  );

  it.each([
    ['a Bundle', '{"resourceType":"Bundle","data":"eA=="}'],
    ['a document that holds one', '{"contained":[{"resourceType":"Binary"}]}'],
    ['a document of its own', `{"a":"${'x'.repeat(100_000)}","data":7}`],
  ])('but not %s', async (_, text) => {
    const contentType = 'application/json';
    const made = await run([documentOf('d', { url: 'Binary/1', contentType })], () =>
      inFhir([Buffer.from(text)], contentType),
    );

    expect(made.attachments.get('attachment-1')).toEqual({ contentType, bytes: Buffer.from(text) });
  });
});

describe('an attachment elsewhere is not asked for, and named', () => {
  it.each([
    'https://elsewhere.example/scan.pdf',
    'https://fhir.northwind.example.elsewhere.example/tenant/r4/Binary/1',
    'https://fhir.northwind.example@elsewhere.example/tenant/r4/Binary/1',
    'https://user:secret@fhir.northwind.example/scan.pdf',
    'http://fhir.northwind.example/scan.pdf',
    'https://fhir.northwind.example:8443/scan.pdf',
    'http://inside:8080/scan.pdf',
    '//fhir.northwind.example/scan.pdf',
    '../Binary/1',
    '../../documents/scan.pdf',
    '//user@fhir.northwind.example/tenant/r4/Binary/1',
    '/tenant/r4/../Binary/1',
    '/tenant/r4/Condition/1',
    ' Binary/1',
    'ftp://fhir.northwind.example/scan.pdf',
    // Whoever writes a document writes its URLs: what is not plainly a Binary may be a resource in another spelling.
    'https://fhir.northwind.example/documents/scan.pdf',
    'https://fhir.northwind.example/%74enant/r4/Condition?patient=member-1',
    'https://fhir.northwind.example/TENANT/r4/Binary/1',
    'https://fhir.northwind.example/tenant//r4/Binary/1',
    'https://fhir.northwind.example//tenant/r4/Binary/1',
    'https://fhir.northwind.example/tenant/r4;v=1/Binary/1',
    'https://fhir.northwind.example/tenant/r4%2fCondition',
    'https://fhir.northwind.example/oauth2/userinfo',
    `${base}/DocumentReference/d/$content`,
    `${base}/%2e%2e/r4/Patient/other`,
    'DocumentReference/d/$content',
  ])('%s', async (url) => {
    const made = await run([documentOf('d', { url })], () => pdfSent);

    expect(asked(made.world)).toEqual([]);
    expect(urlsIn(made)).toEqual([url]);
    expect(made.complete).toBe(true);
    expect(made.manifest.files.some(({ kind }) => kind === 'attachment')).toBe(false);
    expect(made.errors).toEqual([
      'DocumentReference/d has an attachment that the gateway does not serve. Do not send your access token to its URL.',
    ]);
  });
});

describe('at a path that the profile names, an attachment', () => {
  const server = 'https://fhir.northwind.example';
  const listed = { profile: { ...profile, wholeRecord: { attachmentPaths: ['/documents/', '/download'] } } };
  it.each([
    ['below it', `${server}/documents/2026/scan.1.pdf`, `${server}/documents/2026/scan.1.pdf`],
    ['with a query and a fragment', `${server}/download?id=7&v=1#page=2`, `${server}/download?id=7&v=1`],
    ['on a host in capitals', 'HTTPS://FHIR.northwind.example/documents/1', `${server}/documents/1`],
  ])('%s comes along', async (_, url, from) => {
    const made = await run([documentOf('d', { url, contentType: 'application/pdf' })], () => pdfSent, listed);

    expect(made).toMatchObject({ complete: true, errors: [] });
    expect(made.attachments.get('attachment-1')?.bytes).toEqual(pdf);
    expect(urlsIn(made)).toEqual([fileOf(made)]);
    expect(asked(made.world)).toMatchObject([{ url: from, token: 'Bearer token-1' }]);
  });

  it.each([
    ...[
      '/documentsX/1',
      '/documents',
      '/documents/',
      '/Documents/1',
      '/download/1',
      '/downloads',
      '/scan.pdf',
      '/documents/../tenant/r4/Condition',
      '/documents/%2e%2e/tenant/r4/Condition',
      '/documents/..%2ftenant/r4/Condition',
      '/documents/.%2e/%74enant/r4/Condition',
      '/documents/..;/tenant/r4/Condition',
      '/documents//1',
      '/documents/1/',
      '/documents/./1',
      '/documents/.1',
      '/documents/1%00',
      '/documents/a b',
      '/documents/a;v=1',
      '/documents/$export',
      '/%64ocuments/1',
      '//documents/1',
      '/documents\\..\\tenant',
      '\\documents\\1',
      '/documents/1?a=%2e',
      '/doc\tuments/1',
      '/documents/é',
      '/tenant/r4/documents/1',
      '/tenant/r4/../../documents/1',
    ].map((path) => server + path),
    'https://fhir.northwind.example.elsewhere.example/documents/1',
    'https://user@fhir.northwind.example/documents/1',
    'http://fhir.northwind.example/documents/1',
    'https://fhir.northwind.example:8443/documents/1',
    'http://inside:8080/documents/1',
    'https:///fhir.northwind.example/documents/1',
    '//fhir.northwind.example/documents/1',
    '/documents/1',
    'documents/1',
  ])('is not asked for if it is %j', async (url) => {
    const made = await run([documentOf('d', { url })], () => pdfSent, listed);

    expect(asked(made.world)).toEqual([]);
    expect(urlsIn(made)).toEqual([url]);
  });

  it.each([
    'application/json',
    'application/fhir+json; charset=utf-8',
    'application/fhir+xml',
    'text/json',
    'application/problem+json',
  ])('that comes as %s is another API’s answer, whatever the resource says, and no document', async (type) => {
    const { headers, bytes } = { headers: { 'content-type': type }, bytes: Buffer.from('{"data":"eA=="}') };
    const contentType = type.replace(/;.*/, '');
    const made = await run(
      [documentOf('d', { url: `${server}/documents/1`, contentType })],
      () => ({ headers, bytes }),
      listed,
    );

    expect([made.complete, made.attachments.size]).toEqual([false, 0]);
    expect(made.errors.join()).toContain('something else in its place');
  });

  it.each([
    ['an OperationOutcome that says so', JSON.stringify(busy)],
    ['nothing', ''],
  ])('that the payer answers once with %s is asked for again', async (_, text) => {
    const answers: Sent[] = [{ headers: { 'content-type': 'application/fhir+json' }, bytes: Buffer.from(text) }];
    const attachment = { url: `${server}/documents/1`, contentType: 'application/pdf' };
    const made = await run([documentOf('d', attachment)], () => answers.pop() ?? pdfSent, listed);

    expect(made).toMatchObject({ complete: true, errors: [] });
    expect(asked(made.world)).toHaveLength(2);
  });

  it('that leads on to another place is not followed there', async () => {
    const sent = { status: 302, headers: { location: `${base}/Patient/other` } };
    const made = await run([documentOf('d', { url: `${server}/documents/1` })], () => sent, listed);

    expect(asked(made.world)).toHaveLength(1);
    expect(made.errors.join()).toContain('the payer answered with status 302');
  });
});

const endless = async function* (): AsyncGenerator<Uint8Array> {
  for (;;) {
    await sleep(0);
    yield new Uint8Array(64 * 1024);
  }
};

const late = async function* (): AsyncGenerator<Uint8Array> {
  yield pdf;
  throw new DOMException('no answer in time', 'TimeoutError');
};

const anothers = 'its security context names another patient, or somebody unknown';
const besideUnread = "the rest of the payer's Binary cannot be read, so the gateway cannot tell whose it is";
const elseCame = 'the payer answered with something else in its place, such as a page of HTML';
const pdfType = { contentType: 'application/pdf' };

/** A Binary that says only after its data, and after more than is looked at, that it is one. */
const late64 = { body: `{"data":"${'eHh4'.repeat(30_000)}","resourceType":"Binary"}` };

/** Whether the gateway asks the payer for a URL below its base. */
const readAtGateway = async (path: string): Promise<boolean> => {
  const gateway = fetchGateway();
  gateway.payer.http = async () => fhirAnswer({ resourceType: 'Binary' });
  const { token } = await gateway.grant();
  const [below = '', query = ''] = path.split('?');
  await read(gateway.deps, below, token, { query });
  return gateway.payer.requests.length > 0;
};

describe('an attachment that does not come is named, and its URL stays', () => {
  const limit = { mostAttachmentBytes: 1_000_000 };
  it.each<[string, object, Sent, number, Partial<WorldOptions>?]>([
    ['the payer answered with status 403', {}, { status: 403 }, 1],
    ['the payer answered with status 302', {}, { status: 302, headers: { location: 'https://elsewhere.example/' } }, 1],
    ['the payer answered with status 204', {}, { status: 204 }, 1],
    ['the payer answered with status 401', {}, { status: 401 }, 3],
    ['its length is not the one that the resource gives', { size: 69_999 }, pdfSent, 1],
    ['its length is not the one that the resource gives', { size: 70_001 }, pdfSent, 1],
    ['its length is not the one that the resource gives', { size: 0 }, pdfSent, 1],
    ['its length is not the one that the resource gives', { size: '70001' }, pdfSent, 1],
    ['the payer sent nothing in it', pdfType, { ...pdfSent, bytes: Buffer.alloc(0) }, 3],
    ['the payer sent nothing in it', {}, inFhir([Buffer.from('{"resourceType":"Binary"}')]), 1],
    ['the payer sent nothing in it', {}, inFhir([Buffer.from('{"resourceType":"Binary","data":""}')]), 1],
    [
      'the payer sent nothing in it, and its label says that something was withheld',
      pdfType,
      inFhir([Buffer.from(JSON.stringify({ resourceType: 'Binary', meta: { security: [redacted] } }))]),
      1,
    ],
    ['its SHA-1 is not the one that the resource gives', { hash: Buffer.alloc(20).toString('base64') }, pdfSent, 1],
    [
      'its SHA-1 is not the one that the resource gives',
      { hash: createHash('sha256').update(pdf).digest('base64') },
      pdfSent,
      1,
    ],
    [anothers, pdfType, securedFor(`${base}/Patient/other`), 1],
    [anothers, pdfType, securedFor(`Patient/${'x'.repeat(5000)}`), 1],
    [anothers, pdfType, securedFor('Patient/other#x', true), 1],
    [anothers, {}, inHeader('Patient/other'), 1],
    ...[{ identifier: { value: 'x' } }, { display: 'Bob' }, { extension: [] }, ['Patient/other'], 7].map(
      (context): [string, object, Sent, number] => [anothers, pdfType, securedFor(context), 1],
    ),
    ...[
      '"data":"eA==","securityContext":{"reference":"Patient/other"},"securityContext":null}',
      '"contentType":"application/pdf","contentType":"application/pdf","data":"eA=="}',
      '"data":"eA=="} more',
      `"data":"eA==","language":"${'x'.repeat(1024 * 1024)}"}`,
    ].map((rest): [string, object, Sent, number] => [
      besideUnread,
      pdfType,
      inFhir([Buffer.from(`{"resourceType":"Binary",${rest}`)]),
      1,
    ]),
    [elseCame, pdfType, inFhir([Buffer.from('{"resourceType":"Binary","id":"2","data":"eA=="}')]), 1],
    ...['application/fhir+json', 'application/json', 'application/pdf', 'text/plain'].map(
      (contentType): [string, object, Sent, number] => [
        anothers,
        { contentType },
        { ...securedFor('Patient/other'), headers: { 'content-type': contentType } },
        1,
      ],
    ),
    [elseCame, { contentType: 'application/json' }, { ...late64, headers: { 'content-type': 'application/json' } }, 1],
    [
      elseCame,
      { contentType: 'text/xml' },
      { headers: { 'content-type': 'text/xml' }, body: `<?xml version="1.0"?>\n<!-- > --><Binary xmlns="x"/>` },
      1,
    ],
    [elseCame, pdfType, inFhir([Buffer.from('{"resourceType":"Binary","data":"eA==","contentType":"text/html"}')]), 1],
    ['it is larger than 150 MB', { size: 1_000_001 }, pdfSent, 0, { deps: limit }],
    ['it is larger than 150 MB', {}, { headers: { 'content-length': '1000001' }, body: 'x' }, 1, { deps: limit }],
    ['it is larger than 150 MB', {}, { bytes: endless() }, 1, { deps: limit }],
    ['it did not arrive within five minutes', {}, { bytes: late() }, 1],
    ['the payer did not send it to the end', {}, { ...pdfSent, cut: true }, 5],
    ['the payer answered with status 500', {}, { status: 500 }, 5],
  ])('%s (%j)', async (why, said, sent, times, options = {}) => {
    const made = await run([documentOf('d', { url: 'Binary/1', ...said })], () => sent, options);

    expect(made).toMatchObject({ status: 'partial', complete: false });
    expect(made.errors).toEqual([`An attachment of DocumentReference/d did not come: ${why}.`]);
    expect(made.reasons['DocumentReference']).toBe(made.errors[0]);
    expect(made.outcomes['DocumentReference']).toBe('incomplete 1');
    expect(urlsIn(made)).toEqual([`${facade}/Binary/1`]);
    expect(made.attachments.size).toBe(0);
    expect(asked(made.world).filter(isBinary)).toHaveLength(times);
  });

  it('whose HTTP cannot be read, as is that of a resource that the record refers to', async () => {
    const author = [{ reference: 'Practitioner/1' }];
    const made = await run([{ ...documentOf('d', { url: 'Binary/1' }), author }], () => {
      throw new UnusableAnswer('CONTENT_ENCODING');
    });

    const unusable =
      'the response is not valid HTTP, its headers are too long, or its content encoding was not requested';
    expect(made.errors.toSorted()).toEqual([
      `An attachment of DocumentReference/d did not come: ${unusable}.`,
      `Practitioner/1, which the record refers to, could not be read: ${unusable}.`,
    ]);
  });

  const unserved = ', and the gateway does not serve its URL';
  it.each([
    'Binary/a=b',
    'Binary/a:b@c,d+e',
    'Binary/1?v=2',
    'Binary/1/_history/_2',
    `${base}/Binary/~a-b_c.d`,
    'Binary/1/_history/2',
    'Binary/1?_format=json',
  ])('with whether the gateway serves its URL: %s', async (url) => {
    const made = await run([documentOf('d', { url })], () => ({ status: 403 }));
    const [link = ''] = urlsIn(made) as string[];
    const served = await readAtGateway(link.slice(`${facade}/`.length));

    expect([asked(made.world).length, link]).toEqual([1, `${facade}/${url.replace(`${base}/`, '')}`]);
    expect(made.errors).toEqual([
      `An attachment of DocumentReference/d did not come: the payer answered with status 403${served ? '' : unserved}.`,
    ]);
  });

  it.each([
    ['Binary/1/content'],
    ['Binary/1/$download'],
    ['Binary/$download?id=7'],
    ['Binary/a%2Eb', 'is served'],
    ['Binary/{abc}'],
    ['Binary/é'],
    ['/tenant/r4/Binary/1/content'],
    [`${base}/Binary`],
    [`${base}/Binary/1/`, 'is served'],
    [`${base}/Binary/1;v=1`],
    [`${base}/Binary?_id=1`],
    [`${base}/Binary/_search?patient=other`],
    [`${base}/Binary/_history`],
    [`${base}/Binary/../Observation?patient=member-1`],
    [`${alias}/Binary/1/content`],
  ])('if it is below the Binaries and its URL is not that of one: %s', async (url, served = '') => {
    const made = await run([documentOf('d', { url })], () => pdfSent);
    const beside = await run([documentOf('d', { url: `${base}/Binary/1` }, { url })], () => pdfSent);

    expect(urlsIn(beside)).toEqual([fileOf(beside), ...urlsIn(made)]);
    expect(made.errors).toEqual([
      `An attachment of DocumentReference/d did not come: its URL is not that of one Binary of the payer's${served === '' ? unserved : ''}.`,
    ]);
    expect(made.outcomes['DocumentReference']).toBe('incomplete 1');
    expect(asked(made.world).filter(isBinary)).toEqual([]);
    expect(urlsIn(made)).toEqual([expect.stringMatching(/^http:\/\/localhost:3000\/.*\/Binary/)]);
  });

  it.each([
    ['other', false],
    ['member-1', true],
  ])('if its URL is so, and its resource turns out to be about %s: %s', async (whose, isNamed) => {
    const { subject: _, ...nameless } = documentOf('d', { url: 'Binary/1/content' });
    const document = { ...nameless, context: { related: [{ reference: 'Claim/c' }] } };
    const claim = { resourceType: 'Claim', id: 'c', patient: { reference: `Patient/${whose}` } };
    const made = await run([document], () => fhir(claim));

    expect(made.errors.some((error) => error.startsWith('An attachment of DocumentReference/d'))).toBe(isNamed);
  });

  const inPlaceOf = (type: string, body: string): Sent => ({
    headers: { 'content-type': type },
    bytes: Buffer.from(body),
  });
  const data = pdf.toString('base64');
  it.each<[string, Sent]>([
    ['HTML', inPlaceOf('text/HTML; charset=utf-8', '<script>alert(1)</script>')],
    [
      'FHIR XML',
      inPlaceOf('application/fhir+xml', '<Binary xmlns="http://hl7.org/fhir"><data value="eA=="/></Binary>'),
    ],
    ['FHIR JSON', inPlaceOf('application/fhir+json', '{"resourceType":"OperationOutcome"}')],
    ['JSON', inPlaceOf('application/json', '{"error":"backend down"}')],
    ['text', inPlaceOf('text/plain; charset=utf-8', 'Session expired')],
    ['HTML under its type', inPlaceOf('application/pdf', '\uFEFF\n<!-- > --><!DOCTYPE html><title>Sign in</title>')],
    ['HTML under no type', inPlaceOf('application/octet-stream', '<html lang="en">')],
    ['a Binary with HTML', inFhir(resourceOf(Buffer.from('<HTML><p>Sign in').toString('base64'), 1000))],
  ])('if the payer answers 200 with %s in its place', async (_, sent) => {
    const contentType = 'application/pdf';
    const made = await run([documentOf('d', { url: 'Binary/1', contentType })], () => sent);

    expect([made.complete, made.attachments.size]).toEqual([false, 0]);
    expect(made.errors).toEqual([
      'An attachment of DocumentReference/d did not come: the payer answered with something else in its place, such as a page of HTML.',
    ]);
  });

  // R4's base64Binary is RFC 4648 §4 with white space (https://hl7.org/fhir/R4/datatypes.html#base64Binary).
  const notBase64 = "the data of the payer's Binary is not one text in base64";
  it.each<[string, string, string?]>([
    ['is not base64', `"${'a'.repeat(200)}*"`],
    ['is base64url', `"${'a'.repeat(200)}-_aa"`],
    ['ends within a byte', '"eHh4e"'],
    ['is padding alone', '"=="'],
    ['appears twice', '"eA==","data":"eA=="'],
    ['has a broken escape', String.raw`"eA\x=="`],
    ['is a number', '7'],
    ['is a list', '["eA=="]'],
    ['ends before its end', `"${data.slice(0, 2000)}`, 'the payer did not send it to the end'],
  ])('if it is a Binary whose data %s', async (_, spelled, why = notBase64) => {
    const text = `{"resourceType":"Binary","contentType":"application/pdf","data":${spelled}${why === notBase64 ? '}' : ''}`;
    const chunks = Array.from(Buffer.from(text), (byte) => Buffer.of(byte));
    const made = await run([documentOf('d', { url: 'Binary/1', contentType: 'application/pdf' })], () =>
      inFhir(chunks),
    );

    expect([made.complete, made.attachments.size]).toEqual([false, 0]);
    expect(made.errors).toEqual([`An attachment of DocumentReference/d did not come: ${why}.`]);
    expect(urlsIn(made)).toEqual([`${facade}/Binary/1`]);
  });

  it('but if the payer does not have it, nothing is missing', async () => {
    const made = await run([documentOf('d', { url: 'Binary/1' })], () => ({ status: 404 }));

    expect(made).toMatchObject({ status: 'completed', complete: true });
    expect(made.errors).toEqual([
      'An attachment of DocumentReference/d did not come: the payer answered with status 404.',
    ]);
  });

  it('after five tries, though one before it came', async () => {
    const made = await run([documentOf('d', { url: 'Binary/1' }, { url: 'Binary/2' })], ({ path }) =>
      path.endsWith('2') ? { status: 500 } : pdfSent,
    );

    expect([made.attachments.size, asked(made.world).length]).toEqual([1, 6]);
    expect(made.errors).toEqual([
      'An attachment of DocumentReference/d did not come: the payer answered with status 500.',
    ]);
  });

  it.each<[string, object, object]>([
    ['by its length', { size: 70_000 }, { size: 69_999 }],
    ['by its SHA-1', { hash: sha1.toString('base64') }, { hash: Buffer.alloc(20).toString('base64') }],
    ['by its URL in another spelling', {}, { url: `${base}/Binary/1`, size: 69_999 }],
  ])('if the resource has it twice, and once as another, %s', async (_, one, other) => {
    const url = 'Binary/1';
    for (const both of [
      [one, other],
      [other, one],
    ]) {
      const made = await run([documentOf('d', ...both.map((said) => Object.assign({ url }, said)))], () => pdfSent);

      expect(made).toMatchObject({ complete: false, outcomes: { DocumentReference: 'incomplete 1' } });
      expect([made.errors.length, made.attachments.size]).toEqual([1, 0]);
      expect(urlsIn(made)).toEqual([`${facade}/Binary/1`, `${facade}/Binary/1`]);
    }
  });

  it('while the others of its resource come', async () => {
    const made = await run(
      [documentOf('d', { url: 'Binary/1' }, { url: 'Binary/2' }, { url: 'Binary/3' })],
      ({ path }) => (path === '/Binary/2' ? { status: 403 } : pdfSent),
    );

    expect(urlsIn(made)).toEqual([fileOf(made), `${facade}/Binary/2`, fileOf(made, 2)]);
  });

  it.each([
    [
      'the scope does not cover Binary',
      { scope: 'patient/Patient.rs patient/DocumentReference.rs' },
      ["Attachments of DocumentReference are not in this export: the access token's scope does not cover Binary."],
    ],
    ['the payer’s profile says so', { profile: { ...profile, wholeRecord: { attachments: false as const } } }, []],
  ])('and not asked for, if %s', async (_, options, errors) => {
    const made = await run(
      [documentOf('d', { url: 'Binary/1' }), documentOf('e', { url: 'Binary/1' })],
      () => pdfSent,
      options,
    );

    expect(asked(made.world).filter(isBinary)).toEqual([]);
    expect(urlsIn(made)).toEqual([`${facade}/Binary/1`, `${facade}/Binary/1`]);
    expect(made.errors).toEqual(expect.arrayContaining(errors));
    expect(made.complete).toBe(true);
  });

  it('and counted, if the export ends before, with all lines and what came', async () => {
    let isThrottled = false;
    const made = await run(
      [
        documentOf('d', { url: 'Binary/1' }, { url: 'Binary/2' }, { url: 'Binary/3' }),
        documentOf('e', { url: 'Binary/4' }),
      ],
      ({ path }) => {
        if (path === '/Binary/2') return { status: 403 };
        isThrottled ||= path === '/Binary/3';
        return isThrottled ? { status: 429, headers: { 'retry-after': '999999' } } : pdfSent;
      },
    );

    expect(made).toMatchObject({ status: 'partial', outcomes: { DocumentReference: 'incomplete 2' } });
    expect(urlsIn(made)).toEqual([fileOf(made), `${facade}/Binary/2`, `${facade}/Binary/3`, `${facade}/Binary/4`]);
    expect(made.errors).toEqual(
      expect.arrayContaining([
        'An attachment of DocumentReference/d did not come: the payer answered with status 403.',
        '2 attachments of DocumentReference did not come: the payer asked for a longer wait than the export has time for.',
      ]),
    );
  });
});

it('waits as the payer asks, between attachments too, and fetches none twice', async () => {
  const refused = new Set<string>();
  const made = await run([documentOf('d', ...[1, 2, 3, 4].map((id) => ({ url: `Binary/${id}` })))], ({ path }) => {
    if (path === '/Binary/1' || refused.has(path)) return pdfSent;
    refused.add(path);
    if (path === '/Binary/2') return { status: 429, headers: { 'retry-after': '90' } };
    if (path === '/Binary/3') return { status: 401 };
    return { ...pdfSent, cut: true };
  });

  expect(made).toMatchObject({ status: 'completed', errors: [] });
  expect(urlsIn(made)).toEqual([1, 2, 3, 4].map((number) => fileOf(made, number)));
  expect(asked(made.world).map(({ path }) => path)).toEqual([1, 2, 2, 3, 3, 4, 4].map((id) => `/Binary/${id}`));
});

describe('over HTTP, an attachment', () => {
  const closers: (() => void)[] = [];
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });

  /** An export from a server that has one document, whose Binary is answered so. */
  const overHttp = async (binary: (response: ServerResponse) => void, deps: WorldOptions['deps'] = {}) => {
    const server = createServer((request, response) => {
      if (request.url?.startsWith('/r4/Binary/') === true) return binary(response);
      const all = JSON.stringify(documentOf('d', { url: 'Binary/1' }));
      const entry = `{"resource":${JSON.stringify(memberPatient)}},{"resource":${all}}`;
      const isSearch = request.url?.includes('?') === true || request.url?.includes('$everything') === true;
      response.writeHead(isSearch ? 200 : 404, { 'content-type': 'application/fhir+json' });
      response.end(`{"resourceType":"Bundle","type":"searchset","entry":[${entry}]}`);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => server.close().closeAllConnections());
    const fhirBaseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/r4`;
    return exportWorld({
      profile: { fhirBaseUrl, fhirBaseUrlAliases: [] },
      deps: { payerHttp: createPayerHttp(), ...deps },
    });
  };

  it('that unpacks without end is cut at the limit, with its connection', async () => {
    // A megabyte of zeros is a kilobyte in gzip, and members may follow each other (RFC 1952 §2.2).
    const member = gzipSync(Buffer.alloc(1_000_000));
    const bomb = { closed: Promise.resolve() as Promise<unknown> };
    const world = await overHttp(
      (response) => {
        bomb.closed = once(response, 'close');
        response.writeHead(200, { 'content-type': 'application/pdf', 'content-encoding': 'gzip' });
        const write = (): void => {
          if (response.destroyed) return;
          response.write(member, () => setImmediate(write));
        };
        write();
      },
      { mostAttachmentBytes: 3_000_000 },
    );
    await world.run();
    await bomb.closed;

    const { errors, attachments } = await endOf(world);
    const ofAttachments = errors.filter((one) => one.startsWith('An attachment'));
    expect(ofAttachments).toEqual(['An attachment of DocumentReference/d did not come: it is larger than 150 MB.']);
    expect(attachments.size).toBe(0);
  });

  it.each([
    ['the export is deleted', 'gone', (world: World) => world.deleteExport()],
    ['the member’s grant is revoked', 'failed', (world: World) => world.endGrant()],
  ])('ends with its connection in the middle of the download if %s', async (_, status, end) => {
    const advance = fakeIntervals();
    const download = { closed: Promise.resolve() as Promise<unknown>, count: 0 };
    const world = await overHttp((response) => {
      download.count += 1;
      download.closed = once(response, 'close');
      response.writeHead(200, { 'content-type': 'application/pdf' });
      response.write(pdf, () => void end(world).then(() => advance(10_000)));
    });
    const { result } = await world.run();
    await download.closed;

    expect(result).toMatchObject({ status });
    expect(download.count).toBe(1);
    expect(world.objects.has(manifestName(world.exportId))).toBe(false);
  });
});
