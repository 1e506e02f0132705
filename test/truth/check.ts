import { resourceTypes } from '../../functions/shared/scopes/resource-types.ts';
import { exportWorld } from '../support/export-world.ts';
import { heldBy, since } from './held.ts';
import { judge, type Account, type RareState, type Violation } from './judge.ts';
import { answersOf, halfOf, profileSearches } from './payer.ts';
import type { PayerSpec } from './spec.ts';

const facade = 'http://localhost:3000/r4/northwind';

export interface Checked {
  readonly violations: readonly Violation[];
  readonly reached: readonly RareState[];
  readonly account: Account;
  /** The paths that the gateway asked the payer for. */
  readonly asked: readonly string[];
}

/** Exports a payer's record, and judges the account of it. */
export const checkPayer = async (spec: PayerSpec): Promise<Checked> => {
  const limited = spec.limited ?? [];
  const half = halfOf(spec);
  // A wildcard would cover what is granted in part.
  const types = spec.scope ?? (limited.length === 0 ? ['*'] : resourceTypes);
  const scope = types
    .map(
      (type) =>
        `patient/${type}.${half?.type === type ? half.letter : 'rs'}${limited.includes(type) ? '?category=laboratory' : ''}`,
    )
    .join(' ');
  const searches = profileSearches(spec);
  const exhaustive = spec.types.flatMap(({ type, filters }) => (filters === 'both' ? [type] : []));
  const world = exportWorld({
    scope,
    profile: {
      everything: spec.everything !== 'none',
      wholeRecord: {
        ...(spec.ignoresTotals ? { totals: 'meaningless' } : {}),
        ...(searches === undefined ? {} : { searches, exhaustive }),
        ...(spec.listsPath ? { attachmentPaths: ['/documents/'] } : {}),
      },
    },
    statement: 'fromScript',
    ...(spec.asked === undefined ? {} : { types: spec.asked }),
    ...(spec.since === undefined ? {} : spec.isUntil === true ? { until: since } : { since }),
  });
  const held = heldBy(spec, world.base, facade);
  world.answerWith(answersOf(spec, held, world.base));
  await world.run();
  const account = await world.record();
  const reached: RareState[] = [];
  const violations = judge(spec, held, account, (state) => void reached.push(state));
  return { violations, reached, account, asked: world.asked.map(({ path }) => path) };
};
