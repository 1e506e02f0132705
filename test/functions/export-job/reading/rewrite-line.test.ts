import { createLineRewriter } from '../../../../functions/export-job/reading/rewrite-line.ts';
import { rewriteSlowly } from '../../shared/fhir/link-oracle.ts';
import { spell } from './bundles.ts';

const bases = ['https://payer.example/fhir', 'http://inside:8080/r4'];
const facade = 'https://gateway.example/r4/payer';

describe('the links of lines', () => {
  it('get the base of the facade, and each line its end', () => {
    const rewriteLine = createLineRewriter({ bases, facade });
    const rewrite = (line: Uint8Array): Buffer => Buffer.concat([...rewriteLine(line)]);
    const line = (base: string) =>
      `{"subject":{"reference":"${base}/Patient/1"},"content":[{"attachment":{"url":"${base}/Binary/2"}}],"url":"${base}/x","a":1.00}`;
    for (const base of bases) {
      expect(rewrite(Buffer.from(line(base))).toString()).toBe(
        `${line(facade).replace(`"url":"${facade}/x"`, `"url":"${base}/x"`)}\n`,
      );
    }
    expect(rewrite(Buffer.from('{"a":"https://payer.example/fhir"}')).toString()).toBe(
      '{"a":"https://payer.example/fhir"}\n',
    );
  });

  it('do not depend on the lines before', () => {
    const rewriteLine = createLineRewriter({ bases, facade });
    const rewrite = (line: Uint8Array): Buffer => Buffer.concat([...rewriteLine(line)]);
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
