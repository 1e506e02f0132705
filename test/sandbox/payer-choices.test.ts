import { generateRecords } from '../../sandbox/payer/data/generate.ts';
import { alwaysShared, shares } from '../../sandbox/payer/shares.ts';
import {
  accountValues,
  createWalker,
  pageOf,
  readCode,
  type WalkMember,
  type WalkPage,
} from '../../sandbox/payer/walk.ts';
import { memberNamed } from '../../sandbox/sign-in/member.ts';
import { issueOf } from '../support/fetch-gateway.ts';
import type { Tokens } from '../support/login/steps.ts';
import { startSandboxGateway, type PayerId, type SandboxGateway } from '../support/sandbox-gateway.ts';
import { member1, post } from './payer-fixture.ts';

let gateway: SandboxGateway;
beforeAll(async () => {
  gateway = await startSandboxGateway();
});
afterAll(() => gateway.close());

const parent = memberNamed('claims');
const payers: readonly PayerId[] = ['demo-health-plan', 'northwind'];

/** Goes to the consent page, and sends what `choose` makes of it. */
const choosing =
  (member: WalkMember, choose: (consent: WalkPage) => Readonly<Record<string, string>>) =>
  async (url: URL): Promise<URL> => {
    const walker = createWalker(url.origin);
    const signIn = pageOf(await walker.open(url.href), 'Sign in');
    const create = pageOf(await walker.follow(signIn, 'Create an account'), 'Create an account');
    const verify = pageOf(await walker.submit(create, accountValues(member)), 'Verify your e-mail');
    const code = await readCode(walker, verify);
    const consent = pageOf(await walker.submit(verify, { code }), 'Allow access');
    const stop = await walker.submit(consent, choose(consent));
    if ('page' in stop) throw new Error(`the payer did not send the member back: ${stop.page.url}`);
    return new URL(stop.location);
  };

/** The patient ids by the names that the page shows beside them. */
const choicesOn = ({ html }: WalkPage): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...html.matchAll(/name="member" value="([^"]+)"[^>]*>\s*<label[^>]*>([^<]+)</g)].map(([, id, name]) => [name, id]),
  );

const nameIn = async (payer: PayerId, { access_token: token }: Tokens): Promise<unknown> => {
  const bundle = (await gateway.read(payer, 'Patient', token)).json() as {
    readonly entry: readonly {
      readonly resource: { readonly name: readonly { readonly given: readonly string[] }[] };
    }[];
  };
  return bundle.entry.map(({ resource }) => resource.name[0]?.given[0]);
};

describe.each(payers)('a parent who signs in at %s', (payer) => {
  const asParent = (name: string) =>
    choosing(parent, (page) => ({ decision: 'allow', member: choicesOn(page)[name]! }));

  it('chooses between their own record and the child’s', async () => {
    const seen: string[] = [];
    const look = choosing(parent, (page) => {
      seen.push(...Object.keys(choicesOn(page)));
      return { decision: 'deny' };
    });
    expect((await gateway.signIn(payer, look)).get('error')).toBe('access_denied');
    expect(seen).toEqual(['Claims123 Household456', 'Child123 Household456']);
  });

  it('shares the child’s record: the patient of the answer, and every read', async () => {
    const own = await gateway.connect(payer, asParent('Claims123 Household456'));
    const childs = await gateway.connect(payer, asParent('Child123 Household456'));
    const asChild = await gateway.connect(
      payer,
      choosing(memberNamed('child'), () => ({ decision: 'allow' })),
    );

    expect([childs.patient, own.patient === childs.patient]).toEqual([asChild.patient, false]);
    expect(await nameIn(payer, childs)).toEqual(['Child123']);
    expect(await nameIn(payer, own)).toEqual(['Claims123']);
    const other = await gateway.read(payer, `Patient/${own.patient}`, childs.access_token);
    expect(other.statusCode).toBe(403);
  });
});

it('a child who signs in has no choice of records', async () => {
  let choices: object | undefined;
  const look = choosing(memberNamed('child'), (page) => {
    choices = choicesOn(page);
    return { decision: 'deny' };
  });
  await gateway.signIn('northwind', look);
  expect(choices).toEqual({});
});

it.each(['', 'nobody', 'another member'])('a record that is not of the account (%j) is not shared', async (member) => {
  const other = member === 'another member' ? generateRecords()[1]?.patientId : member;
  const back = await gateway.signIn(
    'northwind',
    choosing(member1, () => ({ decision: 'allow', member: other! })),
  );
  expect([back.get('error'), back.get('code')]).toEqual(['access_denied', null]);
});

describe.each(payers)('a member who shares only part at %s', (payer) => {
  const part = choosing(member1, () => ({ decision: 'part', share: 'results' }));
  let tokens: Tokens;
  beforeAll(async () => {
    tokens = await gateway.connect(payer, part);
  });

  it('grants a scope that names the types, and no other', () => {
    const words = tokens.scope.split(' ');
    expect(words).toEqual(expect.arrayContaining(['patient/Patient.rs', 'patient/Observation.rs']));
    expect(words.filter((word) => /\*|Condition|Encounter|Medication/.test(word))).toEqual([]);
    expect(words).toContain('offline_access');
  });

  it('lets the partner read what was shared, and refuses the rest', async () => {
    const shared = await gateway.read(payer, 'Observation', tokens.access_token);
    expect(shared.statusCode).toBe(200);
    expect((shared.json() as { total: number }).total).toBeGreaterThan(0);
    for (const path of ['Condition', `Patient/${tokens.patient}/$everything`]) {
      const refused = await gateway.read(payer, path, tokens.access_token);
      expect([refused.statusCode, issueOf(refused).code]).toEqual([403, 'forbidden']);
    }
  });

  it('stays narrow after a refresh', async () => {
    const fresh = await gateway.connect(payer, part);
    const { body } = await gateway.refresh(fresh.refresh_token);
    const next = JSON.parse(body) as Tokens;
    expect(next.scope).toBe(fresh.scope);
    expect((await gateway.read(payer, 'Condition', next.access_token)).statusCode).toBe(403);
  });
});

it('a payer gives a token of a part no more than that part', async () => {
  const client = { client_id: 'gateway-at-demo-health-plan', client_secret: 'demo-health-plan-secret' };
  const payer = gateway.urls['demo-health-plan'];
  const query = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: `${gateway.origin}/oauth2/callback/demo-health-plan`,
    state: 's',
  });
  const signIn = choosing(member1, () => ({ decision: 'part', share: 'results' }));
  const back = await signIn(new URL(`${payer}/oauth2/authorize/payer2payer?${query}`));
  const code = back.searchParams.get('code') ?? '';
  const { body } = await post(`${payer}/oauth2/token`, { ...client, code, grant_type: 'authorization_code' });
  const totalOf = async (path: string): Promise<number> => {
    const headers = { authorization: `Bearer ${String(body['access_token'])}` };
    return ((await (await fetch(`${payer}/r4/${path}`, { headers })).json()) as { total: number }).total;
  };

  expect(await totalOf('Observation')).toBeGreaterThan(0);
  expect(await totalOf('Condition')).toBe(0);
  const [patient] = generateRecords();
  const everything = `Patient/${patient?.patientId}/$everything`;
  expect(await totalOf(`${everything}?_type=Observation`)).toBe(await totalOf('Observation'));
  expect(await totalOf(`${everything}?_type=Condition,Encounter`)).toBe(0);
});

it('every type of the members’ records belongs to one part', () => {
  const types = generateRecords().flatMap(({ resources, onTheFly }) =>
    resources
      .map((text) => (JSON.parse(text) as { resourceType: string }).resourceType)
      .concat(onTheFly ? [onTheFly.resourceType] : []),
  );
  const parts = [alwaysShared, ...shares].flatMap((share) => share.types);
  expect([...new Set(types)].filter((type) => !parts.includes(type))).toEqual([]);
  expect(new Set(parts).size).toBe(parts.length);
});
