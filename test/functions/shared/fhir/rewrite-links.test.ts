import { isDeepStrictEqual } from 'node:util';
import { jest } from '@jest/globals';
import { createLinkRewriter } from '../../../../functions/shared/fhir/rewrite-links.ts';
import { judgeDocument, numbersFrom } from '../../../fuzz/json-documents.ts';
import { words } from '../../../support/words.ts';
import { rewriteSlowly } from './link-oracle.ts';
import { cutEverywhere, expectEverywhere, gateway, inChunks, payer, rewriteBytes } from './rewriting.ts';

const rewrite = (text: string, from?: readonly string[], to?: string) => rewriteBytes([Buffer.from(text)], from, to);
/** A document in which `@` stands for the payer's base where it is rewritten, and `~` where it stays. */
type Document = [what: string, template: string, foreignLinks?: number];

/** Rewritten as expected wherever it is cut, also if more follows, and as the slow parser rewrites it. */
const expectRewritten = (template: string, foreignLinks = 0): void => {
  const filled = (base: string) => template.replaceAll('@', base).replaceAll('~', payer);
  const [text, expected] = [filled(payer), { text: filled(gateway), foreignLinks }];
  expectEverywhere(text, expected);
  expect(rewrite(text.padEnd(200))).toEqual({
    text: expected.text.padEnd(200 + expected.text.length - text.length),
    foreignLinks,
  });
  if (isJson(text)) expect(rewriteSlowly(text, [payer], gateway)).toEqual({ ...expected, unsealedLinks: 0 });
};
const isJson = (text: string): boolean => {
  try {
    return JSON.parse(text) !== undefined;
  } catch {
    return false;
  }
};

describe('which strings are links', () => {
  it.each<Document>([
    [
      'fullUrl and reference at any depth',
      '{"entry":[{"fullUrl":"@/Patient/1","resource":{"subject":{"reference":"@/Patient/1"}}}]}',
    ],
    [
      'url in a link, and not in objects below it',
      '{"link":[{"relation":"next","url":"@?a"},{"extension":[{"url":"~?a"}],"url":"@?a"}]}',
    ],
    [
      'url in a link of an entry that is no list, and not below it',
      '{"entry":[{"link":{"url":"@?a","other":{"url":"~?a"}}}],"url":"~?a"}',
    ],
    [
      "any URL in any form of the answer's own link",
      '{"link":{"url":"@?a","b":{"url":"@?a","c":["@"]}},"link":"@","url":"~?a"}',
    ],
    ['href in a link, and nowhere else', '{"link":[{"href":"@?a"}],"href":"~?a","entry":[{"link":[{"href":"@?a"}]}]}'],
    [
      'no URL of an identifier or extension under a link',
      '{"link":[{"other":{"identifier":{"system":"~/ids"}},"modifierExtension":[{"url":"~/x"}],"\\u0065xtension":{"url":"~/x"}}]}',
    ],
    ['url in the link of an entry', '{"entry":[{"link":[{"url":"@"}]}]}'],
    ['a link in a link', '{"link":{"link":{"url":"@"}}}'],
    ['a link in a response', '{"response":{"link":[{"url":"@"}]}}'],
    ['a response in a link', '{"link":[{"response":{"location":"@"}}]}'],
    ['what follows a link in a link', '{"link":{"link":[],"url":"@"},"a":{"url":"~"}}'],
    ['arrays in arrays of a link', '{"link":[[[{"url":"@"}],{"url":"@"}]]}'],
    [
      'location in a response, and nowhere else',
      '{"location":"~/P/1","entry":[{"response":{"location":"@/P/1","outcome":{"location":"~/P/1"}}}]}',
    ],
    [
      'url in a request, and nowhere below it',
      '{"entry":[{"request":{"method":"PUT","url":"@/P/1","extension":[{"url":"~/P/1"}],"a":{"url":"~/P/1"}}}],"url":"~/P/1"}',
    ],
    ['no url in a list of requests', '{"request":[{"url":"~/P/1"}]}'],
    ['no location in a list of responses', '{"response":[{"location":"~/P/1"}]}'],
    [
      'no system, no canonical URL, and no string in an array',
      '{"system":"~/ids","meta":{"profile":["~/X/y"]},"reference":["~/P/1"]}',
    ],
    [
      'no narrative',
      String.raw`{"div":"<a href=\"~/P/1\">\"reference\":\"~/P/1\"</a>","note":"ends in \"reference\": \""}`,
    ],
    ['no key', '{"~/P/1":"reference","code":"url","valueString":"link"}'],
    [
      'links to other hosts, which are counted and stay',
      '{"link":[{"url":"https://other.example/n"}],"fullUrl":"HTTP://other.example/P/1","response":{"location":"~x/P/1"}}',
      3,
    ],
    [
      'nothing else, which is not counted',
      String.raw`{"url":"http://hl7.org/x","reference":"urn:uuid:1","a":{"reference":"P/1"},"b":{"reference":"https:\\x"}}`,
    ],
    ...['/Binary/1', '/Binary', '/Binary?x=1'].map((rest): Document => [
      `the url of a Binary (${rest})`,
      `{"content":{"url":"@${rest}"}}`,
    ]),
    ...['', '/Person', '/Person/1', '/Person?x=1', '/Binar', '/BinaryX/1', 'x/Binary/1', '/Bin/ary'].map(
      (rest): Document => [`no other url outside a link (${rest})`, `{"url":"~${rest}"}`],
    ),
    ...['', '/', '/Patient/1', '?a=b'].map((rest): Document => [`a base before ${rest}`, `{"reference":"@${rest}"}`]),
    ...['2', '.evil.example/Patient/1', '#a', '%2FPatient', String.raw`\\/x`, String.raw`\n`, '\u{1F600}'].map(
      (rest): Document => [`no base before ${rest}`, `{"reference":"~${rest}"}`, 1],
    ),
    ...words('xttp://o hxtp://o htxp://o httx://o http;//o http:x/o http:/ https;//o httpss://o').map(
      (url): Document => [`no other host in ${url}`, `{"reference":"${url}"}`],
    ),
  ])('are %s', (_what, template, foreignLinks = 0) => {
    expectRewritten(template, foreignLinks);
  });

  it('uses the longest base that matches', () => {
    const from = ['https://p.example/r4', 'https://p.example/r4/tenant/', 'http://10.0.0.1:8080/fhir'];
    const text = (a: string, b: string, c: string, d: string) =>
      JSON.stringify([{ reference: `${a}/Patient/1` }, { reference: `${b}/x` }, { reference: `${c}/y` }, { url: d }]);
    expectEverywhere(
      text(
        'https://p.example/r4/tenant',
        'https://p.example/r4/tenantB',
        'http://10.0.0.1:8080/fhir',
        'https://p.example/r4/Binary/1',
      ),
      { text: text(gateway, `${gateway}/tenantB`, gateway, `${gateway}/Binary/1`), foreignLinks: 0 },
      from,
    );
  });
  it('takes only links to a type that is at the base, where a payer has several', () => {
    const longest = 'SubstanceReferenceInformation';
    const types = ['Goal', 'Binary', longest];
    const from = [
      { bases: [payer], except: types },
      { bases: ['https://goals.example/fhir'], only: types },
    ];
    const templates = [
      '{"reference":"@/Condition/1"},{"reference":"@/GoalX/1"},{"url":"@"},{"fullUrl":"@?page=2"},{"url":"~/Binary/1"}',
      `{"reference":"~/Goal/1"},{"reference":"~/Goal"},{"reference":"~/Goal?a"},{"reference":"~/${longest}/1"}`,
      `{"reference":"+/Goal/1"},{"fullUrl":"+/Patient/1"},{"reference":"+/${longest}/1"},{"url":"+/Binary/1"}`,
      '{"reference":"-/Condition/1"},{"fullUrl":"-"},{"fullUrl":"-?page=2"},{"reference":"-/GoalX/1"}',
    ];
    const [text, expected] = [
      { '@': payer, '~': payer, '+': 'https://goals.example/fhir', '-': 'https://goals.example/fhir' },
      { '@': gateway, '~': payer, '+': gateway, '-': 'https://goals.example/fhir' },
    ].map((by) => `[${templates.join()}]`.replaceAll(/[@~+-](?=[/?"])/g, (mark) => by[mark as '@']));

    // Of the URLs outside a link, only those of Binaries are links.
    expectEverywhere(
      text!,
      { text: expected!.replace(`{"url":"${gateway}"}`, `{"url":"${payer}"}`), foreignLinks: 8 },
      from,
    );
  });

  it.each([[payer], ['HTTP://FHIR.EXAMPLE']])('does not take another host for %s', (base) => {
    const hosts = [base.replace('.', 'X'), base.replace('.', ''), base.slice(0, -3), `${base}.other.example`];
    if (base === payer) hosts.push(base.replace('/r4', '/R4'));
    for (const host of hosts) {
      for (const rest of ['', '/', '?', '/Patient/1']) {
        const text = `{"reference":"${host}${rest}"}`.padEnd(200);
        expect(rewrite(text, [base])).toEqual({ text, foreignLinks: 1 });
      }
    }
  });
});

describe('how a link may be spelled', () => {
  it.each([
    ['scheme and host', '{"reference":"HTTPS://Payer.EXAMPLE/r4/Patient/1"}', '/Patient/1"}'],
    ['slashes', String.raw`{"reference":"https:\/\/payer.example\/r4\/Patient\/1"}`, String.raw`\/Patient\/1"}`],
    ['letters', String.raw`{"reference":"\u0068ttps://payer.ex\u0061mple/r4/Patient/1"}`, '/Patient/1"}'],
    ['the end', String.raw`{"reference":"https://payer.example/r\u0034\u003Fa=\u0026"}`, String.raw`\u003Fa=\u0026"}`],
    ['all of it', `{"reference":"${payer.replace(/./g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)}"}`, '"}'],
  ])('compares the decoded string where %s are escaped, and changes only the prefix', (_, text, rest) => {
    expectEverywhere(text, { text: `{"reference":"${gateway}${rest}`, foreignLinks: 0 });
  });

  it.each<Document>([
    ...[
      String.raw`\u0072eference`,
      String.raw`ful\u006cUrl`,
      String.raw`full\u0055rl`,
      String.raw`referen\u0063\u0065`,
    ].map((key): Document => [`under the key ${key}`, `{"${key}" : "@/Patient/1"}`]),
    [
      'under other keys with escapes',
      String.raw`{"l\u0069nk":[{"\u0075r\u006C":"@"}],"respons\u0065":{"l\u006fcation":"@/a"}}`,
    ],
    ...[String.raw`\"reference`, String.raw`\\\"reference`, String.raw`x\"reference`, 'xreference', 'references'].map(
      (key): Document => [`not under the longer key ${key}`, `{"${key}":"~/Patient/1"}`],
    ),
    [
      'not under longer keys in a link',
      String.raw`{"entry":{"link":{"x\"url":"~","urlurlurlurl":"~","\u0075r\u006c\u006c":"~"}}}`,
    ],
    [
      'after a string that looks like a key',
      '{"a":"url","reference":"@/x","b":["link","reference"],"c":"response" , "fullUrl"\n:\t"@/y"}',
    ],
    [
      'between white space, decimals, repeated keys and after a byte order mark, which stay',
      '\uFEFF \r\n{ "value" : 1.00 ,"reference"\n:\r\n"@/a"\t,"reference":"@/b","n":-1.50e+10,"t":[true,null,{}] }\n',
    ],
    ['beyond ASCII', '{"display":"Zoë 日本 \u{1F600}","reference":"@/Patient/日本","fullUrl":"https://日本"}', 1],
    [
      'at length',
      `{"reference":"@/Patient/${'a'.repeat(300)}","fullUrl":"http://other.example/${'a'.repeat(300)}"}`,
      1,
    ],
    ['in one document after another', '{"reference":"@/a"}\n{"link":[{"url":"@/b"}]}\n[{"fullUrl":"@"}]\n'],
    [
      'beside values that are no strings',
      '{"reference":{"reference":"@/a"},"url":1,"link":"@","response":null,"fullUrl":["~"],"link":[true,[{"url":"@"}]]}',
    ],
  ])('%s', (_what, template, foreignLinks = 0) => {
    expectRewritten(template, foreignLinks);
  });

  it('writes a base that needs escapes in JSON', () => {
    expect(JSON.parse(rewrite(`{"reference":"${payer}/a"}`, [payer], 'https://g.example/"x"/').text)).toEqual({
      reference: 'https://g.example/"x"/a',
    });
  });

  it('without bases changes nothing, and still counts', () => {
    const relative = `"a":{"reference":"/Patient/1"},"b":{"reference":"?a=b"},"c":{"reference":""}`;
    const text = `{"reference":"${payer}/a","url":"${payer}/Binary/1",${relative},"d":{"reference":"undefined/x"}}`;
    expectEverywhere(text, { text, foreignLinks: 1 }, []);
    expectEverywhere(text, { text, foreignLinks: 1 }, ['', '/']);
  });
});

describe('links to pages', () => {
  const isElsewhere = (url: string): boolean => /elsewhere|other\.example/.test(url);
  const sealedOf = (url: string): string => `${gateway}?_link=${Buffer.from(url).toString('base64url')}`;
  const seal = (url: string): string | undefined => (isElsewhere(url) ? undefined : sealedOf(url));
  const pages = { restOf: (url: string) => (isElsewhere(url) ? undefined : url), seal: sealedOf };
  const sealing = (chunks: readonly Uint8Array[]) => {
    const rewriter = createLinkRewriter({ from: [payer], to: gateway, pages });
    const text = Buffer.concat([...chunks.flatMap((chunk) => rewriter.push(chunk)), ...rewriter.end()]).toString(
      'utf8',
    );
    return { text, foreignLinks: rewriter.foreignLinks, unsealedLinks: rewriter.unsealedLinks };
  };
  /** What the oracle writes, whole and however it is cut. */
  const everywhere = (source: string) => {
    const expected = rewriteSlowly(source, [payer], gateway, seal);
    const bytes = Buffer.from(source, 'utf8');
    expect(sealing([bytes])).toEqual(expected);
    expect(sealing(inChunks(source, 1))).toEqual(expected);
    for (const chunks of cutEverywhere(bytes)) {
      const result = sealing(chunks);
      const first = chunks[0]?.length;
      if (!isDeepStrictEqual(result, expected)) expect({ first, ...result }).toEqual({ first, ...expected });
    }
    return expected;
  };
  const lost = `${gateway}?_link=unavailable`;
  const bundle = (...links: object[]) => JSON.stringify({ resourceType: 'Bundle', link: links, entry: [] });
  const linksOf = (text: string) =>
    (JSON.parse(text) as { link: { relation?: string; url: string }[] }).link.map(({ url }) => url);

  it.each([
    `${payer}/Observation?_page=2`,
    `${payer}?_getpages=a-b&x=1`,
    payer,
    ...words('?_page=2 Observation?_page=2 /r4/Observation?_page=2 //payer.example/r4?_page=2'),
    `${payer}/Observation?name=Zoë 日本 \u{1F600}&x="\\`,
    `${payer}/x?${'a'.repeat(4900)}`,
  ])('are sealed as a whole: %j', (url) => {
    for (const relation of ['next', 'previous', 'first', 'last', 'selfish', 'SELF', '']) {
      const { text, unsealedLinks } = everywhere(bundle({ relation, url }));
      expect(linksOf(text)).toEqual([seal(url)]);
      expect(unsealedLinks).toBe(0);
    }
  });

  it('are decoded before they are sealed', () => {
    const source = String.raw`{"link":[{"relation":"next","url":"https:\/\/payer.example\/r4?a=1\u0026b=\u00e9\ud83d\ude00\"\\"}]}`;
    expect(linksOf(everywhere(source).text)).toEqual([seal(`${payer}?a=1&b=é\u{1F600}"\\`)]);
  });

  it('stay readable only if the relation self was read before them', () => {
    const url = `${payer}/Observation?code=x`;
    const ours = `${gateway}/Observation?code=x`;
    const { text } = everywhere(
      bundle(
        { relation: 'self', url },
        { url, relation: 'self' },
        { relation: 'next', url },
        { relation: ['self'], url },
        { relation: 'self', extension: [{ relation: 'next', url }], url },
      ),
    );
    expect(linksOf(text)).toEqual([ours, seal(url), seal(url), seal(url), ours]);
    const repeated = `{"link":[{"relation":"self","relation":"next","url":"${url}"},{"relation":"s\\u0065lf","url":"${url}"}]}`;
    expect(linksOf(everywhere(repeated).text)).toEqual([seal(url), ours]);
  });

  it.each<[what: string, form: (url: string, relation: string) => object | string]>([
    ['a map', (url, relation) => ({ [relation]: url })],
    ['a map of objects', (url, relation) => ({ [relation]: { href: url } })],
    ['a list of maps', (url, relation) => [{ [relation]: [url] }]],
    ['href and rel', (url, relation) => [{ rel: relation, href: url }]],
    ['a name that nobody knows', (url, relation) => [{ relation, uri: { of: url } }]],
    ['one object', (url, relation) => ({ relation, href: url })],
    ['one URL', (url) => url],
  ])('are sealed in any form: %s', (_what, form) => {
    const own = (url: string, relation: string) => JSON.stringify({ link: form(url, relation), entry: [] });
    const spelledOtherwise = [
      '//payer.example/r4?_page=2',
      'https://payer.example:443/r4?a',
      `${' '.repeat(200)}${payer}?a`,
    ];
    for (const url of [`${payer}/Observation?_page=2`, ...spelledOtherwise]) {
      expect(everywhere(own(url, 'next')).text).toBe(own(seal(url)!, 'next'));
    }
    expect(everywhere(own(`${payer}?a`, 'self')).text).not.toContain(payer);
    for (const url of spelledOtherwise) {
      expect(everywhere(own(url, 'self'))).toEqual({
        text: own(seal(url)!, 'self'),
        foreignLinks: 0,
        unsealedLinks: 0,
      });
    }
    expect(everywhere(own('https://elsewhere.example', 'next')).foreignLinks).toBe(1);
  });

  it('are sealed as relative URLs in a map, where a relation says that they are one', () => {
    const { text } = everywhere('{"link":{"next":"?page=2","other":"?page=2","self":"?page=1"}}');
    expect(JSON.parse(text)).toEqual({ link: { next: seal('?page=2'), other: '?page=2', self: '?page=1' } });
  });

  it('to other hosts pass and are counted as foreign', () => {
    const url = 'https://elsewhere.example/next';
    expect(everywhere(bundle({ relation: 'next', url }))).toMatchObject({ foreignLinks: 1, unsealedLinks: 0 });
    expect(linksOf(everywhere(bundle({ relation: 'next', url })).text)).toEqual([url]);
  });

  it('are not references, fullUrls, Binaries or urls outside a link', () => {
    const source = JSON.stringify({
      url: `${payer}/Binary/1`,
      relation: 'next',
      entry: [{ fullUrl: `${payer}/Patient/1`, resource: { generalPractitioner: { reference: `${payer}/X/1` } } }],
      response: { location: `${payer}/Patient/1` },
    });
    expect(everywhere(source).text).toBe(source.replaceAll(payer, gateway));
  });

  it("of up to 5,000 bytes are sealed; longer ones get the gateway's base or become a link to `unavailable`, and are counted", () => {
    const fits = (length: number, filler = 'a') => {
      const filled = filler.repeat(Math.floor((length - payer.length - 1) / Buffer.byteLength(filler)));
      return `${payer}?${filled}${'a'.repeat(length - payer.length - 1 - Buffer.byteLength(filled))}`;
    };
    for (const filler of ['a', 'é', '"', '\u{1F600}']) {
      const [longest, tooLong] = [fits(5000, filler), fits(5001, filler)];
      const { text, unsealedLinks } = everywhere(
        bundle(
          { url: longest },
          { url: tooLong },
          { url: `${tooLong.replace('https:', '')}aaaaaa` },
          { url: `?${'a'.repeat(5000)}` },
        ),
      );
      expect(linksOf(text)).toEqual([seal(longest), tooLong.replace(payer, gateway), lost, `?${'a'.repeat(5000)}`]);
      expect(unsealedLinks).toBe(3);
    }
    const escaped = (length: number) => `{"link":{"url":"${fits(length).replace(/a/g, '\\u0061')}"}}`;
    expect(everywhere(escaped(5000)).text).toContain('_link=');
    expect(everywhere(escaped(5001))).toMatchObject({ unsealedLinks: 1 });
    expect(everywhere(escaped(5001)).text).not.toContain('_link=');
    const foreign = `https://other.example?${'a'.repeat(5000)}`;
    expect(everywhere(bundle({ url: foreign }))).toMatchObject({ foreignLinks: 1, unsealedLinks: 0 });
  });

  it('hold back no more than 5,000 bytes, of escapes six times that', () => {
    for (const [letter, most] of [
      ['a', 5000],
      [String.raw`\u0061`, 30_000],
    ] as const) {
      const rewriter = createLinkRewriter({ from: [payer], to: gateway, pages });
      let [given, taken, held] = [0, 0, 0];
      const push = (text: string) => {
        given += text.length;
        for (const bytes of rewriter.push(Buffer.from(text))) taken += bytes.length;
        held = Math.max(held, given - taken);
      };
      push('{"link":[{"url":"//elsewhere');
      for (let i = 0; i < 20_000; i++) push(letter);
      expect(held).toBeLessThanOrEqual(most);
      expect(held).toBeGreaterThan(most * 0.9);
      expect(given).toBe(taken);
    }
  });

  it('that are cut off or malformed pass unchanged', () => {
    for (const source of [
      `{"link":[{"url":"${payer}?a`,
      `{"link":[{"relation":"se`,
      String.raw`{"link":[{"url":"x\u00`,
      String.raw`{"link":[{"url":"x\q"},{"relation":"next"}]}`,
      '{"link":[{"url":"x\ny"}]}',
    ]) {
      for (const size of [1, 3, 1000]) expect(sealing(inChunks(source, size)).text).toBe(source);
    }
  });
});

describe('input that is not JSON', () => {
  it.each([
    ['HTML', `<html><script>x = {"reference":"${payer}/Patient/1"}</script></html>`],
    ['text', `see "reference":"${payer}/Patient/1"`],
    ['a lone string', `"${payer}/Patient/1"`],
    ['a bracket too many under a link', `{"link":[{]}, {"url":"${payer}"}]}`],
    ['a missing colon', `{"link":{"url" "${payer}"}}`],
    ['a missing key', `{"link":{,"url":"${payer}"}}`],
    ['a comma before the first key', `{"link":{,"fullUrl":"${payer}"}}`],
    ['a key without a value', `{"link":{"a","url":"${payer}"}}`],
    ['a colon after a value', `{"link":{"a":1:"url":"${payer}"}}`],
    ["a comma before an array's end", `{"link":[1,],"reference":"${payer}"}`],
    ['an array that ends an object of an array', `{"link":[{"a":1],{"url":"${payer}"}]}`],
    ['an object that ends an array', `{"link":{"a":[1},"url":"${payer}"}}`],
    ['a bare word', `{"link":{"a":b,"url":"${payer}"}}`],
    ['two values', `{"link":{"a":1 "url":"${payer}"}}`],
    ['a comma before the end', `{"link":{"a":1,},"link":{"url":"${payer}"}}`],
    ['an array that ends an object', `{"link":[{"a":1],"url":"${payer}"}]`],
    [
      'an unknown escape',
      String.raw`{"reference":"https://payer.example\q/r4/x","fullUrl":"https:\u00zz//payer.example/r4"}`,
    ],
    ['an open string', `{"reference":"https://payer.exam`],
    ['an open escape', String.raw`{"reference":"https:\u00`],
    ['an open key', `{"link":{"ur`],
    ['nothing', ''],
    ['white space', ' \n'],
  ])('passes %s unchanged', (_, text) => {
    const { foreignLinks } = rewrite(text);
    expectEverywhere(text, { text, foreignLinks });
  });

  it('never throws, whatever the bytes', () => {
    const random = numbersFrom(99);
    for (let run = 0; run < 300; run++) {
      const bytes = Buffer.from(Array.from({ length: 200 }, () => '{}[]",:\\ u0a1'.charCodeAt(random(13))));
      expect(rewriteBytes([bytes.subarray(0, 90), bytes.subarray(90)]).text).toBe(bytes.toString());
    }
  });
});

describe('what it costs', () => {
  it('returns an unchanged chunk itself', () => {
    const rewriter = createLinkRewriter({ from: [payer], to: gateway });
    for (const chunk of [
      Buffer.from('{"a":"b","reference":"Patient/1 and more of a long text that goes on and on, and on",'),
      Buffer.from('"c":1}'),
      new Uint8Array([32]),
    ]) {
      const out = rewriter.push(chunk);
      expect(out).toHaveLength(1);
      expect(out[0]).toBe(chunk);
    }
    expect(rewriter.push(new Uint8Array())).toEqual([]);
    expect(rewriter.end()).toEqual([]);
  });

  it('holds back only a link that is undecided, however long it is', () => {
    const rewriter = createLinkRewriter({ from: [payer], to: gateway });
    let given = 0;
    let taken = 0;
    let most = 0;
    const push = (text: string) => {
      given += text.length;
      for (const bytes of rewriter.push(Buffer.from(text))) taken += bytes.length;
      most = Math.max(most, given - taken);
    };
    push('{"reference":"');
    for (let i = 0; i < 1000; i++) push(String.raw`\u0068`);
    expect(most).toBeLessThanOrEqual(6 * (payer.length + 14));
    expect(given).toBe(taken);
  });

  it('releases a link as soon as its characters decide it', () => {
    const deciding = `${payer}////////Binary/`.length;
    for (const [characters, held] of [1, deciding - 1, deciding, deciding + 1].map((n) => [n, n < deciding ? n : 0])) {
      const rewriter = createLinkRewriter({ from: [payer], to: gateway });
      rewriter.push(Buffer.from('{"url":"'));
      const out = Buffer.concat(rewriter.push(Buffer.from('x'.repeat(characters!))));
      expect({ characters, held: characters! - out.length }).toEqual({ characters, held });
    }
  });

  it('accepts a chunk that is a view of a larger buffer, and does not change it', () => {
    const text = `xx{"reference":"${payer}/a"}yy`;
    const bytes = new TextEncoder().encode(text);
    expect(rewriteBytes([bytes.subarray(2, -2)]).text).toBe(`{"reference":"${gateway}/a"}`);
    expect(new TextDecoder().decode(bytes)).toBe(text);
  });

  it.each([
    ['name', String.raw`{"\x":"","re\ference":"","\u00zzrl":""}`],
    ['link', String.raw`{"reference":"\x\h\q\u00zz","url":"https:\u00\/\/","fullUrl":"\'"}`],
  ])(
    'a bad escape in a %s is found without an error of the parser, which would take a hundred times as long',
    (_, text) => {
      const parse = jest.spyOn(JSON, 'parse');
      try {
        expectEverywhere(text, { text, foreignLinks: 0 });
        expect(parse.mock.results.filter(({ type }) => type === 'throw')).toEqual([]);
      } finally {
        parse.mockRestore();
      }
    },
  );

  it('handles hostile nesting in constant memory', () => {
    const open = '{"link":['.repeat(200_000);
    const rewriter = createLinkRewriter({ from: [payer], to: gateway });
    for (const chunk of inChunks(open + ']}'.repeat(200_000), 65_536)) expect(rewriter.push(chunk)[0]).toBe(chunk);
    expect(Buffer.concat(rewriter.push(Buffer.from(`\n{"link":{"url":"${payer}"}}`))).toString()).toBe(
      `\n{"link":{"url":"${gateway}"}}`,
    );
    const deep = (base: string) =>
      `{"link":${'[{"a":"]\\"}","b":'.repeat(70)}1${'}]'.repeat(70)},"reference":"${base}"}`;
    expectEverywhere(deep(payer), { text: deep(gateway), foreignLinks: 0 });
    const deeper = (base: string) =>
      `{"link":${'[{"url":'.repeat(500)}"${payer}"${'}]'.repeat(500)},"reference":"${base}"}`;
    expect(rewrite(deeper(payer)).text).toBe(deeper(gateway));
  });

  it('counts levels only under a link or a response', () => {
    for (const key of ['reference', 'fullUrl', 'url', 'location', 'a']) {
      const text = (base: string) => `{"${key}":${'['.repeat(200)}{"reference":"${base}"}${']'.repeat(200)}}`;
      expectEverywhere(text(payer), { text: text(gateway), foreignLinks: 0 });
    }
  });

  it('streams one string of 2 MB, with and without escapes, and finds the link behind it', () => {
    for (const unit of [
      'A'.repeat(64),
      String.raw`\"`.repeat(32),
      String.raw`\\`.repeat(32),
      String.raw`\u0068`.repeat(10),
      '"reference"'.replaceAll('"', String.raw`\"`).repeat(4),
    ]) {
      for (const around of [
        (s: string) => `{"data":"${s}","reference":"`,
        (s: string) => `{"link":{"data":"${s}"},"reference":"`,
      ]) {
        const head = Buffer.from(around(unit.repeat((2 * 1024 * 1024) / unit.length)));
        const rewriter = createLinkRewriter({ from: [payer], to: gateway });
        let length = 0;
        for (let at = 0; at < head.length; at += 65_536) {
          for (const bytes of rewriter.push(head.subarray(at, at + 65_536))) length += bytes.length;
        }
        expect(length).toBe(head.length);
        expect(Buffer.concat(rewriter.push(Buffer.from(`${payer}/a"}`))).toString()).toBe(`${gateway}/a"}`);
      }
    }
  });
});

describe('random documents', () => {
  it('are rewritten as a slow parser rewrites them, wherever a chunk ends', () => {
    let cuts = 0;
    for (let number = 100_000; number < 101_000; number += 1) cuts += judgeDocument(number).cuts;

    expect(cuts).toBeGreaterThan(50_000);
  });
});
