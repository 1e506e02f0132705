import { entryIds } from '../../functions/shared/registry/entry-items.ts';
import { isBlocked } from '../../functions/shared/registry/stops.ts';
import type { StopKind } from '../shared/stop-tool.ts';

/** A partner's block, in words. */
export const partnerBlock: StopKind = {
  kind: 'partner',
  idKind: 'client id',
  stopped: 'blocked',
  holds: isBlocked,
  entryId: entryIds.partner,
  tool: 'partners',
  begin: ['block', 'Blocked'],
  end: ['unblock', 'Unblocked'],
  effect: 'its sign-ins, token calls and reads are refused, and its reads under way are cut. Its grants stay.',
  endEffect:
    'its calls work again, with all grants that it had. End those that should not: npm run grants -- end ID --reason TEXT',
};
