import { memberKeys, testMembers } from '../../sandbox/payer/data/member-list.ts';
import type { MemberKey } from '../../sandbox/payer/data/member-list.ts';
import { signInAsMember } from '../../sandbox/payer/walk.ts';
import { memberFlag, memberNamed } from '../../sandbox/sign-in/member.ts';
import { startSandboxGateway, type PayerId, type SandboxGateway } from '../support/sandbox-gateway.ts';
import { post } from './payer-fixture.ts';

let gateway: SandboxGateway;
beforeAll(async () => {
  gateway = await startSandboxGateway();
});
afterAll(() => gateway.close());

interface Bundle {
  readonly total: number;
  readonly entry?: readonly { readonly resource: { readonly resourceType: string; readonly id: string } }[];
}

const connectAs = async (payer: PayerId, key: MemberKey): Promise<string> => {
  const signInAt = async (url: URL): Promise<URL> => new URL(await signInAsMember(url.href, memberNamed(key)));
  return (await gateway.connect(payer, signInAt)).access_token;
};
const bundleOf = async (payer: PayerId, path: string, token: string): Promise<Bundle> =>
  (await gateway.read(payer, path, token)).json() as Bundle;
const referencesIn = ({ entry = [] }: Bundle): string[] =>
  entry.map(({ resource }) => `${resource.resourceType}/${resource.id}`);

describe('the test members', () => {
  it('are all on the payer’s page, with their details', async () => {
    const html = await (await fetch(`${gateway.urls['demo-health-plan']}/members`)).text();
    for (const key of memberKeys) {
      const { firstName, lastName } = testMembers[key];
      expect(html).toContain(`<summary>${firstName} ${lastName} (${key}): `);
      expect(html).toContain(`<dd>${testMembers[key].memberId}</dd>`);
    }
    expect(html).toContain(`curl --data member=claims ${gateway.urls['demo-health-plan']}/admin/changes`);
  });

  it('are found by the word after --member; another word is answered with those that exist', () => {
    expect(memberFlag.take(['two-plans'], 'member', 0)).toBe('two-plans');
    expect(() => memberFlag.take(['nobody'], 'member', 0)).toThrow(
      'There is no member "nobody"; use one of: clinical, large, claims, child, history, two-plans, sensitive, bare, all-types',
    );
  });

  it('read claims through the gateway', async () => {
    const token = await connectAs('demo-health-plan', 'claims');
    const claims = await bundleOf('demo-health-plan', 'ExplanationOfBenefit?_count=100', token);
    expect(claims.total).toBe(61);
  });

  it('have another record at each payer where they changed the plan', async () => {
    const here = await bundleOf('demo-health-plan', 'Condition', await connectAs('demo-health-plan', 'two-plans'));
    const there = await bundleOf('northwind', 'Condition', await connectAs('northwind', 'two-plans'));
    expect([here.total, there.total]).toEqual([1, 1]);
    expect(referencesIn(here)).not.toEqual(referencesIn(there));
  });
});

describe('POST /admin/changes', () => {
  it('changes a few resources of a member, and _since finds just those', async () => {
    const token = await connectAs('demo-health-plan', 'all-types');
    const patient = await bundleOf('demo-health-plan', 'Patient', token);
    const everything = `${referencesIn(patient)[0]}/$everything?_since=2026-10-01`;
    const before = await bundleOf('demo-health-plan', everything, token);

    const answer = await post(`${gateway.urls['demo-health-plan']}/admin/changes`, { member: 'all-types' });
    const after = await bundleOf('demo-health-plan', everything, token);

    expect(before.total).toBe(0);
    expect(answer.status).toBe(200);
    expect(answer.body['changed']).toHaveLength(3);
    expect(referencesIn(after).toSorted()).toEqual((answer.body['changed'] as string[]).toSorted());
  });

  it('refuses an unknown member, and names those that exist', async () => {
    const answer = await post(`${gateway.urls['demo-health-plan']}/admin/changes`, { member: 'nobody' });
    expect(answer.status).toBe(400);
    expect(answer.body['error']).toBe(`post a form with member=, one of: ${memberKeys.join(', ')}`);
  });
});
