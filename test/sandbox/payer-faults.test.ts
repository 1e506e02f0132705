import { jest } from '@jest/globals';
import { bulkFaults } from '../../sandbox/payer/faults/bulk.ts';
import { exchangeFaults } from '../../sandbox/payer/faults/exchange.ts';
import { identityFaults } from '../../sandbox/payer/faults/identity.ts';
import { faultNames, faults, internalBase } from '../../sandbox/payer/faults/table.ts';
import { fakeTimeouts } from '../support/fake-timeouts.ts';
import { issueOf } from '../support/fetch-gateway.ts';
import type { Tokens } from '../support/login/steps.ts';
import { setSwitches, switchTests } from '../support/payer-switches.ts';
import { startSandboxGateway, type PayerId, type SandboxGateway } from '../support/sandbox-gateway.ts';
import { faultsPage, writtenPage } from './payer-faults-page.ts';

let gateway: SandboxGateway;
let northwind: Tokens;
const payer = 'northwind';

const switchOn = (names: readonly string[], at: PayerId = payer): Promise<Response> =>
  setSwitches(gateway.urls[at], names);

const { tested, withSwitch } = switchTests(() => gateway.urls[payer]);

interface Bundle {
  readonly total: number;
  readonly link: readonly { readonly relation: string; readonly url: string }[];
  readonly entry?: readonly { readonly fullUrl: string; readonly resource: { readonly id: string } }[];
}

const read = (pathAndQuery: string, token = northwind.access_token) => gateway.read(payer, pathAndQuery, token);
const readBundle = async (pathAndQuery: string, token?: string): Promise<Bundle> => {
  const answer = await read(pathAndQuery, token);
  expect([answer.statusCode, answer.error]).toEqual([200, undefined]);
  return answer.json() as Bundle;
};
const nextOf = ({ link }: Bundle): string => link.find(({ relation }) => relation === 'next')?.url ?? '';
/** What to ask the gateway for, to follow a link of its own. */
const pathOf = (url: string): string => url.replace(`${gateway.origin}/r4/${payer}`, '');
const idsOf = ({ entry = [] }: Bundle): string[] => entry.map(({ resource }) => resource.id);
/** Sorted, so that pages are told apart. */
const observations = 'Observation?_sort=date&_count=20';

beforeAll(async () => {
  gateway = await startSandboxGateway();
  northwind = await gateway.connect(payer);
});
afterAll(() => gateway.close());

withSwitch('slow', () => {
  it('gives the record', async () => {
    expect((await readBundle('Patient')).total).toBe(1);
  });
});

withSwitch('drip', () => {
  it('gives the record, whole', async () => {
    await switchOn([]);
    const whole = await read('Patient');
    await switchOn(['drip']);
    const dripped = await read('Patient');
    expect([dripped.statusCode, dripped.error]).toEqual([200, undefined]);
    expect(dripped.text).toBe(whole.text);
  });

  it('passes the pieces on, one by one', async () => {
    const sizes: number[] = [];
    const onChunk = ({ length }: Buffer): void => void sizes.push(length);
    await gateway.read(payer, observations, northwind.access_token, { onChunk });
    expect(sizes.length).toBeGreaterThan(10);
  });
});

withSwitch('429', () => {
  it('passes every second read’s 429 on, with its Retry-After', async () => {
    const [first, second, third] = [await read('Patient'), await read('Patient'), await read('Patient')];
    expect([first, second, third].map(({ statusCode }) => statusCode)).toEqual([200, 429, 200]);
    expect([second.headers['Retry-After'], issueOf(second).code]).toEqual(['2', 'throttled']);
  });
});

withSwitch('503', () => {
  it('answers a read with 503, and asks to wait for 30 seconds', async () => {
    const answer = await read('Patient');
    expect([answer.statusCode, answer.headers['Retry-After'], issueOf(answer).code]).toEqual([503, '30', 'transient']);
  });

  it('sends a sign-in back with temporarily_unavailable', async () => {
    expect((await gateway.signIn(payer)).get('error')).toBe('temporarily_unavailable');
  });
});

withSwitch('html', () => {
  it('answers 502, without the page', async () => {
    const answer = await read('Patient');
    expect([answer.statusCode, issueOf(answer).code]).toEqual([502, 'exception']);
    expect(answer.text).not.toMatch(/Maintenance/i);
  });
});

withSwitch('login-redirect', () => {
  it('answers 502, without the way to the login page', async () => {
    const answer = await read('Patient');
    expect([answer.statusCode, issueOf(answer).code, answer.headers['Location']]).toEqual([
      502,
      'exception',
      undefined,
    ]);
  });
});

withSwitch('internal-links', () => {
  it('gives links to the internal host, and counts them in the log', async () => {
    const bundle = await readBundle(observations);
    expect(nextOf(bundle)).toMatch(/^http:\/\/fhir\.internal:8080\/r4\/Observation\?/);
    expect(bundle.entry?.every(({ fullUrl }) => fullUrl.startsWith(`${internalBase}/Observation/`))).toBe(true);
    expect(gateway.log().at(-1)).toMatchObject({ outcome: 'ok', foreignLinks: expect.any(Number) });
  });
});

withSwitch('pages-repeat', () => {
  it('gives the same page again and again', async () => {
    const first = await readBundle(observations);
    const second = await readBundle(pathOf(nextOf(first)));
    const third = await readBundle(pathOf(nextOf(second)));
    expect(idsOf(second)).toEqual(idsOf(first));
    expect(idsOf(third)).toEqual(idsOf(first));
    expect(first.total).toBeGreaterThan(20);
  });
});

withSwitch('pages-skip', () => {
  it('gives fewer resources than the total', async () => {
    let bundle = await readBundle(observations);
    const { total } = bundle;
    const ids = idsOf(bundle);
    while (nextOf(bundle) !== '') {
      bundle = await readBundle(pathOf(nextOf(bundle)));
      ids.push(...idsOf(bundle));
    }
    expect(total).toBeGreaterThan(40);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeLessThan(total);
  });
});

withSwitch('401-mid-paging', () => {
  it('gives every page: the gateway refreshes in between', async () => {
    const before = gateway.tokenAnswers.length;
    let bundle = await readBundle(observations);
    const ids = idsOf(bundle);
    while (nextOf(bundle) !== '') {
      bundle = await readBundle(pathOf(nextOf(bundle)));
      ids.push(...idsOf(bundle));
    }
    expect(new Set(ids).size).toBe(bundle.total);
    expect(gateway.tokenAnswers.length - before).toBe(1);
  });
});

withSwitch('everything-never', () => {
  afterEach(() => void jest.useRealTimers());

  it('answers 504 after 60 seconds', async () => {
    const pass = fakeTimeouts();
    const answer = read(`Patient/${northwind.patient}/$everything`);
    // Asked later, and long since answered.
    await readBundle('Patient');
    pass(60_000);
    const { statusCode } = await answer;
    expect([statusCode, issueOf(await answer).code]).toEqual([504, 'timeout']);
  });

  it('gives each type by itself', async () => {
    expect((await readBundle('Condition')).total).toBeGreaterThan(0);
  });
});

describe.each([
  ['no-token-type', 'token_type', undefined],
  ['odd-expires-in', 'expires_in', '0'],
  ['id-token', 'id_token', expect.stringMatching(/^eyJ.*\.$/)],
])('with %s', (name, member, value) => {
  tested.push(name);
  beforeEach(async () => void (await switchOn([name])));
  afterEach(async () => void (await switchOn([])));

  it('a sign-in, a read, a refresh and a read again are as usual', async () => {
    const before = gateway.tokenAnswers.length;
    const tokens = await gateway.connect(payer);
    expect(Object.keys(tokens).sort()).toEqual(Object.keys(northwind).sort());
    expect(tokens).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: northwind.scope });
    await readBundle('Patient', tokens.access_token);
    const { status, body } = await gateway.refresh(tokens.refresh_token);
    expect(status).toBe(200);
    await readBundle('Patient', (JSON.parse(body) as Tokens).access_token);
    expect(gateway.tokenAnswers.slice(before).map((answer) => answer[member])).toEqual([value]);
  });
});

const expectEnded = async (tokens: Tokens): Promise<void> => {
  const answer = await read('Patient', tokens.access_token);
  expect([answer.statusCode, issueOf(answer).code]).toEqual([401, 'login']);
  const { status, body } = await gateway.refresh(tokens.refresh_token);
  expect([status, JSON.parse(body)]).toEqual([400, expect.objectContaining({ error: 'invalid_grant' })]);
};

describe('with consent-withdrawn', () => {
  tested.push('consent-withdrawn');

  it('a read is 401 and a refresh invalid_grant, also after it is switched off', async () => {
    const tokens = await gateway.connect(payer);
    await switchOn(['consent-withdrawn']);
    await expectEnded(tokens);
    await switchOn([]);
    await expectEnded(tokens);
  });
});

describe('with refresh-lost', () => {
  tested.push('refresh-lost');
  afterEach(async () => void (await switchOn([])));

  it('reads go on until the payer refuses its access token, then the grant has ended', async () => {
    const tokens = await gateway.connect(payer);
    await switchOn(['refresh-lost', '401-mid-paging']);
    const first = await readBundle(observations, tokens.access_token);
    const refused = await read(pathOf(nextOf(first)), tokens.access_token);
    expect([refused.statusCode, issueOf(refused).code]).toEqual([401, 'login']);
    await expectEnded(tokens);
  });
});

withSwitch('member-refused', () => {
  it('sends the member back with access_denied, state and iss, and without a code', async () => {
    expect(Object.fromEntries(await gateway.signIn(payer))).toEqual({
      error: 'access_denied',
      error_description: expect.any(String),
      state: 'partner-state',
      iss: `${gateway.origin}/r4/${payer}`,
    });
  });
});

describe('the switches', () => {
  it('each have a test here, in payer-faults-bulk.test.ts, in identity.test.ts or in former-plan.test.ts', () => {
    const others = new Set([...bulkFaults, ...identityFaults, ...exchangeFaults].map(({ name }) => name));
    expect([...tested].sort()).toEqual(faultNames.filter((name) => !others.has(name)).sort());
  });

  it('are listed in docs/reports/payer-faults.md; PAYER_FAULTS_DOC=write writes it anew', async () => {
    expect(await writtenPage(faults)).toBe(faultsPage(faults));
  });

  it('are on the admin page, checked where they are on', async () => {
    await switchOn(['429', 'html']);
    const page = await (await fetch(`${gateway.urls[payer]}/admin`)).text();
    await switchOn([]);
    const boxes = [...page.matchAll(/name="fault"\s+value="([^"]+)"[^>]*?(checked)?\s*\/>/g)];
    expect(boxes.map(([, name]) => name)).toEqual(faultNames);
    expect(boxes.filter(([, , checked]) => checked).map(([, name]) => name)).toEqual(['429', 'html']);
  });

  it('refuse a name that is none of them, list those that are, and stay as they were', async () => {
    await switchOn(['html']);
    const answer = await switchOn(['html', 'fast']);
    const page = await answer.text();
    expect(answer.status).toBe(400);
    expect(page).toContain(`There is no switch fast. There are ${faultNames.join(', ')}.`);
    expect((await read('Patient')).statusCode).toBe(502);
    await switchOn([]);
    expect((await read('Patient')).statusCode).toBe(200);
  });

  it('the switches of one payer leave the other alone', async () => {
    await switchOn(['html']);
    const tokens = await gateway.connect('demo-health-plan');
    const answer = await gateway.read('demo-health-plan', 'Patient', tokens.access_token);
    await switchOn([]);
    expect(answer.statusCode).toBe(200);
  });

  it('the switches that spoil the read by which the gateway learns whose record it is end a sign-in in server_error', async () => {
    await switchOn(['503'], 'demo-health-plan');
    const down = await gateway.signIn('demo-health-plan');
    await switchOn(['html'], 'demo-health-plan');
    const spoiled = await gateway.signIn('demo-health-plan');
    await switchOn([], 'demo-health-plan');
    expect([down.get('error'), spoiled.get('error')]).toEqual(['temporarily_unavailable', 'server_error']);
  });

  it('work at the other payer too, several at once', async () => {
    const tokens = await gateway.connect('demo-health-plan');
    await switchOn(['slow', 'login-redirect'], 'demo-health-plan');
    const answer = await gateway.read('demo-health-plan', 'Patient', tokens.access_token);
    await switchOn([], 'demo-health-plan');
    expect(answer.statusCode).toBe(502);
  });
});
