import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RunningStack } from './support.ts';

const run = promisify(execFile);
const folder = 'docs/postman';
const newman = 'test/postman/node_modules/newman/bin/newman.js';

/** What Newman reports of a run, as far as this test reads it. */
interface Report {
  readonly run: {
    readonly stats: Readonly<Record<'requests' | 'assertions', { readonly total: number }>>;
    readonly failures: readonly { readonly source?: { readonly name: string }; readonly error: { message: string } }[];
    readonly executions: readonly {
      readonly item: { readonly name: string };
      readonly response?: { readonly code: number };
    }[];
  };
}

const mostTries = 3;

/** Runs the collection as its users do, but for the ports. */
const runCollection = async (stack: RunningStack, payer: string, payerOrigin: string): Promise<Report['run']> => {
  const temporary = await mkdtemp(join(tmpdir(), 'newman-'));
  const file = join(temporary, 'report.json');
  const variables = {
    gateway: stack.origin,
    payer_origin: payerOrigin,
    redirect_uri: `${stack.urls.partner}/callback`,
  };
  const flags = [
    '--environment',
    `${folder}/${payer}.postman_environment.json`,
    ...Object.entries(variables).flatMap(([name, value]) => ['--env-var', `${name}=${value}`]),
    '--reporters',
    'json',
    '--reporter-json-export',
    file,
  ];
  const command = [newman, 'run', `${folder}/payer-to-payer.postman_collection.json`];
  // It fails where a request does; the report says which.
  await run(process.execPath, [...command, ...flags], { env: { ...process.env, NODE_OPTIONS: '' } }).catch(
    () => undefined,
  );
  const report = JSON.parse(await readFile(file, 'utf8')) as Report;
  await rm(temporary, { recursive: true, force: true });
  return report.run;
};

/** Tests of a running stack. Newman's packages are installed apart, and without them only CI fails. */
export const postman = (running: () => RunningStack): void => {
  if (!existsSync(newman)) {
    const missing = 'The Postman collection was not run: npm ci --prefix test/postman brings Newman.';
    if (process.env['CI']) throw new Error(missing);
    process.stderr.write(`${missing}\n`);
    it('needs Newman, which is not installed', () => expect(existsSync(newman)).toBe(false));
    return;
  }
  it.each([
    ['demo-health-plan', 'demoHealthPlan'],
    ['northwind', 'northwind'],
  ] as const)('passes all of its own tests, from authorize to revoke, for %s', async (payer, party) => {
    const stack = running();
    let result = await runCollection(stack, payer, stack.urls[party]);
    // On a machine that is busy with others, a function gives up on a table that is only slow.
    for (
      let tries = 1;
      result.executions.some(({ response }) => response?.code === 503) && tries < mostTries;
      tries += 1
    ) {
      result = await runCollection(stack, payer, stack.urls[party]);
    }

    const failures = result.failures.map(({ source, error }) => `${source?.name}: ${error.message}`);
    expect(failures).toEqual([]);
    // It looks at the export again until that has ended.
    expect(new Set(result.executions.map(({ item }) => item.name)).size).toBe(61);
    expect(result.stats.assertions.total).toBe(93);
  });
};
