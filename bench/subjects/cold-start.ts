import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { buildBundle, deployedBundles, type Bundle } from '../bundles.ts';
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
export const importOnce = async ({ file, environment }: Bundle): Promise<Imported> => {
  const child = spawn(process.execPath, ['-e', program, file], {
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

const sdkAlone = 'the DynamoDB client alone';
const s3Alone = 'the S3 client alone';
/** What a function must load. Functions not listed need the DynamoDB client. */
const floors: Readonly<Record<string, string>> = { audit: s3Alone };
const importBudgets = (measured: Measured, bundles: readonly Bundle[]): Budget[] =>
  bundles.map(({ name }) => {
    const floor = floors[name] ?? sdkAlone;
    const ratio = spreadOf(ratios(seriesOf(measured, name), seriesOf(measured, floor), 'wallMs'));
    return atMost({
      name: `import of ${name} to ${floor}`,
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
    const candidate = (kind: Kind, bundle: Bundle): Candidate => ({
      name: bundle.name,
      kind,
      start: () => () => importOnce(bundle),
    });
    const built = (kind: Kind, name: string, entry: string): Candidate => ({
      name,
      kind,
      start: () => {
        const bundle = buildBundle(world, name, entry);
        return () => importOnce(bundle);
      },
    });
    const measured = await measure(
      [
        ...bundles.map((bundle) => candidate('ours', bundle)),
        built('floor', sdkAlone, 'entries/sdk-alone.ts'),
        built('floor', s3Alone, 'entries/s3-alone.ts'),
        built('peer', 'grant', 'entries/grant.ts'),
        built('peer', 'openauth', 'entries/openauth.ts'),
      ],
      { rounds: world.quick ? 1 : 30, operations: 1, warmUpOperations: world.quick ? 0 : 1 },
    );
    return {
      name: 'cold-start',
      what: 'import of each bundle in a fresh process',
      plan: measured.plan,
      rows: rowsOf(measured),
      missing: measured.missing,
      budgets: importBudgets(measured, bundles),
      notes: [],
    };
  },
};
