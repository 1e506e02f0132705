import { dynamoClient } from '../../functions/shared/store/dynamo.ts';
import { floors } from '../floors.ts';
import { gatewayOver } from '../gateway.ts';
import {
  measure,
  oneAfterAnother,
  twoSteps,
  type Candidate,
  type Measured,
  type Round,
  type Sample,
} from '../measure.ts';
import { remake, startRecording, startReplay } from '../recording.ts';
import { atLeast, figure, inWords, ratios, rowsOf, type Section } from '../report.ts';
import { returningAndRedeeming } from '../requests.ts';
import { spreadOf } from '../statistics.ts';
import { authorizeEvent, callbackEvent, pairOf, redeemEvent } from '../walk.ts';
import { makeTables, plantIn, type World } from '../world.ts';
import { requestPlan, requestSection } from './request-step.ts';
import type { Step } from './step.ts';

type Apart = readonly [callback: Sample[], token: Sample[]];

const startOurs = async (world: World, apart: Apart): Promise<Round> => {
  const tables = await makeTables('sign-in');
  const plant = plantIn(world, 'sign-in');
  const gateway = gatewayOver({ tables, client: dynamoClient(), registry: world.registry, plant });
  return twoSteps(
    oneAfterAnother(async () => callbackEvent(await gateway.authorize(authorizeEvent()))),
    [
      async (event) => redeemEvent(await gateway.callback(event)),
      async (event) => void pairOf(await gateway.token(event)),
    ],
    apart,
  );
};

/** Records both requests as one, and repeats the calls of each. */
const startFloor = async (world: World, apart: Apart): Promise<Round> => {
  const { callback, token } = floors;
  const record = await startRecording(world, returningAndRedeeming, { calls: [...callback.calls, ...token.calls] });
  const replay = startReplay();
  return twoSteps(
    oneAfterAnother(record),
    [
      async (recording) => {
        await remake(replay, recording.slice(0, callback.calls.length));
        return recording.slice(callback.calls.length);
      },
      (recording) => remake(replay, recording),
    ],
    apart,
  );
};

/** What takes part in both steps. */
const subjects = [
  { name: 'ours', kind: 'ours', of: ['callback', 'token', 'callback and token'], start: startOurs },
  {
    name: 'floor',
    kind: 'floor',
    of: [floors.callback.name, floors.token.name, 'the calls of both floors'],
    start: startFloor,
  },
  {
    name: 'openauth',
    kind: 'peer',
    of: ['openauth', 'openauth', 'openauth'],
    start: async (world: World, apart: Apart) => (await import('../peers/openauth.ts')).openauthSignIn(world, apart),
  },
] as const;
const grant = 'grant';

/** One of the two steps, or both together, for every subject. */
const partOf = (measured: Measured, part: 0 | 1 | 2, apart: ReadonlyMap<string, Apart>): Measured => ({
  ...measured,
  // It issues no tokens.
  missing: measured.missing.filter(({ name }) => part === 0 || name !== grant),
  series: measured.series.flatMap((series) => {
    const subject = subjects.find(({ name }) => name === series.name);
    if (subject === undefined) return part === 0 ? [series] : [];
    const timed = part === 2 ? series.samples : (apart.get(series.name)?.[part] ?? []);
    return [{ ...series, name: subject.of[part], samples: timed.slice(-series.samples.length) }];
  }),
});

/** From the payer's redirect to the partner's tokens: the time that a member waits. */
const pairSection = (measured: Measured): Section => {
  const of = (kind: string) => measured.series.find((series) => series.kind === kind);
  const [peer, ours, floor] = [of('peer'), of('ours'), of('floor')];
  const faster = (than: typeof ours) =>
    peer === undefined || than === undefined ? undefined : spreadOf(ratios(peer, than, 'wallMs'));
  const [pair, least] = [faster(ours), faster(floor)];
  return {
    name: 'pair',
    what: "callback and token, one after the other, against openauth's pair",
    plan: measured.plan,
    rows: rowsOf(measured),
    missing: measured.missing,
    budgets: [
      atLeast({
        name: 'faster than openauth',
        value: pair?.median,
        limit: 1.45,
        aim: 1.55,
        unit: ' ×',
        ...(pair === undefined ? {} : { detail: inWords(pair) }),
      }),
    ],
    // These calls allow no more.
    figures: least === undefined ? [] : [figure('the floor itself: faster than openauth', least)],
    notes: [],
  };
};

/** The callback and the redemption of the same sign-ins: each step, and both. */
export const signIn: Step = {
  name: 'sign-in',
  run: async (world) => {
    const apart = new Map(subjects.map(({ name }): [string, Apart] => [name, [[], []]]));
    const candidates: Candidate[] = [
      ...subjects.map(({ name, kind, start }) => ({
        name,
        kind,
        start: () => start(world, apart.get(name) ?? [[], []]),
      })),
      {
        name: grant,
        kind: 'peer',
        start: async () => (await import('../peers/grant.ts')).grantCallback(world),
      },
    ];
    const measured = await measure(
      candidates.filter(({ kind }) => world.trial === undefined || kind !== 'peer'),
      requestPlan(world),
    );
    const part = (index: 0 | 1 | 2): Measured => partOf(measured, index, apart);
    return [
      requestSection({ name: 'callback', what: 'from the payer back to the partner' }, part(0)),
      requestSection({ name: 'token', what: 'the code for a pair of tokens' }, part(1)),
      pairSection(part(2)),
    ];
  },
};
