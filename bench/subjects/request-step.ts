import { dynamoClient } from '../../functions/shared/store/dynamo.ts';
import type { Floor } from '../floors.ts';
import { gatewayOver } from '../gateway.ts';
import {
  measure,
  oneAfterAnother,
  oneByOne,
  type Candidate,
  type Measured,
  type Plan,
  type Round,
  type Series,
} from '../measure.ts';
import { startFloor } from '../recording.ts';
import { atMost, inWords, ratios, rowsOf, type Section } from '../report.ts';
import type { Begin } from '../requests.ts';
import { spreadOf } from '../statistics.ts';
import { makeTables, plantIn, type World } from '../world.ts';
import type { Step } from './step.ts';

/**
 * Many short rounds, since the ratio of two rounds close in time is more reliable than that of two long ones. V8 has compiled
 * all it will after some 3,000 calls.
 */
export const requestPlan = ({ quick, trial }: World): Plan =>
  trial?.plan ??
  (quick ? { rounds: 2, operations: 2, warmUpOperations: 1 } : { rounds: 24, operations: 20, warmUpOperations: 3000 });

/** A round of requests to a gateway with its own tables and connection. */
export const startOurs = async (
  { registry, trial }: Pick<World, 'registry' | 'trial'>,
  name: string,
  begin: Begin,
  run: typeof oneByOne = oneByOne,
): Promise<Round> => {
  const tables = await makeTables(name);
  const gateway = gatewayOver({ tables, client: dynamoClient(), registry, plant: plantIn({ trial }, name) });
  return run(oneAfterAnother(begin(gateway)), (send) => send());
};

/** What a section of one kind of request says beside its figures. */
interface RequestSection {
  readonly name: string;
  readonly what: string;
  /** How much longer than its floor a request may take: 1.2, and the aim is 1.1, unless these say otherwise. */
  readonly limit?: number;
  readonly aim?: number;
  readonly notes?: readonly string[];
}

/** How much more CPU time than its floor a request may take. */
const cpuLimits = { limit: 1.3, aim: 1.15 };

const ofKind = ({ series }: Measured, kind: Series['kind']): Series => {
  const found = series.find((one) => one.kind === kind);
  if (found === undefined) throw new Error(`${kind} was not measured`);
  return found;
};

/** The gateway's requests, their floor and peers, as a section of the report. */
export const requestSection = (
  { name, what, limit = 1.2, aim = 1.1, notes = [] }: RequestSection,
  measured: Measured,
): Section => {
  const toFloor = (field: 'wallMs' | 'cpuMs') =>
    spreadOf(ratios(ofKind(measured, 'ours'), ofKind(measured, 'floor'), field));
  const [wall, cpu] = [toFloor('wallMs'), toFloor('cpuMs')];
  return {
    name,
    what,
    plan: measured.plan,
    rows: rowsOf(measured),
    missing: measured.missing,
    budgets: [
      atMost({ name: 'wall time to its floor', value: wall.median, limit, aim, unit: ' ×', detail: inWords(wall) }),
      atMost({ name: 'CPU time to its floor', value: cpu.median, ...cpuLimits, unit: ' ×', detail: inWords(cpu) }),
    ],
    notes,
  };
};

interface RequestStep extends RequestSection {
  readonly requests: Begin;
  readonly floor: Floor;
  readonly peers: Readonly<Record<string, (world: World) => Promise<Round>>>;
}

/** A step that is one request: the gateway's, its floor, and peers. */
export const requestStep = ({ requests, floor, peers, ...section }: RequestStep): Step => ({
  name: section.name,
  run: async (world) => {
    const candidates: Candidate[] = [
      { name: section.name, kind: 'ours', start: () => startOurs(world, section.name, requests) },
      {
        name: floor.name,
        kind: 'floor',
        start: () => startFloor(world, requests, floor),
      },
      ...Object.entries(world.trial === undefined ? peers : {}).map(([peer, start]): Candidate => ({
        name: peer,
        kind: 'peer',
        start: () => start(world),
      })),
    ];
    return requestSection(section, await measure(candidates, requestPlan(world)));
  },
});
