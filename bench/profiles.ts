/** `npm run bench -- --profile`: what the steps' time goes into, beside that of their floors. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Profiler } from 'node:inspector';
import { join } from 'node:path';
import { buildFloor, bundleNamed, deployedBundles, needsOf, type Bundle } from './bundles.ts';
import { floors } from './floors.ts';
import type { oneByOne, Round } from './measure.ts';
import { garbage, intervalUs, kindsOfCalls, perOperation, profiled, spentIn, type Spent } from './profile.ts';
import { startFloor } from './recording.ts';
import { each, reading, refreshing, type Begin, type RequestName } from './requests.ts';
import { importOnce } from './subjects/cold-start.ts';
import { firstFloor, firstOurs } from './subjects/first-calls.ts';
import { startOurs } from './subjects/request-step.ts';
import type { World } from './world.ts';

/** Operations of a round: what they need is prepared for all at once, and lives for a minute. */
const operations = 80;
/** The first calls of a process, as the part `first-calls` has them. */
const firstOperations = 20;

const roundsIn = ({ quick }: World) =>
  quick ? { warming: 1, profiled: 1, processes: 1 } : { warming: 10, profiled: 6, processes: 8 };

const beginning: Readonly<Record<RequestName, Begin>> = {
  authorize: each('authorize'),
  callback: each('callback'),
  token: each('token'),
  refresh: refreshing,
  fetch: reading,
};

/** A round whose operations are profiled, without their preparation. */
const profiling =
  (into: Spent[]): typeof oneByOne =>
  (prepare, run) =>
  async (count) => {
    const made = await prepare(count);
    into.push(
      await profiled(async () => {
        for (const one of made) await run(one);
      }),
    );
    return { wallMs: Number.NaN, cpuMs: Number.NaN };
  };

type Start = (run: typeof oneByOne) => Promise<Round>;

const warmProfile = async (world: World, start: Start): Promise<Spent> => {
  const { warming, profiled: counted } = roundsIn(world);
  const spent: Spent[] = [];
  const round = await start(profiling(spent));
  for (let made = 0; made < warming + counted; made += 1) await round(operations);
  return perOperation(spent.slice(warming), counted * operations);
};

/** A column of the table: a step, and its floor. */
interface Column {
  readonly name: string;
  readonly ours: Spent;
  readonly floor: Spent;
}

const warmColumn = async (world: World, name: RequestName): Promise<Column> => ({
  name,
  ours: await warmProfile(world, (run) => startOurs(world, `profile.${name}`, beginning[name], run)),
  floor: await warmProfile(world, (run) => startFloor(world, beginning[name], floors[name], { run })),
});

const firstColumn = async (world: World, name: RequestName): Promise<Column> => {
  const spentBy = async (start: typeof firstOurs): Promise<Spent> => {
    const spent: Spent[] = [];
    const round = await start(world, name, spent);
    for (let made = 0; made < roundsIn(world).processes; made += 1) await round(firstOperations);
    return perOperation(spent, spent.length * firstOperations);
  };
  return {
    name: `first ${firstOperations}: ${name}`,
    ours: await spentBy(firstOurs),
    floor: await spentBy(firstFloor),
  };
};

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const tableText = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');

const total = (spent: Spent): number => [...spent.values()].reduce((sum, ms) => sum + ms, 0);
/** In microseconds, and behind it the floor's. */
const micros = ({ ours, floor }: Column, of: (spent: Spent) => number): string =>
  `${(of(ours) * 1000).toFixed(0)} (${(of(floor) * 1000).toFixed(0)})`;

const callsText = async (world: World): Promise<string> => {
  const columns: Column[] = [];
  for (const name of Object.keys(beginning) as RequestName[]) columns.push(await warmColumn(world, name));
  columns.push(await firstColumn(world, 'fetch'));
  const row = (what: string, of: (spent: Spent) => number) => [what, ...columns.map((column) => micros(column, of))];
  return tableText(
    ['µs of a call (of its floor)', ...columns.map(({ name }) => name)],
    [...kindsOfCalls.map((kind) => row(kind, (spent) => spent.get(kind) ?? 0)), row('all', total)],
  );
};

const compiling = 'compiling its code';
const running = 'running it';
const ofNode = "Node's own";
const kindsOfImports = [compiling, running, ofNode, garbage];

/** Imports a bundle in processes of their own. */
const importProfile = async (world: World, bundle: Bundle): Promise<Spent> => {
  const spent: Spent[] = [];
  for (let made = 0; made < roundsIn(world).processes; made += 1) {
    const folder = join(world.folder, 'profiles', bundle.name, String(made));
    await importOnce(bundle, ['--cpu-prof', `--cpu-prof-interval=${intervalUs}`, `--cpu-prof-dir=${folder}`]);
    const [file = ''] = readdirSync(folder);
    const profile = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profiler.Profile;
    spent.push(
      spentIn(profile, ({ url, functionName }) => {
        if (functionName === 'wrapSafe') return compiling;
        return url.endsWith(bundle.file) ? running : url === '' ? undefined : ofNode;
      }),
    );
  }
  return perOperation(spent, spent.length);
};

const importsText = async (world: World): Promise<string> => {
  const bundles = await deployedBundles(world);
  const rows: string[][] = [];
  for (const [name, needs] of needsOf(world, bundles)) {
    const bundle = bundleNamed(bundles, name);
    const [ours, floor] = [
      await importProfile(world, bundle),
      await importProfile(world, buildFloor(world, bundle, needs)),
    ];
    const kept = (spent: Spent) => new Map(kindsOfImports.map((kind) => [kind, spent.get(kind) ?? 0]));
    const column = { name, ours: kept(ours), floor: kept(floor) };
    rows.push([
      name,
      ...kindsOfImports.map((kind) => micros(column, (spent) => spent.get(kind) ?? 0)),
      micros(column, total),
    ]);
  }
  return tableText(['µs of an import (of its floor)', ...kindsOfImports, 'all'], rows);
};

/** What calls and imports take, by what their time goes into, in Markdown. */
export const profileText = async (world: World): Promise<string> =>
  `${await callsText(world)}\n\n${await importsText(world)}`;
