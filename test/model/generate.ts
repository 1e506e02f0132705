import * as fc from 'fast-check';
import {
  partnerIds,
  payerIds,
  type Authorize,
  type Call,
  type Callback,
  type Command,
  type Introspect,
  type Read,
  type Redeem,
  type Refresh,
  type Registration,
  type Revoke,
  type Thief,
} from './commands.ts';

const mostly = <T extends string>(right: T, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { arbitrary: fc.constant<T>(right), weight: 2 * others.length + 2 },
    { arbitrary: fc.constantFrom<T[]>(...others), weight: others.length },
  );
const newest = fc.oneof({ arbitrary: fc.constant(0), weight: 3 }, { arbitrary: fc.nat(5), weight: 2 });
const age = fc.oneof({ arbitrary: fc.constant(0), weight: 7 }, { arbitrary: fc.nat(3), weight: 3 });
const partner = fc.constantFrom(...partnerIds);
const payer = fc.constantFrom(...payerIds);
const type = fc.constantFrom('access' as const, 'refresh' as const);
const oftenTrue = fc.nat(3).map((drawn) => drawn !== 3);
const registration = mostly<Registration>('whole', 'online', 'observations', 'claims');
const kind = <K extends string>(name: K) => fc.constant(name);

const redeemHow: fc.Arbitrary<Redeem['how']> = mostly(
  'right',
  'otherClient',
  'wrongVerifier',
  'noVerifier',
  'wrongRedirect',
  'damaged',
  'guessed',
);
const redeem: fc.Arbitrary<Redeem> = fc.record({ kind: kind('redeem'), grant: newest, how: redeemHow });
const refresh: fc.Arbitrary<Refresh> = fc.record({
  kind: kind('refresh'),
  grant: newest,
  age,
  how: mostly(
    'right',
    'narrow',
    'whole',
    'widen',
    'otherClient',
    'noClient',
    'damaged',
    'guessed',
    'fromAccessToken',
    'sameFamily',
  ),
});
const revoke: fc.Arbitrary<Revoke> = fc.record({
  kind: kind('revoke'),
  grant: newest,
  age,
  type,
  how: fc.constantFrom('right', 'otherClient', 'damaged', 'guessed'),
});
const introspect: fc.Arbitrary<Introspect> = fc.record({
  kind: kind('introspect'),
  grant: newest,
  age,
  type,
  how: mostly('right', 'otherClient', 'guessed'),
});
const read: fc.Arbitrary<Read> = fc.record({
  kind: kind('read'),
  grant: newest,
  age,
  how: mostly('right', 'otherPayer', 'otherPatient', 'damaged', 'guessed'),
});
const thief: fc.Arbitrary<Thief> = fc.record({
  kind: kind('thief'),
  grant: newest,
  age,
  how: mostly('refresh', 'introspect', 'widen'),
});
const call: fc.Arbitrary<Call> = fc.oneof(
  { arbitrary: redeem, weight: 2 },
  { arbitrary: refresh, weight: 8 },
  { arbitrary: revoke, weight: 1 },
  { arbitrary: introspect, weight: 2 },
  { arbitrary: read, weight: 7 },
  { arbitrary: thief, weight: 2 },
);
/** Around the edges of every lifetime that the architecture names. */
const pass = fc.oneof(
  { arbitrary: fc.constantFrom(1, 2, 5, 9, 10, 11, 30, 59, 60, 61), weight: 12 },
  { arbitrary: fc.constantFrom(240, 299, 300, 301, 1799, 1800, 3599, 3600, 3601), weight: 6 },
  { arbitrary: fc.constantFrom(1, 30, 90, 179, 180, 181).map((days) => days * 86_400), weight: 1 },
);
const authorize: fc.Arbitrary<Authorize> = fc.record({
  kind: kind('authorize'),
  partner,
  payer,
  scope: fc.constantFrom('none', 'offline', 'online'),
  pkce: oftenTrue,
});
const callback: fc.Arbitrary<Callback> = fc.record({
  kind: kind('callback'),
  attempt: newest,
  how: mostly('right', 'otherBrowser', 'otherPayer', 'denied'),
  lives: fc.constantFrom(60, 300, 300, 3600, 7200),
  renews: oftenTrue,
});
const command: fc.Arbitrary<Command> = fc.oneof(
  { arbitrary: call, weight: 30 },
  { arbitrary: fc.record({ kind: kind('together'), calls: fc.tuple(call, call) }), weight: 8 },
  { arbitrary: fc.record({ kind: kind('pass'), seconds: pass }), weight: 8 },
  { arbitrary: authorize, weight: 3 },
  { arbitrary: callback, weight: 3 },
  {
    arbitrary: fc.record({ kind: kind('mood'), payer, mood: fc.constantFrom('well', 'well', 'down', 'lost') }),
    weight: 2,
  },
  { arbitrary: fc.record({ kind: fc.constantFrom('payerEnds', 'payerForgets', 'steal'), grant: newest }), weight: 3 },
  { arbitrary: fc.record({ kind: kind('partner'), partner, registered: oftenTrue }), weight: 1 },
  { arbitrary: fc.record({ kind: kind('payerOf'), partner, payer, allowed: oftenTrue }), weight: 1 },
  { arbitrary: fc.record({ kind: kind('scopes'), partner, to: registration }), weight: 2 },
  { arbitrary: fc.record({ kind: kind('ttl') }), weight: 1 },
);
/** The same call twice at once, as a partner's parallel processes make it. */
const twice = call.map((one): Command => ({ kind: 'together', calls: [one, one] }));
interface Login {
  readonly authorize: Authorize;
  readonly callback: Callback;
  readonly first: Redeem['how'];
  readonly isRedeemed: boolean;
}
const redeemNewest = (how: Redeem['how']): Redeem => ({ kind: 'redeem', grant: 0, how });
const loginOf = ({ authorize: start, callback: end, first, isRedeemed }: Login): Command[] => [
  start,
  { ...end, attempt: 0, how: 'right' },
  redeemNewest(first),
  ...(isRedeemed && first !== 'right' ? [redeemNewest('right')] : []),
];
/** A whole login, usually redeemed, so that a history soon has something to lose. */
const connect = fc.record({ authorize, callback, first: redeemHow, isRedeemed: oftenTrue }).map(loginOf);

const later = (seconds: number): Command => ({ kind: 'pass', seconds });
const refreshIt = (grant: number, how: Refresh['how'] = 'right'): Refresh => ({ kind: 'refresh', grant, age: 0, how });
const readIt = (grant: number): Read => ({ kind: 'read', grant, age: 0, how: 'right' });
/** What a partner does that reads now and then, and so keeps a grant alive. */
const comeBack = fc
  .record({ seconds: pass, grant: newest, how: fc.constantFrom('right', 'right', 'narrow', 'whole') })
  .map(({ seconds, grant, how }) => [later(seconds), refreshIt(grant, how), readIt(grant)]);
/** A payer that fails when a partner's read needs it, and has recovered before the next. */
const trouble = fc
  .record({ seconds: pass, payer, mood: fc.constantFrom('down', 'lost'), grant: newest })
  .map(({ seconds, grant, payer: whose, mood }): Command[] => [
    later(seconds),
    refreshIt(grant),
    { kind: 'mood', payer: whose, mood },
    readIt(grant),
    { kind: 'mood', payer: whose, mood: 'well' },
    readIt(grant),
  ]);

/** A thief of a public client's token, who refreshes just before or just after the client, again and again. */
const followed = fc
  .record({
    payer,
    turns: fc.array(fc.record({ wait: pass, gap: fc.constantFrom(0, 1, 9, 10), thiefFirst: fc.boolean() }), {
      minLength: 1,
      maxLength: 4,
    }),
  })
  .map(({ payer: whose, turns }): Command[] =>
    loginOf({
      authorize: { kind: 'authorize', partner: 'demo-app', payer: whose, scope: 'offline', pkce: true },
      callback: { kind: 'callback', attempt: 0, how: 'right', lives: 3600, renews: true },
      first: 'right',
      isRedeemed: true,
    }).concat(
      { kind: 'steal', grant: 0 },
      turns.flatMap(({ wait, gap, thiefFirst }): Command[] => {
        const steals: Thief = { kind: 'thief', grant: 0, age: 0, how: 'refresh' };
        const [first, second] = thiefFirst ? [steals, refreshIt(0)] : [refreshIt(0), steals];
        return [later(wait), first, later(gap), second, readIt(0)];
      }),
    ),
  );

/** A history: a list of events in order. Shrinking leaves out steps and simplifies the rest. */
export const history: fc.Arbitrary<Command[]> = fc
  .array(
    fc.oneof(
      { arbitrary: command.map((one) => [one]), weight: 30 },
      { arbitrary: twice.map((one) => [one]), weight: 2 },
      { arbitrary: connect, weight: 3 },
      { arbitrary: comeBack, weight: 3 },
      { arbitrary: trouble, weight: 1 },
      { arbitrary: followed, weight: 1 },
    ),
    { minLength: 1, maxLength: 100, size: 'max' },
  )
  .map((parts) => parts.flat());
