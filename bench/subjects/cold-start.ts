import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { buildBundle, buildFloor, deployedBundles, needsOf, type Bundle, type Needs } from '../bundles.ts';
import { measure, type Candidate, type Kind, type Measured, type Sample } from '../measure.ts';
import { atMost, inWords, ratios, rowsOf, seriesOf, type Budget } from '../report.ts';
import { spreadOf } from '../statistics.ts';
import type { World } from '../world.ts';
import type { Step } from './step.ts';

/** Plain CommonJS, so that it needs no loader. */
const program = `
globalThis.awslambda = { streamifyResponse: (handler) => handler };
const cpu = process.cpuUsage();
const startedAt = performance.now();
require(process.argv[1]);
const wallMs = performance.now() - startedAt;
const { user, system } = process.cpuUsage(cpu);
console.log(JSON.stringify({ wallMs, cpuMs: (user + system) / 1000, memoryMb: process.memoryUsage().rss / 1e6 }));
process.exit();
`;

/** An import, and the memory of the process after it. */
export interface Imported extends Sample {
  readonly memoryMb: number;
}

/** Imports a bundle in a fresh process. */
export const importOnce = async (
  { file, environment }: Bundle,
  nodeOptions: readonly string[] = [],
): Promise<Imported> => {
  const child = spawn(process.execPath, [...nodeOptions, '-e', program, file], {
    env: { ...process.env, ...environment, LAMBDA_TASK_ROOT: dirname(file) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  const line = output.trim().split('\n').at(-1) ?? '';
  if (code !== 0)
    throw new Error(
      errors
        .trim()
        .split('\n')
        .findLast((one) => /^\w*Error/.test(one)) ?? 'it ended early',
    );
  return JSON.parse(line) as Imported;
};

/** `dynamodb + kms alone` */
const inShort = ({ packages }: Needs): string =>
  `${packages.map((one) => one.replace(/^.*\/(?:client-)?/, '')).join(' + ')} alone`;

const floorOf = (name: string): string => `${name}'s AWS packages alone`;

const importBudgets = (measured: Measured, needs: ReadonlyMap<string, Needs>): Budget[] =>
  [...needs].map(([name, need]) => {
    const ratio = spreadOf(ratios(seriesOf(measured, name), seriesOf(measured, floorOf(name)), 'wallMs'));
    return atMost({
      name: `import of ${name} to ${inShort(need)}`,
      value: ratio.median,
      limit: 1.2,
      aim: 1.1,
      unit: ' ×',
      detail: inWords(ratio),
    });
  });

/** The import of each bundle in a fresh process: the gateway's own part of a cold start. */
export const coldStart: Step = {
  name: 'cold-start',
  run: async (world: World) => {
    const bundles = await deployedBundles(world);
    const importing = (kind: Kind, name: string, build: () => Bundle, of?: string): Candidate => ({
      name,
      kind,
      of,
      start: () => {
        const bundle = build();
        return () => importOnce(bundle);
      },
    });
    const needs = needsOf(world, bundles);
    const measured = await measure(
      [
        ...bundles.map((bundle) => importing('ours', bundle.name, () => bundle)),
        ...bundles.flatMap((bundle) => {
          const need = needs.get(bundle.name);
          return need === undefined
            ? []
            : [importing('floor', floorOf(bundle.name), () => buildFloor(world, bundle, need), bundle.name)];
        }),
        importing('peer', 'grant', () => buildBundle(world, 'grant', 'entries/grant.ts')),
        importing('peer', 'openauth', () => buildBundle(world, 'openauth', 'entries/openauth.ts')),
      ],
      { rounds: world.quick ? 1 : 30, operations: 1, warmUpOperations: world.quick ? 0 : 1 },
    );
    return {
      name: 'cold-start',
      what: 'import of each bundle in a fresh process',
      plan: measured.plan,
      rows: rowsOf(measured),
      missing: measured.missing,
      budgets: importBudgets(measured, needs),
      notes: [...needs].map(
        ([name, { made }]) =>
          `${name} makes at its import: ${made.map((one) => one.replace(/^.*\//, '')).join(', ') || 'nothing'}`,
      ),
    };
  },
};
