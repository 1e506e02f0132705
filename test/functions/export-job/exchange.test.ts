import { openGroupBody } from '../../../functions/shared/exchanges/group.ts';
import { getGroup } from '../../../functions/shared/store/exchanges.ts';
import { exportWorld, type WorldOptions } from '../../support/export-world.ts';
import { endOf } from './end-of.ts';
import { groupInput, groupOf, matchInput, memberOf, planOf, type Plan } from './former-plan.ts';

const owner = 'northwind/demo-partner';

/** Runs an exchange with a plan to its end. */
const run = async (exchange: NonNullable<WorldOptions['exchange']>, plan: Plan, options: WorldOptions = {}) => {
  const world = exportWorld({ exchange, ...options });
  world.answerWith(planOf(world.base, plan));
  await world.run();
  return endOf(world);
};

const observation = (id: string, patient: string, more: object = {}) => ({
  resourceType: 'Observation',
  id,
  subject: { reference: `Patient/${patient}` },
  ...more,
});
const patient = (id: string) => ({ resourceType: 'Patient', id });

describe('a match', () => {
  it('is asked as PDex says, and its Groups are passed on and kept for exports', async () => {
    const input = matchInput('ours-a', 'ours-b', 'ours-c');
    const matched = groupOf('match', { 'ours-a': 'Patient/a' });
    const output = [
      { type: 'Group', lines: [matched], count: 1 },
      {
        type: 'Group',
        lines: [groupOf('nomatch', { 'ours-b': '#ours-b' }), groupOf('consentconstraint', { 'ours-c': '#ours-c' })],
      },
    ];
    const { world, errors, status, complete, lines } = await run(input, { output });

    expect({ errors, status, complete }).toEqual({ errors: [], status: 'completed', complete: true });
    const [asked] = world.asked;
    expect(asked).toMatchObject({
      path: '/Group/$bulk-member-match',
      method: 'POST',
      token: 'Bearer system-1',
      form: input.kind === 'match' ? input.body : '',
      headers: { prefer: 'respond-async', 'content-type': 'application/fhir+json' },
    });
    expect(lines.slice(0, 3)).toEqual(output.flatMap((file) => file.lines.map((line) => JSON.stringify(line))));
    const group = (await getGroup(world.exchanges, owner, 'group-match', 0))!;
    const key = await world.deps.openInJob(
      { group: `${owner}/group-match`, partner: 'demo-partner' },
      'group key',
      group.key,
    );
    expect(await openGroupBody(key, { owner, id: 'group-match' }, group.body)).toEqual({
      resource: JSON.stringify(matched),
      members: [{ submitted: 'ours-a', reference: 'Patient/a', consent: { id: 'consent-ours-a', hash: 'hash' } }],
    });
    expect(world.asked.filter(({ method }) => method === 'DELETE')).toEqual([]);
  });
});

describe('a group export', () => {
  it('is asked as PDex says, read to the end, and deleted at the plan', async () => {
    const output = [
      { type: 'Patient', lines: [patient('a'), patient('b')], count: 2 },
      { type: 'Observation', lines: [observation('1', 'a'), observation('2', 'b')], count: 2 },
      { type: 'Practitioner', lines: [{ resourceType: 'Practitioner', id: 'p' }] },
    ];
    const { world, errors, status, ids, outcomes } = await run(groupInput([memberOf('a'), memberOf('b')]), { output });

    expect({ errors, status }).toEqual({ errors: [], status: 'completed' });
    expect(ids).toEqual(['a', 'b', '1', '2', 'p']);
    expect(outcomes).toMatchObject({ Patient: 'complete 2', Observation: 'complete 2', Practitioner: 'complete 1' });
    expect(world.asked[0]).toMatchObject({ path: '/Group/g1/$davinci-data-export', method: 'POST' });
    expect(JSON.parse(world.asked[0]!.form!)).toEqual({
      resourceType: 'Parameters',
      parameter: [{ name: 'exportType', valueCanonical: 'hl7.fhir.us.davinci-pdex#payertopayer' }],
    });
    expect(world.asked.at(-1)).toMatchObject({
      path: '/status/1',
      method: 'DELETE',
      token: expect.stringMatching(/^Bearer system-/),
    });
  });
});
