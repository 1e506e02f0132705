import { payerBreakers } from '../../functions/fetch/breaker/breakers.ts';
import type { Watch } from '../../functions/fetch/breaker/watch-call.ts';
import type { GatewayError, Signal } from '../../functions/shared/errors.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { limitAttributes } from '../../functions/shared/store/attributes.ts';
import { usualTimes } from '../../functions/shared/store/breaker-item.ts';
import { readerOf } from '../../functions/shared/store/items.ts';
import { turns } from './eventually.ts';
import { memoryDynamo } from './memory-dynamo.ts';
import { skewedClocks, skewedStartMs } from './skewed-clocks.ts';

interface FleetOptions {
  /** How far ahead each environment's clock is, in milliseconds. */
  readonly skewsMs?: readonly number[];
  /** Advances `setTimeout`: see `fakeTimeouts`. */
  readonly advance?: (ms: number) => void;
}

/** A call of one environment. */
export interface FleetCall {
  readonly watch: Watch;
  readonly record: { readonly requestId: string; signals?: readonly Signal[]; detail?: string };
  /** Why the breaker ended it, while it waited. */
  readonly ended: () => Error | undefined;
}

let requests = 0;

/**
 * Environments that share only one table in memory, in front of one payer. Each has its own clock.
 */
export const breakerFleet = ({ skewsMs = [0, 0, 0], advance = () => undefined }: FleetOptions = {}) => {
  const dynamo = memoryDynamo();
  const time = { ms: skewedStartMs };
  const limits = { client: dynamo.client, name: 'Limits' };
  const environments = skewedClocks(time, skewsMs).map((clock) => payerBreakers({ limits, clock, times: usualTimes }));
  const payer = { id: 'northwind', quirks: {} } as Payer;

  const admit = async (environment: number, grantId: string, partner: string, of = payer): Promise<FleetCall> => {
    const record: FleetCall['record'] = { requestId: `request-${(requests += 1)}` };
    const breakers = environments[environment]!;
    breakers.look(of.id);
    const watch = await breakers.admit({ payer: of, grant: { grantId, partner }, record });
    let reason: Error | undefined;
    watch.sent({ end: (error) => void (reason ??= error) });
    return { watch, record, ended: () => reason };
  };
  /** Passes time in small steps, so that timers fire when they are due. */
  const pass = async (ms: number): Promise<void> => {
    const step = 500;
    for (let passed = 0; passed < ms; passed += step) {
      time.ms += Math.min(step, ms - passed);
      advance(Math.min(step, ms - passed));
      await turns();
    }
  };
  const stored = () => {
    const read = readerOf(limitAttributes, dynamo.items('Limits').get('breaker#northwind') ?? {});
    return {
      grants: read('lateGrants')?.length ?? 0,
      partners: read('latePartners')?.length ?? 0,
      openForMs: read('openForMs'),
      openUntilMs: read('openUntilMs'),
      probeBy: read('probeBy'),
    };
  };
  return {
    dynamo,
    time,
    payer,
    admit,
    pass,
    stored,
    /** The refusal of a call, or undefined if it is let through. */
    refusal: async (environment: number, grantId = 'g', partner = 'p'): Promise<GatewayError | undefined> => {
      try {
        await (await admit(environment, grantId, partner)).watch.end();
        return undefined;
      } catch (error) {
        return error as GatewayError;
      }
    },
    /** Calls of these grants and partners that begin now, in turn in each environment, and that nothing answers. */
    hang: (calls: readonly (readonly [grant: string, partner: string])[]): Promise<FleetCall[]> =>
      Promise.all(calls.map(([grant, partner], index) => admit(index % environments.length, grant, partner))),
    writes: () => dynamo.calls().filter((name) => name === 'UpdateItem').length,
  };
};

/** Calls that open a breaker: of five grants and two partners. */
export const enough = ['1', '2', '3', '4', '5'].map((id) => [`grant-${id}`, `partner-${Number(id) % 2}`] as const);
