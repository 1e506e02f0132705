import { exactLine, exactPage } from '../../sandbox/demo/exact.ts';
import { bulkFaults } from '../../sandbox/payer/faults/bulk.ts';
import { signInAsMember } from '../../sandbox/payer/walk.ts';
import { memberNamed } from '../../sandbox/sign-in/member.ts';
import { exportWorld, type PayerScript } from '../support/export-world.ts';
import { setSwitches } from '../support/payer-switches.ts';
import { runPayer, type RunningPayer } from './payer-fixture.ts';

let payer: RunningPayer;
let token: string;
let refreshToken: string;
let patient: string;
let whole: number;
const tested: string[] = [];
const client = { client_id: 'gateway', client_secret: 'secret' };

const askPayer = (url: string, accept = 'application/fhir+json'): Promise<Response> =>
  fetch(url, { headers: { authorization: `Bearer ${token}`, accept }, redirect: 'manual' });

const redeem = async (form: Readonly<Record<string, string>>): Promise<void> => {
  const body = new URLSearchParams({ ...client, ...form });
  const answer = await fetch(`${payer.url}/oauth2/token`, { method: 'POST', body });
  const tokens = (await answer.json()) as { access_token: string; refresh_token: string };
  token = tokens.access_token;
  refreshToken = tokens.refresh_token;
};
const renew = (): Promise<void> => redeem({ grant_type: 'refresh_token', refresh_token: refreshToken });

beforeAll(async () => {
  payer = await runPayer({
    preset: 'oneUpDemo',
    displayName: 'Strange Plan',
    clientId: client.client_id,
    client: { secret: client.client_secret },
  });
  const query = new URLSearchParams({ client_id: client.client_id, redirect_uri: payer.redirectUri });
  const back = await signInAsMember(`${payer.url}/oauth2/authorize/payer2payer?${query}`, memberNamed('clinical'));
  const code = new URL(back).searchParams.get('code') ?? '';
  await redeem({ code, grant_type: 'authorization_code' });
  const [own] = exactPage(await (await askPayer(`${payer.url}/r4/Patient`)).text()).resources;
  patient = own?.name.replace('Patient/', '') ?? '';
  const everything = await askPayer(`${payer.url}/r4/Patient/${patient}/$everything`);
  whole = exactPage(await everything.text()).resources.length;
});
afterAll(() => payer.close());

const switchOn = (names: readonly string[]): Promise<Response> => setSwitches(payer.url, names);

/** Exports the member's record with one switch on. When the job's token changes, the payer issues a new one as well. */
const exportWith = async (name: string, onRequest: (count: number) => Promise<void> = async () => {}) => {
  let jobToken = '';
  let asked = 0;
  const script: PayerScript = async ({ url, token: given, accept }) => {
    if (jobToken !== '' && given !== jobToken) await renew();
    jobToken = given;
    asked += 1;
    await onRequest(asked);
    const answer = await askPayer(url, accept);
    return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() };
  };
  const world = exportWorld({
    payer: script,
    patient,
    profile: { fhirBaseUrl: `${payer.url}/r4`, wholeRecord: { pageSize: 100 } },
    // The payer's clock is real.
    startMs: Date.now(),
  });
  await switchOn([name]);
  try {
    const { result } = await world.run();
    const { resources: count, status } = result as { status: string; resources: number };
    const { manifest, errors, lines } = await world.record();
    const gaps = manifest.outcomes.filter(({ outcome }) => outcome !== 'complete');
    const names = lines.map((line) => exactLine(line).name);
    return { status, missing: whole - count, manifest, errors, gaps, names };
  } finally {
    tested.push(name);
    await switchOn([]);
  }
};

describe('an export of the whole record', () => {
  it.each(['429', '401-mid-paging', 'pages-overlap', 'spread', 'short-tokens', 'clock-behind'])(
    'is complete with %s',
    async (name) => {
      const { status, missing, gaps, errors, names } = await exportWith(name);

      expect({ status, missing, gaps, errors }).toEqual({ status: 'completed', missing: 0, gaps: [], errors: [] });
      expect(new Set(names).size).toBe(names.length);
    },
  );

  it.each([
    ...['internal-links', 'pages-elsewhere'].map((name): [string, number, string] => [
      name,
      255,
      'Page 1 of $everything links to another server, which is not read. Resources may be missing.',
    ]),
    ['pages-repeat', 255, 'Page 1 of $everything links to a page that was read already, so reading stopped there.'],
    ['pages-loop', 155, 'Page 3 of $everything links to a page that was read already, so reading stopped there.'],
    ['pages-skip', 155, 'The payer named 355 resources of $everything, and 200 came.'],
    ['pages-shrink', 3, 'The payer named 354 resources of $everything, and 352 came.'],
    [
      'pages-lost',
      255,
      'Page 2 of $everything could not be read: the payer answered with status 500. Resources may be missing.',
    ],
    [
      'pages-html',
      255,
      'Page 2 of $everything could not be read: the answer is not valid JSON. Resources may be missing.',
    ],
  ])('has what came with %s, lacks %i resources, and says why', async (name, missing, reason) => {
    const found = await exportWith(name);

    expect([found.status, found.missing, found.errors]).toEqual(['partial', missing, [reason]]);
    // The one request was for all types, so any of them may be incomplete.
    expect(found.gaps).toHaveLength(found.manifest.outcomes.length);
    expect(found.gaps.every((gap) => gap.outcome === 'incomplete' && gap.reason === reason)).toBe(true);
  });

  it('says of each type that it could not be read with html and with login-redirect', async () => {
    for (const name of ['html', 'login-redirect']) {
      const { status, gaps, manifest } = await exportWith(name);
      expect(status).toBe('failed');
      expect(gaps).toHaveLength(manifest.outcomes.length);
      expect(gaps[0]?.reason).toMatch(/^Page 1 of Patient could not be read: /);
    }
  });

  it('has the resources without an id with no-id', async () => {
    const { status, errors, names } = await exportWith('no-id');

    expect({ status, errors }).toEqual({ status: 'completed', errors: [] });
    expect(names.filter((name) => name.endsWith('/undefined')).length).toBeGreaterThanOrEqual(4);
  });

  it('goes on with pages-endless, and gives each new resource', async () => {
    const { missing, names } = await exportWith('pages-endless', async (count) => {
      if (count === 20) await switchOn([]);
    });

    expect(missing).toBe(-15);
    expect(names.filter((name) => name.startsWith('Observation/endless-'))).toHaveLength(15);
  });

  it('has the other types with type-refused', async () => {
    const { gaps, status } = await exportWith('type-refused');

    expect(status).toBe('partial');
    expect(gaps).toEqual([
      {
        type: 'MedicationRequest',
        outcome: 'refusedByPayer',
        count: 0,
        reason: 'The payer refused MedicationRequest with status 403.',
      },
    ]);
  });

  it('leaves somebody else’s resource out with other-patient, and names it', async () => {
    const { status, missing, names, errors } = await exportWith('other-patient');

    expect({ status, missing, errors }).toEqual({
      status: 'partial',
      missing: 0,
      errors: ['A resource of type Observation on page 1 is left out: it is about another patient.'],
    });
    expect(names).not.toContain('Observation/of-another');
  });

  it('leaves the document out with huge, and names it', async () => {
    const { gaps, missing, errors } = await exportWith('huge');

    expect(errors).toEqual([
      'DocumentReference/huge on page 1 is left out: it is larger than 10 MB, where clients stop reading a line.',
    ]);
    expect(gaps.map(({ type, count }) => [type, count])).toEqual([['DocumentReference', 5]]);
    expect(missing).toBe(0);
  });

  it('names each resource that it leaves out with line-break', async () => {
    const { errors, missing, status } = await exportWith('line-break');

    expect(status).toBe('partial');
    const named = errors.map(
      (text) => /^(\w+\/[\w-]+)(?: on page \d)? is left out: it is not valid JSON\.$/.exec(text)?.[1],
    );
    expect(named).not.toContain(undefined);
    expect(new Set(named).size).toBe(missing);
  });

  it('warns of each attachment with attachments-elsewhere', async () => {
    const { errors, status } = await exportWith('attachments-elsewhere');

    expect(status).toBe('completed');
    expect(errors).toHaveLength(5);
    expect(errors[0]).toMatch(/^DocumentReference\/[\w-]+ has an attachment that the gateway does not serve\./);
  });

  it('has the payer’s time with clock-behind', async () => {
    const { manifest } = await exportWith('clock-behind');

    expect(Math.round((Date.now() - Date.parse(manifest.transactionTime)) / 60_000)).toBe(60);
  });

  it('was tried with each switch that changes pages', () => {
    expect([...new Set(tested)]).toEqual(expect.arrayContaining(bulkFaults.map(({ name }) => name)));
  });
});
