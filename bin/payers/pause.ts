import { entryIds } from '../../functions/shared/registry/entry-items.ts';
import { isPaused } from '../../functions/shared/registry/stops.ts';
import type { StopKind } from '../shared/stop-tool.ts';

/** A payer's pause, in words. */
export const payerPause: StopKind = {
  kind: 'payer',
  idKind: 'payer id',
  stopped: 'paused',
  holds: isPaused,
  entryId: entryIds.payer,
  tool: 'payers',
  begin: ['pause', 'Paused'],
  end: ['resume', 'Resumed'],
  effect:
    'sign-ins, token calls and reads are told to come back (temporarily_unavailable, with Retry-After), and reads under ' +
    'way are cut. No grant ends.',
  endEffect: 'sign-ins, token calls and reads work again, with all grants.',
};
