import { call, locationOfExport, pollToEnd } from '../../conformance/exports-client.ts';
import {
  codeOf,
  endOf,
  exchanged,
  groups,
  known,
  nobody,
  startGroupExport,
  startMatch,
  systemToken,
} from '../../conformance/plan-client.ts';
import { inTurn, statusAtLast, type Context } from './context.ts';

const large = { 'x-large': 'x'.repeat(11_000) };
const emptyBody = JSON.stringify({ resourceType: 'Parameters' });

type Asked = Parameters<typeof startMatch>[3] & {};
/** One operation, with the system token and what differs from a request that works. */
type Ask = (token: string | undefined, asked?: Asked) => Promise<Response>;

/** What holds of every operation: no token, another's, a blocked plan, an unknown payer, and too large a header. */
const driveRefusals = async ({ blockedPlan }: Context, asks: readonly Ask[], token: string): Promise<void> => {
  for (const ask of asks) {
    await inTurn([
      () => ask(undefined),
      () => ask('p2ps_unknown'),
      () => ask(blockedPlan),
      () => ask(token, { payer: 'nobody' }),
      () => ask(token, { headers: large }),
    ]);
  }
};

const kickOffs = (context: Context, group: string): readonly Ask[] => {
  const { target } = context;
  return [
    (token, asked) => startMatch(target, token, [known('driven')], asked),
    (token, asked) => startGroupExport(target, token, group, asked),
    (token, asked) => startGroupExport(target, token, group, { body: emptyBody, query: '', ...asked }),
  ];
};

const reads = ({ target }: Context, group: string): readonly Ask[] => [
  (token, asked = {}) => groups(target, `/Group${asked.query ?? ''}`, token, asked),
  (token, { query = '', ...asked } = {}) =>
    groups(target, '/Group/_search', token, {
      method: 'POST',
      ...asked,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...asked.headers },
      body: query.slice(1),
    }),
  (token, asked = {}) => groups(target, `/Group/${group}`, token, asked),
];

const driveKickOffs = async (context: Context, token: string, group: string): Promise<void> => {
  const { target } = context;
  const asks = kickOffs(context, group);
  await driveRefusals(context, asks, token);
  for (const ask of asks) {
    const begun = await ask(token);
    await inTurn([
      // While it runs, or else it starts again.
      () => ask(token),
      () => ask(token, { headers: { prefer: 'handling=strict' } }),
    ]);
    await pollToEnd(locationOfExport(begun), token);
  }
  const unmatched = await endOf(await startMatch(target, token, [nobody('driven-nobody')]), token);
  const empty = unmatched.resources.find((one) => codeOf(one) === 'match')?.id ?? '';
  for (const asked of [{}, { body: emptyBody }]) {
    await inTurn([
      () => startGroupExport(target, token, empty, asked),
      () => startGroupExport(target, token, 'no-such-group', asked),
    ]);
  }
  await inTurn([
    () => startMatch(target, token, [], { body: 'x'.repeat(4_000_001) }),
    () => startGroupExport(target, token, group, { body: 'x'.repeat(70_000) }),
  ]);
};

const driveReads = async (context: Context, token: string, group: string): Promise<void> => {
  const { target } = context;
  const asks = reads(context, group);
  await driveRefusals(context, asks, token);
  const [search, searchByForm] = asks as [Ask, Ask];
  for (const ask of [search, searchByForm]) {
    await inTurn([
      () => ask(token, { query: '?code=match' }),
      () => ask(token, { query: '?color=blue' }),
      () => ask(token, { query: '?_format=xml' }),
    ]);
  }
  await inTurn([
    () => searchByForm(token, { query: `?code=${'x'.repeat(70_000)}` }),
    () => groups(target, `/Group/${group}`, token),
    () => groups(target, '/Group/no-such-group', token),
  ]);
  // A plan that has used up its rate with a kick-off.
  const flooding = await systemToken(target, 'flooding-plan');
  await inTurn([
    () => startMatch(target, flooding, [known('driven')]),
    ...[...asks, ...asks, ...asks, ...kickOffs(context, group)].map((ask) => () => ask(flooding)),
  ]);
};

/** Brings every answer of exchanges with former plans, but for those of a gateway whose tables are down. */
export const driveExchangeAnswers = async (context: Context): Promise<void> => {
  const { token, group, match } = await exchanged(context.target);
  await driveKickOffs(context, token, group);
  await driveReads(context, token, group);
  await statusAtLast(() => call(match.url, token, { method: 'DELETE' }));
};

/** Asks everything of exchanges once. */
export const everyExchangeRequest = (context: Context, token: string): readonly (() => Promise<Response>)[] =>
  [...kickOffs(context, 'group'), ...reads(context, 'group')].map((ask) => () => ask(token));
