import { createLineRewriter } from '../../../../functions/export-job/reading/rewrite-line.ts';
import { rewriteSlowly } from '../../shared/fhir/link-oracle.ts';
import { pageResource, spell } from './bundles.ts';

const bases = ['https://payer.example/fhir', 'http://inside:8080/r4'];
const facade = 'https://gateway.example/r4/payer';

describe('the links of lines', () => {
  it('get the base of the facade, and each line its end', () => {
    const rewriteLine = createLineRewriter({ bases, facade });
    const rewrite = (line: Buffer): Buffer => Buffer.concat([...rewriteLine({ line, attachments: [] })]);
    const line = (base: string) =>
      `{"subject":{"reference":"${base}/Patient/1"},"content":[{"attachment":{"url":"${base}/Binary/2"}}],"url":"${base}/x","a":1.00}`;
    for (const base of [...bases, 'HTTPS://Payer.Example/fhir']) {
      expect(rewrite(Buffer.from(line(base))).toString()).toBe(
        `${line(facade).replace(`"url":"${facade}/x"`, `"url":"${base}/x"`)}\n`,
      );
    }
    expect(rewrite(Buffer.from('{"a":"https://payer.example/fhir"}')).toString()).toBe(
      '{"a":"https://payer.example/fhir"}\n',
    );
  });

  it.each([
    ['Binary/1', `${facade}/Binary/1`],
    ['/Binary/1', `${facade}/Binary/1`],
    [String.raw`\/Binary\/1`, String.raw`${facade}\/Binary\/1`],
    [String.raw`\u0042inary/1`, String.raw`${facade}/\u0042inary/1`],
    ['Binary/1/_history/2', `${facade}/Binary/1/_history/2`],
    ['https://payer.example/fhir/Binary/1', `${facade}/Binary/1`],
    ['DocumentReference/1/$content', 'DocumentReference/1/$content'],
    [
      'https://payer.example/fhir/DocumentReference/1/$content',
      'https://payer.example/fhir/DocumentReference/1/$content',
    ],
    ['#Binary/1', '#Binary/1'],
    ['xBinary/1', 'xBinary/1'],
    ['Binary', 'Binary'],
    ['', ''],
  ])('to an attachment at %s are absolute if it is a Binary', (from, to) => {
    const line = (url: string) =>
      String.raw`{"resourceType":"DocumentReference","id":"Binary/1","description":",\"url\":\"Binary/1","my\"url":"Binary/1",` +
      `"content":[{"attachment":{"url":"${url}","title":"${'x'.repeat(100_000)}"}},{"attachment":{"title":"é","url":"${url}"}}],` +
      `"subject":{"reference":"Binary/1"},"relatesTo":[{"url":"Binary/9"}]}`;
    const rewritten = Buffer.concat([
      ...createLineRewriter({ bases, facade })(
        pageResource(JSON.parse(line(from)) as object as Record<string, unknown>),
      ),
    ]).toString();
    const direct = Buffer.concat([
      ...createLineRewriter({ bases, facade })({
        line: Buffer.from(line(from)),
        attachments: [JSON.parse(`"${from}"`) as string],
      }),
    ]).toString();

    const isRelative = /^\/?Binary\/./.test(JSON.parse(`"${from}"`) as string);
    const expected = isRelative ? line(to).replace('"Binary/9"', `"${facade}/Binary/9"`) : line(to);
    expect(direct).toBe(`${expected}\n`);
    expect(JSON.parse(rewritten)).toEqual(JSON.parse(expected));
  });

  const nested = (depth: number, name: string, inner: string): string =>
    `${`{"${name}":`.repeat(depth)}${inner}${'}'.repeat(depth)}`;

  it.each<[string, (url: string) => string]>([
    ['under an escaped name', (url) => String.raw`{"attachment":{"\u0075\u0072\u006C":"${url}"}}`],
    ['of 9 KB', (url) => `{"attachment":{"url":"${url}${'1'.repeat(9000)}"}}`],
    ['with escapes beyond their beginning', (url) => String.raw`{"attachment":{"url":"${url}\u002f\"é"}}`],
    // With what is around them as deep as a resource may be.
    ...['a', 'link', 'response'].map((name): [string, (url: string) => string] => [
      `200 levels deep in ${name}`,
      (url) => nested(197, name, `{"attachment":{"url":"${url}"}}`),
    ]),
  ])('to an attachment are absolute %s', (_, made) => {
    const line = (url: string): string => `{"resourceType":"Basic","a":${made(url)}}`;
    const attachmentsIn = (text: string) => pageResource(JSON.parse(text) as { resourceType: string }).attachments;
    for (const url of ['Binary/1', '/Binary/1', String.raw`\u0042inary\/1`, `${bases[0]}/Binary/1`]) {
      const attachments = attachmentsIn(line(url));
      const rewritten = Buffer.concat([
        ...createLineRewriter({ bases, facade })({ line: Buffer.from(line(url)), attachments }),
      ]);
      expect(attachmentsIn(rewritten.toString())[0]).toMatch(/^https:\/\/gateway\.example\/r4\/payer\/Binary\/1/);
    }
  });

  it('do not depend on the lines before', () => {
    const rewriteLine = createLineRewriter({ bases, facade });
    const rewrite = (line: Buffer): Buffer => Buffer.concat([...rewriteLine({ line, attachments: [] })]);
    const values = [...Array(300).keys()].map((at) => ({
      link: [[{ relation: 'next', url: `${bases[at % 2]}?${at}` }], { url: bases[0] }],
      response: { location: `${bases[1]}/Claim/${at}` },
      'x"reference': [{ reference: `${bases[at % 2]}/Claim/é${at}` }, `${bases[0]}/`],
      reference: `${bases[0]}`,
      url: at % 3 === 0 ? `${bases[0]}/Binary` : 'https://elsewhere.example',
      fullUrl: { reference: 'Patient/1' },
    }));
    for (const [at, value] of values.entries()) {
      const { compact } = spell(value, at + 1);
      expect(rewrite(Buffer.from(compact)).toString()).toBe(`${rewriteSlowly(compact, bases, facade).text}\n`);
    }
  });
});
