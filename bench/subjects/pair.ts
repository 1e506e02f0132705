import { measure } from '../measure.ts';
import { startFloor, type Remake } from '../recording.ts';
import { atLeast, inWords, ratios, rowsOf, seriesOf } from '../report.ts';
import { returningAndRedeeming } from '../requests.ts';
import { spreadOf } from '../statistics.ts';
import { requestPlan, startOurs } from './request-step.ts';
import type { Step } from './step.ts';

const openauth = 'openauth';
const floor = 'the calls of both floors';
const remake: Remake = async (replay, { calls: [consume, put, read, write], payerCalls: [exchange] }) => {
  await replay.send(consume);
  await replay.callPayer(exchange);
  for (const call of [put, read, write]) await replay.send(call);
};

/** From the payer's redirect to the partner's tokens: the time that a member waits. */
export const pair: Step = {
  name: 'pair',
  run: async (world) => {
    const measured = await measure(
      [
        { name: 'callback and token', kind: 'ours', start: () => startOurs(world, 'pair', returningAndRedeeming) },
        {
          name: floor,
          kind: 'floor',
          start: () =>
            startFloor(
              world,
              returningAndRedeeming,
              ['UpdateItem', 'payer', 'PutItem', 'GetItem', 'UpdateItem'],
              remake,
            ),
        },
        {
          name: openauth,
          kind: 'peer',
          start: async () => (await import('../peers/openauth.ts')).openauthPair(world),
        },
      ],
      requestPlan(world),
    );
    const peer = measured.series.find(({ name }) => name === openauth);
    const faster = (than: string) =>
      peer === undefined ? undefined : spreadOf(ratios(peer, seriesOf(measured, than), 'wallMs'));
    const [ours, least] = [faster('callback and token'), faster(floor)];
    return {
      name: 'pair',
      what: "callback and token, one after the other, against openauth's pair",
      plan: measured.plan,
      rows: rowsOf(measured),
      missing: measured.missing,
      budgets: [
        atLeast({
          name: 'faster than openauth',
          value: ours?.median,
          limit: 1.45,
          aim: 1.55,
          unit: ' ×',
          ...(ours === undefined ? {} : { detail: inWords(ours) }),
        }),
      ],
      notes:
        least === undefined
          ? []
          : [`the floor itself is ${inWords(least)} × faster than openauth: these calls allow no more`],
    };
  },
};
