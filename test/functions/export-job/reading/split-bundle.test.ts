import fc from 'fast-check';
import { pageBounds } from '../../../../functions/export-job/reading/split-bundle.ts';
import { UnreadablePage } from '../../../../functions/export-job/reading/unreadable-page.ts';
import { bundleOf, collecting, linesOf, spell, split, splitFile } from './bundles.ts';

const observation = (id: string, rest = '') => `{"resourceType":"Observation","id":"${id}"${rest}}`;

const faultOf = (act: () => unknown): unknown => {
  try {
    act();
  } catch (error) {
    if (error instanceof UnreadablePage) return error.fault;
    throw error;
  }
  return undefined;
};

describe('splitting a Bundle', () => {
  it("keeps the payer's bytes but for white space between tokens", () => {
    const compact = String.raw`{"b":1.00,"resourceType":"Observation","a":"x \u0026 \/ \" y","id":"1","c":[1,-0,1e5,true,null,{"d":""}]}`;
    const spaced = compact.replaceAll(/(?<=[,:[{}\]])(?=["\d[{tn-])/g, ' \r\n\t');
    expect(spaced).not.toBe(compact);
    expect(linesOf(split(bundleOf([spaced])))).toEqual([compact]);
  });

  it('tells type, id, mode, references and attachments of each resource', () => {
    const json = `{"resourceType":"DocumentReference","subject":{"reference":"Patient/1"},"content":[{"attachment":{"url":"Binary/1"}}]}`;
    const { items } = split(
      `{"resourceType":"Bundle","entry":[
        {"fullUrl":"x","resource":${json},"search":{"mode":"include"}},
        {"search":{"mode":"outcome"},"resource":{"resourceType":"OperationOutcome"}},
        {"resource":${observation('2')}}]}`,
    );
    expect(items).toMatchObject([
      {
        type: 'DocumentReference',
        id: undefined,
        mode: 'include',
        references: ['Patient/1'],
        attachments: ['Binary/1'],
      },
      { type: 'OperationOutcome', mode: 'outcome' },
      { type: 'Observation', id: '2', mode: 'match', references: [], attachments: [] },
    ]);
  });

  it("tells the page's next links, its total, and how many entries it has", () => {
    const links = `[{"relation":"self","url":"s"},{"relation":"next","url":"n?a=1\\u0026b=2"},{"relation":"next"}]`;
    const { info } = split(
      `{"link":${links},"total":12,"entry":[{"resource":${observation('1')}},{},{"resource":null},7],"resourceType":"Bundle"}`,
    );
    expect(info).toEqual({ next: ['n?a=1&b=2', ''], self: 's', total: 12, entries: 4 });
    expect(split('{"resourceType":"Bundle"}').info).toEqual({ next: [], total: undefined, entries: 0 });
    expect(split('{"resourceType":"Bundle","total":"7","entry":null}').info).toMatchObject({ total: 7, entries: 0 });
    const one = split('{"resourceType":"Bundle","link":{"relation":" NEXT","url":"n"}}').info;
    expect(one.next).toEqual(['n']);
  });

  it.each([
    ['"link":{"relation":"next","href":"n"}', { next: ['n'] }],
    ['"link":[{"rel":"next","url":"n"}]', { next: ['n'] }],
    ['"link":[{"relation":["self","next"],"url":"n"}]', { next: ['n'], self: 'n' }],
    ['"link":{"self":"s","next":"n"}', { next: ['n'], self: 's' }],
    ['"link":[{"relation":"Self","url":"s"},{"relation":"self","url":"t"}]', {}],
    ['"link":{"next":{"href":"n"}}', { next: ['n'] }],
    ['"link":["n",{"relation":"next","url":"m"}]', { next: ['m'] }],
    ['"link":[{"relation":"next","url":7}]', { next: [''] }],
    ['"link":{}', {}],
    ['"link":[null]', {}],
    ['"link":{"self":"s","next":null}', { self: 's' }],
    ['"link":[{"relation":"self","rel":"next","url":"n"}]', { next: ['n'], self: 'n' }],
    ['"link":[{"relation":"self","url":"s","next":"n"}]', { self: 's', unreadable: 'links' }],
    ['"link":"n"', { unreadable: 'links' }],
    ['"link":["n"]', { unreadable: 'links' }],
    ['"link":[{"url":"n"}]', { unreadable: 'links' }],
    ['"link":[{"relation":{"code":"next"},"url":"n"}]', { unreadable: 'links' }],
    ['"link":{"next":7}', { unreadable: 'links' }],
    ['"link":true', { unreadable: 'links' }],
    ['"total":" 3 "', { total: 3 }],
    ['"total":3.0', { total: 3 }],
    ['"total":null', {}],
    ['"total":-1', { unreadable: 'total' }],
    ['"total":2.5', { unreadable: 'total' }],
    ['"total":"many"', { unreadable: 'total' }],
    ['"total":[3]', { unreadable: 'total' }],
  ])('reads what has one plain meaning, and says what it cannot read: %s', (member, expected) => {
    const usual = { next: [], total: undefined, entries: 0 };
    expect(split(`{"resourceType":"Bundle",${member}}`).info).toEqual({ ...usual, ...expected });
  });

  it('reads the relation of a link in time that does not grow with the square of its length', () => {
    const began = process.cpuUsage();
    const relation = ' '.repeat(60_000);
    expect(split(`{"resourceType":"Bundle","link":[{"relation":"${relation}x","url":"n"}]}`).info.next).toEqual([]);
    // It took 16 s.
    expect(process.cpuUsage(began).user / 1e6).toBeLessThan(3);
  });

  it('accepts a byte order mark', () => {
    expect(linesOf(split(`\uFEFF${bundleOf([observation('1')])}`))).toEqual([observation('1')]);
  });

  it('knows its members in any spelling', () => {
    const escaped = (name: string) =>
      name.replaceAll(/./g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
    const names = /"(?<name>resourceType|link|total|entry|resource|search)":/g;
    const text = `{"resourceType":"Bundle","total":1,"link":[{"relation":"next","url":"n"}],"entry":[{"search":{"mode":"include"},"resource":{"resourceType":"Observation","id":"1"}}]}`;
    const { items, info } = split(text.replaceAll(names, (_, name: string) => `"${escaped(name)}":`));
    expect(info).toEqual({ next: ['n'], total: 1, entries: 1 });
    expect(items).toMatchObject([{ type: 'Observation', id: '1', mode: 'include' }]);
  });

  it('reads entries of a Bundle only, not of a Bundle inside it', () => {
    const inner = bundleOf([observation('inner')]);
    expect(linesOf(split(bundleOf([inner])))).toEqual([inner]);
    expect(linesOf(split(`{"resourceType":"Bundle","x":${inner},"entry":[]}`))).toEqual([]);
  });

  it('agrees with JSON.parse on any Bundle in any spelling, cut anywhere', () => {
    const resource = fc
      .tuple(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })), fc.option(fc.string({ minLength: 1 })))
      .map(([rest, id]) => {
        const { resourceType: _, id: __, ...others } = rest;
        return Object.assign(others, { resourceType: 'Basic' }, id === null ? {} : { id });
      });
    fc.assert(
      fc.property(
        fc.array(resource, { maxLength: 4 }),
        fc.integer({ min: 1, max: 2 ** 31 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        (resources, seed, cuts) => {
          const spellings = resources.map((json, index) => spell(json, seed + index));
          const text = ` {"resourceType": "Bundle" , "meta":${spell(resources, seed).spaced}, "entry" :[${spellings
            .map(({ spaced }) => `{"x":[],"resource":${spaced},"search":{}}`)
            .join(' , ')}]\n}\n`;
          const answer = split(text, { cuts });
          expect(linesOf(answer)).toEqual(spellings.map(({ compact }) => compact));
          const parsed = (JSON.parse(text) as { entry: { resource: { id?: string } }[] }).entry;
          expect(answer.items.map((item) => (item.skipped === undefined ? item.resource : undefined))).toEqual(
            parsed.map((entry) => entry.resource),
          );
          expect(answer.items.map((item) => item.id)).toEqual(parsed.map((entry) => entry.resource.id));
          const lines = spellings.map(({ compact, spaced }, index) =>
            index % 2 === 0 ? compact : spaced.replaceAll('\n', ' '),
          );
          expect(splitFile(lines)).toEqual(answer.items);
          expect(splitFile(lines, { cuts })).toEqual(answer.items);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('finds the same in every cut into two', () => {
    const text = bundleOf(
      [
        observation('1', String.raw`,"a":"\\","b":"\"{","c":"é\u00e9"`),
        observation('2'),
        '{"resourceType":"B" , "x" : [ ] }',
      ],
      ',"link":[{"relation":"next","url":"n"}]',
    );
    const whole = split(text);
    expect(linesOf(whole)).toHaveLength(3);
    for (let cut = 0; cut <= Buffer.byteLength(text); cut++) expect(split(text, { cuts: [cut] })).toEqual(whole);
    expect(split(text, { cuts: Array.from({ length: Buffer.byteLength(text) }, (_, at) => at) })).toEqual(whole);
  });
});

describe('what is no page', () => {
  const whole = bundleOf([observation('1', ',"a":[1,{"b":"c"}]'), observation('2')]);

  it('refuses an answer that is cut off anywhere, and has returned whole resources only', () => {
    for (let length = 0; length < whole.length; length++) {
      const { splitter, items } = collecting();
      splitter.push(Buffer.from(whole.slice(0, length)));
      expect(faultOf(() => splitter.end())).toBe('truncated');
      for (const item of items) expect(whole).toContain(item.skipped ?? item.line.toString());
    }
  });

  it.each([
    ['HTML', '<!DOCTYPE html><html></html>', 'notJson'],
    ['a list', '[{"resourceType":"Bundle"}]', 'notJson'],
    ['a text', '"Bundle"', 'notJson'],
    ['nothing', '', 'truncated'],
    ['another byte after the end', `${whole}x`, 'notJson'],
    ['a second document', `${whole}{}`, 'notJson'],
    ['a comma too many', '{"resourceType":"Bundle",}', 'notJson'],
    ['no comma', '{"resourceType":"Bundle" "entry":[]}', 'notJson'],
    ['no colon', '{"resourceType" "Bundle"}', 'notJson'],
    ['no value', '{"resourceType":}', 'notJson'],
    ['a key without quotes', '{resourceType:"Bundle"}', 'notJson'],
    ['a key with a bad escape', String.raw`{"resource\Type":"Bundle"}`, 'notJson'],
    ['a comma too many between entries', '{"resourceType":"Bundle","entry":[{},]}', 'notJson'],
    ['the wrong bracket', '{"resourceType":"Bundle","entry":[{}}]', 'notJson'],
    ['the wrong bracket at its end', '{"resourceType":"Bundle"]', 'notJson'],
    ['entries that are no list', '{"resourceType":"Bundle","entry":{"resource":{}}}', 'notList'],
    ['entries that are a text', '{"resourceType":"Bundle","entry":"none"}', 'notList'],
    ['a link that is not JSON', '{"resourceType":"Bundle","link":[{"a":tru}]}', 'notJson'],
    ['two lists of entries', '{"resourceType":"Bundle","entry":[],"entry":[]}', 'repeatedKey'],
    [
      'two lists of entries, one spelled otherwise',
      String.raw`{"resourceType":"Bundle","entry":[],"\u0065ntry":[]}`,
      'repeatedKey',
    ],
    ...[
      '"link":[{"relation":"next","url":"https://x","relation":"self"}]',
      '"meta":{"security":[{"code":"REDACTED"}],"security":[]}',
      '"entry":[{"search":{"mode":"match","mode":"outcome"}}]',
      '"entry":[{"search":{"mode":"match"},"search":{"mode":"outcome"}}]',
      '"entry":[{"response":{"outcome":{"issue":[{}],"issue":[]}}}]',
    ].map((member) => [`a member twice in ${member}`, `{"resourceType":"Bundle",${member}}`, 'repeatedKey']),
    [
      'links of more than 64 KB',
      `{"resourceType":"Bundle","link":[{"relation":"next","url":"${'x'.repeat(65_536)}"}]}`,
      'linksTooLong',
    ],
    ['a type of more than 64 KB', `{"resourceType":"${'x'.repeat(65_536)}"}`, 'notBundle'],
    ['no type', '{"entry":[]}', 'notBundle'],
    ['a type that is no text', '{"resourceType":["Bundle"]}', 'notBundle'],
  ])('names %s', (_, text, fault) => {
    expect(faultOf(() => split(text))).toBe(fault);
  });

  it('reports what came in place of a Bundle, and reads none of its entries', () => {
    const issue = [{ severity: 'error', code: 'forbidden' }];
    const text = `{"resourceType":"OperationOutcome","issue":${JSON.stringify(issue)},"entry":[{"resource":${observation('1')}}]}`;
    const { splitter, items } = collecting();
    splitter.push(Buffer.from(text));
    expect(items).toEqual([]);
    expect(() => splitter.end()).toThrow(
      expect.objectContaining({ fault: 'notBundle', outcome: { resourceType: 'OperationOutcome', issue } }),
    );
  });
});

describe('a page', () => {
  const page = '{"resourceType":"Bundle","entry":[{},{},{}]}';
  const least = { entries: 3, members: 2, bytes: page.length };

  it('is read if it is as large as it may be', () => {
    expect(split(page, { bounds: least }).info.entries).toBe(3);
  });

  it.each([
    ['entries', 'tooManyEntries'],
    ['members', 'tooManyMembers'],
    ['bytes', 'tooLarge'],
  ] as const)('is refused if it has one more of its %s than it may', (bound, fault) => {
    expect(faultOf(() => split(page, { bounds: { ...least, [bound]: least[bound] - 1 } }))).toBe(fault);
  });

  // As the sentences of the error file state them.
  it('may have a million entries, a thousand members and 2 GB', () => {
    expect(pageBounds).toEqual({ entries: 1e6, members: 1e3, bytes: 2e9 });
  });
});

describe('a resource that is skipped', () => {
  it.each([
    [499_996, undefined],
    [499_997, 'tooMany'],
  ])('is one of more than 500,000 names, values and brackets: four and %i', (zeros, skipped) => {
    const json = `{"resourceType":"Basic","a":[${'0,'.repeat(zeros - 1)}0]}`;
    expect(split(json, { of: 'read' }).items).toMatchObject([skipped === undefined ? { type: 'Basic' } : { skipped }]);
  });

  const alone = (json: string, mostBytes?: number) =>
    split(bundleOf([json, observation('next')]), mostBytes === undefined ? {} : { mostBytes }).items;
  const next = expect.objectContaining({ id: 'next' });

  it.each([
    ['a line break in a string', observation('1', ',"a":"x\ny"'), 'notJson'],
    ['a control character in a string', observation('1', ',"a":"x\u0001y"'), 'notJson'],
    ['a bad number', observation('1', ',"a":01'), 'notJson'],
    ['a bad escape', observation('1', String.raw`,"a":"\x"`), 'notJson'],
    ['brackets that do not match', observation('1', ',"a":[}'), 'notJson'],
    ['a member twice', observation('1', ',"a":1,"a":2'), 'repeatedKey'],
    [
      'a member twice, deeper, spelled otherwise',
      observation('1', String.raw`,"a":[{"b":1,"\u0062":2}]`),
      'repeatedKey',
    ],
    ['more levels than FHIR has', observation('1', `,"a":${'['.repeat(200)}${']'.repeat(200)}`), 'tooDeep'],
  ])('is named with type and id: %s', (_, json, skipped) => {
    const items = [{ skipped, mode: 'match', type: 'Observation', id: '1' }, next];
    expect(alone(json)).toEqual(items);
    expect(splitFile([json.replace('\n', '\r'), observation('next')])).toEqual(items);
  });

  it('is one whose bytes are not UTF-8', () => {
    const bytes = Buffer.from(bundleOf([observation('1', ',"a":"\u0080"'), observation('next')]));
    bytes[bytes.indexOf(0xc2)] = 0xff;
    expect(split(bytes).items).toEqual([{ skipped: 'notJson', mode: 'match', type: 'Observation', id: '1' }, next]);
  });

  it('is one without a type, or none at all', () => {
    expect(alone('{"id":"1"}')).toEqual([{ skipped: 'notResource', mode: 'match', id: '1' }, next]);
    expect(alone('{"resourceType":1,"id":"1"}')).toEqual([{ skipped: 'notResource', mode: 'match', id: '1' }, next]);
    expect(alone('"text"')).toEqual([{ skipped: 'notResource', mode: 'match' }, next]);
  });

  it('survives a million levels', () => {
    for (const levels of [1_000_000, 100_000]) {
      const deep = observation('1', `,"a":${'['.repeat(levels)}${']'.repeat(levels)}`);
      const items = [{ skipped: 'tooDeep', mode: 'match', type: 'Observation', id: '1' }, next];
      expect(alone(deep)).toEqual(items);
      expect(splitFile([deep, observation('next')])).toEqual(items);
    }
  });

  it('may have as many bytes as its limit, white space not counted, and not one more', () => {
    const json = observation('1', `,"a":"${'x'.repeat(100)}"`);
    const spaced = json.replaceAll(',', '   ,   ');
    expect(alone(spaced, json.length)).toEqual([expect.objectContaining({ line: Buffer.from(json) }), next]);
    const items = [{ skipped: 'tooLarge', mode: 'match', type: 'Observation', id: '1' }, next];
    expect(alone(spaced, json.length - 1)).toEqual(items);
    expect(splitFile([json, observation('next')], { mostBytes: json.length - 1 })).toEqual(items);
  });

  it('is too large with 20 MB, which are not held', () => {
    const { splitter, items } = collecting();
    const piece = Buffer.alloc(64 * 1024, 'x');
    splitter.push(
      Buffer.from('{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Binary","id":"b","data":"'),
    );
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    for (let bytes = 0; bytes < 20_000_000; bytes += piece.length) {
      splitter.push(piece);
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    splitter.push(Buffer.from('"}}]}'));
    expect(items).toEqual([{ skipped: 'tooLarge', mode: 'match', type: 'Binary', id: 'b' }]);
    expect(splitter.end().entries).toBe(1);
    expect(most).toBeLessThan(1_000_000);
  });

  it.each([
    ['a line break', '\n'],
    ['a bad escape', String.raw`\x`],
  ])('is one of 300 KB with %s in a long string', (_, inside) => {
    const json = observation('1', `,"a":"${'x'.repeat(300_000)}${inside}"`);
    expect(alone(json)).toEqual([{ skipped: 'notJson', mode: 'match', type: 'Observation', id: '1' }, next]);
  });

  it('is an entry that has two', () => {
    const entry = `{"resource":${observation('1')},"resource":${observation('2')}}`;
    expect(split(`{"resourceType":"Bundle","entry":[${entry}]}`).items).toEqual([
      { skipped: 'repeatedKey', mode: 'match' },
    ]);
  });

  it.each([['"a"'], ['7'], ['null'], ['true'], ['[]'], [`["resource",${observation('inner')}]`]])(
    'is named for an entry that is no object: %s',
    (entry) => {
      const { items, info } = split(`{"resourceType":"Bundle","entry":[${entry},{"resource":${observation('next')}}]}`);
      expect(items).toEqual([{ skipped: 'noResource', mode: 'match' }, next]);
      expect(info.entries).toBe(2);
    },
  );

  it('is named by its own type and id, not by those of what it contains', () => {
    const json = `{"contained":[{"resourceType":"Patient","id":"p"}],"a":{"resourceType":"Patient","id":"p"},"resourceType":"Observation","id":"o","a":tru}`;
    expect(alone(json)[0]).toEqual({ skipped: 'notJson', mode: 'match', type: 'Observation', id: 'o' });
    const odd = `{"id":"a b?c=d","resourceType":"Obs&ervation","a":tru}`;
    expect(alone(odd)[0]).toEqual({ skipped: 'notJson', mode: 'match' });
  });
});

it('keeps a large resource whole, and parses it without the middle of its long strings', () => {
  const data = 'QUJD'.repeat(100_000);
  const json = observation('1', `,"subject":{"reference":"Patient/1"},"photo":[{"url":"data:a/b;base64,${data}"}]`);
  const [item] = split(bundleOf([json, observation('2')]), { cuts: [70_000, 200_000] }).items;
  expect(item).toMatchObject({
    line: Buffer.from(json),
    references: ['Patient/1'],
    attachments: [`${`data:a/b;base64,${data}`.slice(0, 128)}…`],
  });
});

describe('an answer that is one resource', () => {
  it('is split as the only one', () => {
    const { items, info } = split(` ${spell({ resourceType: 'Practitioner', id: '1', name: [{}] }, 3).spaced} `, {
      of: 'read',
    });
    expect(items).toMatchObject([{ type: 'Practitioner', id: '1', mode: 'match' }]);
    expect(info).toEqual({ next: [], total: undefined, entries: 1 });
  });

  it('can be a Bundle with entries, which is one resource then', () => {
    const bundle = bundleOf([observation('1')]);
    expect(linesOf(split(bundle, { of: 'read' }))).toEqual([bundle]);
  });

  it('is refused if it is cut off, or followed by more', () => {
    expect(faultOf(() => split('{"resourceType":"Practitioner"', { of: 'read' }))).toBe('truncated');
    expect(faultOf(() => split('{"resourceType":"Practitioner"}x', { of: 'read' }))).toBe('notJson');
  });
});
