import { setTimeout as sleep } from 'node:timers/promises';
import { bulkFaults, elsewhere } from '../../sandbox/payer/faults/bulk.ts';
import { issueOf } from '../support/fetch-gateway.ts';
import type { Tokens } from '../support/login/steps.ts';
import { setSwitches, switchTests } from '../support/payer-switches.ts';
import { shortTokenMs, startSandboxGateway, type SandboxGateway } from '../support/sandbox-gateway.ts';

const payer = 'northwind';
let gateway: SandboxGateway;
let tokens: Tokens;

interface Resource {
  readonly resourceType: string;
  readonly id?: string;
  readonly subject?: { readonly reference: string };
  readonly content?: readonly { readonly attachment: { readonly url?: string; readonly data?: string } }[];
}

interface Bundle {
  readonly total: number;
  readonly link: readonly { readonly relation: string; readonly url: string }[];
  readonly entry?: readonly { readonly resource: Resource }[];
}

const switchOn = (names: readonly string[]): Promise<Response> => setSwitches(gateway.urls[payer], names);

const { tested, withSwitch } = switchTests(() => gateway.urls[payer]);

const read = (pathAndQuery: string) => gateway.read(payer, pathAndQuery, tokens.access_token);
const readBundle = async (pathAndQuery: string): Promise<Bundle> => {
  const answer = await read(pathAndQuery);
  expect([answer.statusCode, answer.error]).toEqual([200, undefined]);
  return answer.json() as Bundle;
};
const nextOf = ({ link }: Bundle): string => link.find(({ relation }) => relation === 'next')?.url ?? '';
const pathOf = (url: string): string => url.replace(`${gateway.origin}/r4/${payer}`, '');
const readNext = (bundle: Bundle): Promise<Bundle> => readBundle(pathOf(nextOf(bundle)));
const resourcesOf = ({ entry = [] }: Bundle): readonly Resource[] => entry.map(({ resource }) => resource);
const idsOf = (bundle: Bundle): (string | undefined)[] => resourcesOf(bundle).map(({ id }) => id);
const observations = 'Observation?_sort=date&_count=20';

beforeAll(async () => {
  gateway = await startSandboxGateway();
  tokens = await gateway.connect(payer);
});
afterAll(() => gateway.close());

withSwitch('pages-loop', () => {
  it('the third page is the first one again', async () => {
    const first = await readBundle(observations);
    const second = await readNext(first);
    expect(idsOf(second)).not.toEqual(idsOf(first));
    expect(idsOf(await readNext(second))).toEqual(idsOf(first));
  });
});

withSwitch('pages-endless', () => {
  it('pages go on after the last one, each with a resource of its own', async () => {
    const last = await readBundle('Observation?_count=100000');
    const after = await readNext(last);
    const later = await readNext(after);
    expect(last.total).toBe(idsOf(last).length);
    expect([...idsOf(after), ...idsOf(later)]).toEqual([
      expect.stringMatching(/^endless-\d+$/),
      expect.stringMatching(/^endless-\d+$/),
    ]);
    expect(idsOf(after)).not.toEqual(idsOf(later));
    expect(nextOf(later)).not.toBe('');
  });
});

withSwitch('pages-shrink', () => {
  it('the second page has a smaller total, and a resource is missing between the two', async () => {
    const first = await readBundle(observations);
    const second = await readNext(first);
    await switchOn([]);
    const whole = idsOf(await readBundle('Observation?_sort=date&_count=40'));
    expect(second.total).toBe(first.total - 1);
    expect([...idsOf(first), ...idsOf(second)]).toEqual([
      ...whole.slice(0, 20),
      ...whole.slice(21),
      expect.any(String),
    ]);
  });
});

withSwitch('pages-overlap', () => {
  it('a page begins with the last resource of the page before', async () => {
    const first = await readBundle(observations);
    expect(idsOf(await readNext(first))[0]).toBe(idsOf(first).at(-1));
  });
});

withSwitch('pages-elsewhere', () => {
  it('gives that link, unchanged', async () => {
    expect(nextOf(await readBundle(observations))).toBe(`${elsewhere}/r4?page=2`);
  });
});

withSwitch('pages-lost', () => {
  it('gives the first page, then 502', async () => {
    const first = await readBundle(observations);
    const second = await read(pathOf(nextOf(first)));
    expect([second.statusCode, issueOf(second).code]).toEqual([502, 'exception']);
  });
});

withSwitch('pages-html', () => {
  it('gives the first page, then 502', async () => {
    const first = await readBundle(observations);
    const second = await read(pathOf(nextOf(first)));
    expect([second.statusCode, issueOf(second).code]).toEqual([502, 'exception']);
  });
});

withSwitch('type-refused', () => {
  it('gives neither $everything nor MedicationRequest, and any other type', async () => {
    const statusOf = async (path: string): Promise<number> => (await read(path)).statusCode;
    expect([
      await statusOf(`Patient/${tokens.patient}/$everything`),
      await statusOf('MedicationRequest'),
      await statusOf('Condition'),
    ]).toEqual([404, 403, 200]);
  });
});

withSwitch('other-patient', () => {
  it('gives an Observation of somebody else, once', async () => {
    const first = await readBundle(observations);
    const foreign = (bundle: Bundle): number =>
      resourcesOf(bundle).filter(({ subject }) => subject?.reference === 'Patient/another').length;
    expect([foreign(first), foreign(await readNext(first))]).toEqual([1, 0]);
  });
});

withSwitch('no-id', () => {
  it('gives a resource without an id, on each page', async () => {
    const first = await readBundle(observations);
    const without = (bundle: Bundle): number => idsOf(bundle).filter((id) => id === undefined).length;
    expect([without(first), without(await readNext(first))]).toEqual([1, 1]);
  });
});

withSwitch('huge', () => {
  it('gives a document of 20 MB, whole', async () => {
    const documents = await readBundle('DocumentReference');
    const huge = resourcesOf(documents).find(({ id }) => id === 'huge');
    expect(huge?.content?.[0]?.attachment.data).toHaveLength(20 * 1024 * 1024);
  });
});

withSwitch('spread', () => {
  it('gives the same record, over many lines', async () => {
    const { text } = await read('Condition');
    await switchOn([]);
    const usual = await read('Condition');
    expect(text.split('\n').length).toBeGreaterThan(100);
    expect(JSON.parse(text)).toEqual(usual.json());
  });
});

withSwitch('line-break', () => {
  it('gives text that JSON does not allow', async () => {
    const { text, statusCode } = await read('Condition');
    expect(statusCode).toBe(200);
    expect(() => JSON.parse(text) as unknown).toThrow(/control character/);
  });
});

withSwitch('attachments-elsewhere', () => {
  it('gives those URLs, unchanged', async () => {
    const documents = resourcesOf(await readBundle('DocumentReference'));
    const urls = documents.flatMap(({ content = [] }) => content.map(({ attachment }) => attachment.url));
    expect(urls).toContain(`${elsewhere}/note.pdf`);
  });
});

withSwitch('short-tokens', () => {
  it('gives the record: the gateway refreshes when the payer refuses its token', async () => {
    tokens = await gateway.connect(payer);
    const before = gateway.tokenAnswers.length;
    await readBundle('Patient');
    await sleep(shortTokenMs + 50);
    await readBundle('Patient');
    expect(gateway.tokenAnswers.at(-1)).toMatchObject({ expires_in: shortTokenMs / 1000 });
    expect(gateway.tokenAnswers.length).toBeGreaterThan(before);
  });
});

withSwitch('clock-behind', () => {
  it('gives the record, an hour ago', async () => {
    const answer = await fetch(`${gateway.urls[payer]}/r4/Patient`);
    const behindMs = Date.now() - Date.parse(answer.headers.get('date') ?? '');
    expect(Math.round(behindMs / 60_000)).toBe(60);
    expect((await readBundle('Patient')).total).toBe(1);
  });
});

it('each switch has a test here', () => {
  expect(tested.sort()).toEqual(bulkFaults.map(({ name }) => name).sort());
});
