import { compareContents, contents } from '../../sandbox/demo/contents.ts';
import { exactLine, exactPage } from '../../sandbox/demo/exact.ts';
import { deleteExport, kickOff, readLines, readStatus, type Send } from '../../sandbox/partner/exports.ts';
import { startFakeGateway, type FakeGateway } from './partner-fake-gateway.ts';

let gateway: FakeGateway;
let base: string;
const bearer: Send = (url, { method = 'GET', headers = {} } = {}) =>
  fetch(url, { method, headers: { ...headers, authorization: 'Bearer token' } });

beforeEach(async () => {
  gateway = await startFakeGateway();
  base = `${gateway.origin}/r4/plan`;
});
afterEach(() => gateway.close());

const manifest = async () => {
  gateway.exports.looksUntilDone = 0;
  const status = await readStatus(await kickOff(base, bearer), bearer);
  if (!status.done) throw new Error('not done');
  return status.manifest;
};

const linesOf = async (type: string): Promise<string[]> => {
  const file = (await manifest()).output.find((one) => one.type === type);
  const lines: string[] = [];
  for await (const line of readLines(file!, bearer)) lines.push(line);
  return lines;
};

describe('a client of exports', () => {
  it('asks with Prefer: respond-async, and takes the export that runs already', async () => {
    const first = await kickOff(base, bearer);
    const second = await kickOff(base, bearer);

    expect(gateway.exports.seen.map(({ prefer }) => prefer)).toEqual(['respond-async', 'respond-async']);
    expect(first).toMatch(/\/exports\/plan\/export-\d+$/);
    expect(second).toBe(first);
  });

  it('says why a kick-off was refused', async () => {
    gateway.exports.refusal = 403;

    await expect(kickOff(base, bearer)).rejects.toMatchObject({ status: 403, message: 'because <i>so</i>' });
  });

  it('reads the progress and when to look again', async () => {
    gateway.exports.retryAfter = '7';

    expect(await readStatus(await kickOff(base, bearer), bearer)).toEqual({
      done: false,
      progress: {
        text: '1,240 resources, 12 of 21 types',
        resources: 1240,
        resourcesTotal: undefined,
        typesDone: 12,
        typesTotal: 21,
      },
      retryAfterSeconds: 7,
    });
  });

  it.each([
    ['about to begin', { resources: undefined }],
    ['1,240 of 3,000 resources', { resources: 1240, resourcesTotal: 3000 }],
  ])('reads the figures in the progress text, and no others: %s', async (text, figures) => {
    gateway.exports.progress = text;

    expect(await readStatus(await kickOff(base, bearer), bearer)).toMatchObject({
      progress: { ...figures, typesDone: undefined, typesTotal: undefined },
    });
  });

  it('splits a file at line breaks alone, not at the line separators within a string', async () => {
    expect(await linesOf('Observation')).toEqual(gateway.exports.files['Observation-1.ndjson']);
  });

  it('refuses a file that has fewer lines than the manifest says', async () => {
    gateway.exports.counts['Observation-1.ndjson'] = 3;

    await expect(linesOf('Observation')).rejects.toThrow(/Observation-1\.ndjson has 2 lines instead of 3\./);
  });

  it('deletes an export, and takes one that is gone already for deleted', async () => {
    const status = await kickOff(base, bearer);
    await deleteExport(status, bearer);
    await deleteExport(status, bearer);

    await expect(readStatus(status, bearer)).rejects.toMatchObject({ status: 404 });
  });
});

describe('the comparison of an export with the payer', () => {
  const exported = (...lines: readonly string[]) => {
    const record = contents('http://g/r4/x');
    for (const line of lines) record.add(exactLine(line));
    return record;
  };
  const atPayer = (...resources: readonly string[]) => {
    const record = contents('http://p/r4');
    const entry = resources.map((resource) => `{ "resource": ${resource} }`);
    for (const resource of exactPage(`{"resourceType":"Bundle","entry":[${entry.join()}]}`).resources)
      record.add(resource);
    return record;
  };
  const ours = '{"resourceType":"Provenance","id":"ours"}';

  it('ignores white space between tokens, and the base of links', () => {
    expect(
      compareContents(
        exported('{"resourceType":"Goal","id":"1","v":1.00,"s":"http://g/r4/x/Patient/p"}', ours),
        atPayer('{ "resourceType": "Goal",\n "id": "1", "v": 1.00, "s": "http://p/r4/Patient/p" }'),
      ),
    ).toEqual({ types: [{ type: 'Goal', gateway: 1, payer: 1 }], differences: [] });
  });

  it.each([
    ['a decimal', '{"resourceType":"Goal","id":"1","v":1.0}', '{"resourceType":"Goal","id":"1","v":1.00}'],
    [
      'an escape',
      '{"resourceType":"Goal","id":"1","v":"A"}',
      String.raw`{"resourceType":"Goal","id":"1","v":"\u0041"}`,
    ],
    ['an order', '{"id":"1","resourceType":"Goal"}', '{"resourceType":"Goal","id":"1"}'],
  ])('notices %s that is not as the payer wrote it', (_, line, own) => {
    expect(compareContents(exported(line, ours), atPayer(own)).differences).toEqual(['Goal/1']);
  });

  it('notices what is missing, what came twice, what the payer has not, and that the gateway’s Provenance is missing', () => {
    const goal = (id: number): string => `{"resourceType":"Goal","id":"${id}"}`;
    const { differences, types } = compareContents(exported(goal(1), goal(1), goal(3)), atPayer(goal(1), goal(2)));
    expect(differences).toEqual(['Goal/1', 'Goal/3', 'Goal/2', 'the gateway’s own Provenance']);
    expect(types).toEqual([{ type: 'Goal', gateway: 2, payer: 2 }]);
  });

  it('takes as many Provenances for the gateway’s as it is told', () => {
    const both = exported(ours, '{"resourceType":"Provenance","id":"more"}');
    expect(compareContents(both, atPayer()).differences).toEqual(['Provenance/more']);
    expect(compareContents(both, atPayer(), 2).differences).toEqual([]);
  });
});
