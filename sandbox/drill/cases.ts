import {
  confidentialApp,
  exportRecord,
  publicApp,
  readSome,
  redeem,
  refresh,
  refreshAtPayer,
  revoke,
  signIn,
  type Held,
} from './app.ts';
import type { World } from './world.ts';

type Act = (world: World, held: Held) => Promise<Held>;

/** A grant of the drill, and what must become of it. */
export interface DrillCase {
  readonly name: string;
  /** What happened before the copy. Absent if the grant was made later. */
  readonly before?: (world: World) => Promise<Held>;
  /** What happened between the copy and the loss. */
  readonly after?: Act;
  /** What the loss did to its item. @default lost */
  readonly item?: 'lost' | 'kept' | 'put back by hand';
  /** Whether its app goes on, or sends the member through authorize again. */
  readonly expects: 'goes on' | 'signs in again';
}

const connected = async ({ stack }: World, app = confidentialApp): Promise<Held> =>
  redeem(stack, await signIn(stack, app));

const endByOperator: Act = async ({ operate }, held) => {
  const ended = await operate('grants', 'end', '--reason', 'Drill: the member asked', '--', held.grantId ?? '');
  if (ended.code !== 0) throw new Error(ended.err);
  return held;
};

/** Every state that a grant can be in when a copy is made and when the table is lost. */
export const drillCases: readonly DrillCase[] = [
  { name: 'nothing since the copy', before: (world) => connected(world), expects: 'goes on' },
  {
    name: 'a public app, nothing since the copy',
    before: (world) => connected(world, publicApp),
    expects: 'goes on',
  },
  {
    name: 'read since the copy',
    before: (world) => connected(world),
    after: ({ stack }, held) => readSome(stack, held),
    expects: 'goes on',
  },
  {
    name: 'refreshed before the copy',
    before: async (world) => refresh(world.stack, await connected(world)),
    expects: 'goes on',
  },
  {
    name: 'exported before the copy',
    before: async (world) => exportRecord(world.stack, await connected(world)),
    expects: 'goes on',
  },
  {
    name: 'code not redeemed',
    before: ({ stack }) => signIn(stack, confidentialApp),
    expects: 'signs in again',
  },
  {
    name: 'code redeemed since the copy',
    before: ({ stack }) => signIn(stack, confidentialApp),
    after: ({ stack }, held) => redeem(stack, held),
    expects: 'signs in again',
  },
  {
    name: 'refreshed since the copy',
    before: (world) => connected(world),
    after: ({ stack }, held) => refresh(stack, held),
    expects: 'signs in again',
  },
  {
    name: "payer's tokens refreshed since the copy",
    before: (world) => connected(world),
    after: ({ stack }, held) => refreshAtPayer(stack, held),
    expects: 'signs in again',
  },
  {
    name: 'revoked by the partner since the copy',
    before: (world) => connected(world),
    after: ({ stack }, held) => revoke(stack, held),
    expects: 'signs in again',
  },
  {
    name: 'ended by an operator since the copy',
    before: (world) => connected(world),
    after: endByOperator,
    expects: 'signs in again',
  },
  {
    name: 'revoked since the copy, and put back by hand',
    before: (world) => connected(world),
    after: ({ stack }, held) => revoke(stack, held),
    item: 'put back by hand',
    expects: 'signs in again',
  },
  {
    name: 'revoked before the copy',
    before: async (world) => revoke(world.stack, await connected(world)),
    expects: 'signs in again',
  },
  { name: 'made since the copy', after: (world) => connected(world), expects: 'signs in again' },
  {
    name: 'not lost, refreshed since the copy',
    before: (world) => connected(world),
    after: ({ stack }, held) => refresh(stack, held),
    item: 'kept',
    expects: 'goes on',
  },
  {
    name: 'not lost, revoked since the copy',
    before: (world) => connected(world),
    after: ({ stack }, held) => revoke(stack, held),
    item: 'kept',
    expects: 'signs in again',
  },
];
