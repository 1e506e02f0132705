import { nowSeconds } from '../../../functions/shared/clock.ts';
import { openGroupBody } from '../../../functions/shared/exchanges/group.ts';
import { getGroup, notePatients } from '../../../functions/shared/store/groups.ts';
import { exportWorld, type Sent, type WorldOptions } from '../../support/export-world.ts';
import { words } from '../../support/words.ts';
import { endOf, type World } from './end-of.ts';
import { groupOf, matchInput, memberOf, planOf, type Plan } from './former-plan.ts';

export const owner = 'northwind/demo-partner';
export type Exchange = NonNullable<WorldOptions['exchange']>;

/** An exchange with a plan, which may need the world, to be kicked off. */
export const worldOf = (
  exchange: Exchange,
  plan: Plan | ((world: World) => Plan),
  options: WorldOptions = {},
): World => {
  const world = exportWorld({ exchange, ...options });
  world.answerWith(planOf(world.base, typeof plan === 'function' ? plan(world) : plan));
  return world;
};

export const run = async (...of: Parameters<typeof worldOf>) => {
  const world = worldOf(...of);
  await world.run();
  return endOf(world);
};

export const observation = (id: string, patient: string, more: object = {}) => ({
  resourceType: 'Observation',
  id,
  subject: { reference: `Patient/${patient}` },
  ...more,
});
export const patient = (id: string) => ({ resourceType: 'Patient', id });
export const patients = (...ids: readonly string[]) => ({ type: 'Patient', lines: ids.map(patient) });
/** @param lines each a resource, or an Observation's id and its patient's id, separated by a blank */
export const observations = (...lines: readonly (string | object)[]) => ({
  type: 'Observation',
  lines: lines.map((line) => (typeof line === 'string' ? observation(...(words(line) as [string, string])) : line)),
});

export const askedFor = ({ asked }: World, wanted: string) =>
  asked.filter(({ method, path, url }) => [method, path, url].includes(wanted));

/** What was audited of each member when the exchange had ended. */
export const cameOf = (world: World): readonly { submitted: string; outcome: string; resources?: number }[] =>
  [...world.dynamo.items('Audit').values()].flatMap(({ type, members }) =>
    type?.S === 'came' ? JSON.parse(members!.S!) : [],
  );

/** The times at which the gateway asks the plan for a token, in epoch milliseconds, from now on. */
export const tokenTimes = ({ deps, payer }: World): readonly number[] => {
  const timesMs: number[] = [];
  const { payerHttp } = deps;
  Object.assign(deps, {
    payerHttp: async (...[url, init]: Parameters<typeof payerHttp>) => {
      if (url === payer.exchange?.tokenEndpoint) timesMs.push(deps.clock.now());
      return payerHttp(url, init);
    },
  });
  return timesMs;
};

/** How many exchanges count as running. */
export const runningIn = ({ dynamo }: World): number =>
  [...dynamo.items('Exchanges').values()].filter(({ name }) => name?.S?.startsWith('running/') === true).length;

/** What is kept of a Group. */
export const groupBody = async (world: World, id = 'group-match') => {
  const group = (await getGroup(world.exchanges, owner, id, 0))!;
  const box = { group: `${owner}/${id}`, partner: 'demo-partner' };
  const key = await world.deps.openInJob(box, 'group key', group.key);
  return openGroupBody(key, { owner, id }, group.body);
};

/** A plan whose match has these Groups. */
export const matched = (...groups: readonly object[]): Plan => ({ output: [{ type: 'Group', lines: groups }] });
export const found = (...members: readonly string[]) =>
  groupOf('match', Object.fromEntries(members.map((member) => words(member) as [string, string])));
export const notFound = (...ids: readonly string[]) =>
  groupOf('nomatch', Object.fromEntries(ids.map((id) => [id, `#${id}`])));

/** Why an answer that is no HTTP cannot be used. */
export const unusable =
  'the response is not valid HTTP, its headers are too long, or its content encoding was not requested';

/** A match of three members, whose Groups are changed. */
export const three = matchInput('ours-a', 'ours-b', 'ours-c');
export const [a, b] = ['ours-a Patient/a', 'ours-b Patient/b'] as const;
export const [first, second] = [found(a, b), notFound('ours-c')];

/** A seed for each plan that is made up. */
export const seeds = Array.from({ length: Number(process.env['LIES'] ?? 25) }, (_, seed) => seed + 1);

export const pickerOf =
  (random: () => number) =>
  <T>(from: readonly T[]): T =>
    from[Math.floor(random() * from.length)]!;

/** Members of a Group, and their Patients. */
export const two = [memberOf('a'), memberOf('b')];
export const people = patients('a', 'b');
/** What another match notes that gives the id of the Group to others. */
export const mixGroup = ({ exchanges, deps }: World) =>
  notePatients(exchanges, { payer: 'northwind', id: 'g1', patients: 'others', expiresAt: nowSeconds(deps.clock) });
/** The parameters of an export of a alone. */
export const onlyOfA = [{ name: 'patient', valueReference: { reference: 'Patient/a' } }];
/** Whose data alone was asked for. */
export const namedIn = ({ asked }: World): unknown => JSON.parse(asked[0]!.form!).parameter.slice(1);

/** A member whose consent has ended, and what an export says of the member. */
export const ended = memberOf('b', { consent: { id: 'c', hash: 'h', endsAt: '2026-11-26' } });
export const consentEnded = 'Member ours-b is left out: the consent has ended.';
/** Since when changes are asked for. */
export const since = '2026-01-01T00:00:00Z';
/** A plan that has more files than the members’ Patients. */
export const and = (...output: NonNullable<Plan['output']>): Plan => ({ output: [people, ...output] });
/** A plan that answers requests of this method or path so. */
export const answering = (which: string, answer: Sent): Plan => ({
  instead: ({ method, path }) => ([method, path].includes(which) ? answer : undefined),
});
/** A reference. */
export const to = (type: string, id: string) => ({ reference: `${type}/${id}` });
