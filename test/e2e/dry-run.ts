import { readdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localStage } from '../../config/local.ts';
import { runTool } from '../bin/run-tool.ts';
import { tools } from '../bin/tools.ts';
import type { Ended } from '../support/run-child.ts';
import { words } from '../support/words.ts';
import { connect, type RunningStack } from './support.ts';

/** Access keys that the tools give to stand-ins for AWS. The audit's function, which writes, has the name of a tool. */
const operators = new Set([...Object.keys(tools).filter((tool) => tool !== 'audit'), 'operator']);

const as = 'as arn:aws:iam::000000000000:user/';

/** Calls that change nothing. `Invoke` runs a function, which may. */
const reads = /^\w+:(?:Get\w+|List\w+|Describe\w+|Scan|Query|BatchGetItem|GenerateMac|Decrypt)$/;

/** Each command that writes, with --dry-run and without. It blocks, pauses, renames and rotates, and undoes only some. */
export const dryRuns = (running: () => RunningStack): void => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dry-run-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Runs a tool, and finds the calls by which it changed something at AWS. */
  const run = async (tool: string, args: readonly string[], input?: string): Promise<Ended & { writes: string[] }> => {
    const before = running().calls().length;
    const credentials = { AWS_ACCESS_KEY_ID: 'operator', AWS_SECRET_ACCESS_KEY: 'none', AWS_REGION: 'us-east-1' };
    const environment = { AWS_ENDPOINT_URL: running().awsEndpoint, ...credentials };
    const ended = await runTool(`${tool}.ts`, args, environment, input);
    const calls = running().calls().slice(before);
    const own = calls.filter(({ function: caller }) => operators.has(caller)).map(({ action }) => action);
    expect([ended, own.length > 0]).toEqual([ended, true]);
    return { ...ended, writes: own.filter((action) => !reads.test(action)) };
  };

  /**
   * A dry run writes nothing; the same command without it does, so that the dry run had something to leave out.
   * @param says what the dry run prints
   */
  const expectDry = async (tool: string, args: readonly string[], says: string, input?: string): Promise<void> => {
    const [command = '', ...others] = args;
    const { out, err, ...dry } = await run(tool, [command, '--dry-run', ...others], input);
    expect([args, dry]).toEqual([args, { code: 0, writes: [] }]);
    expect(out + err).toContain(says);
    expect(out + err).toMatch(/ Nothing was (?:changed|sent)\.$/m);
    const real = await run(tool, args, input);
    expect([args, real, real.writes.length > 0]).toEqual([args, expect.objectContaining({ code: 0 }), true]);
  };

  const secret = 'p2p/local/webhooks/demo-partner';

  it.each([
    [
      'partners',
      'block demo-partner --reason x',
      `Would block Demo Partner (demo-partner) at stage local, ${as}partners.`,
    ],
    [
      'partners',
      'unblock demo-partner --reason x',
      `Would unblock Demo Partner (demo-partner) at stage local, ${as}partners.`,
    ],
    ['payers', 'pause northwind --reason x', `Would pause Northwind Health (northwind) at stage local, ${as}payers.`],
    ['payers', 'resume northwind --reason x', `Would resume Northwind Health (northwind) at stage local, ${as}payers.`],
    ['partners', 'webhook demo-partner --test', 'Would send a test event to http://localhost:'],
    ['partners', 'webhook demo-partner --rotate', `${secret} would have two secrets.`],
    ['partners', 'webhook demo-partner --finish', `${secret} would have one secret.`],
  ])('nothing is written: %s %s', (tool, args, says) => expectDry(tool, [...words(args), '--stage', 'local'], says));

  it('nothing is written: payers secret', async () => {
    const file = join(folder, 'stage.json');
    const { stage: _stage, origin: _origin, lifetimes: _lifetimes, payers, ...stage } = localStage();
    // With a client secret alone, as without sign-in by identity.
    const [{ identitySignIn: _identity, publicKeys: _keys, ...demoHealthPlan } = {}, ...others] = payers;
    writeFileSync(file, JSON.stringify({ ...stage, payers: [demoHealthPlan, ...others], stage: 'try' }));
    const put = ['secret', 'demo-health-plan', '--config', file];
    await expectDry('payers', [...put, '--unchecked'], 'a client secret of 8 characters. The secret would', 'a secret');
    await expectDry('payers', [...put, '--unchecked'], 'a client secret of 7 characters. Its present', 'another');
    await expectDry('payers', [...put, '--previous'], 'p2p/try/payers/demo-health-plan would have version');
  });

  it('nothing is written: registry apply', async () => {
    const file = join(folder, 'local.json');
    const [first, ...others] = running().config.payers;
    writeFileSync(
      file,
      JSON.stringify({ ...running().config, payers: [{ ...first, displayName: 'Renamed' }, ...others] }),
    );
    await expectDry(
      'registry',
      ['apply', '--config', file, '--reason', 'a test', '--yes'],
      `Would apply this ${as}operator.`,
    );
  });

  it('nothing is written: grants end, members report, end and index, partners replay', async () => {
    const { grant_id: one = '' } = (await connect(running(), 'northwind')) as { grant_id?: string };
    const { grant_id: other = '' } = (await connect(running(), 'northwind')) as { grant_id?: string };
    const csv = join(folder, 'report.csv');

    const report = await run('members', ['report', `--grant=${one}`, '--csv', csv, '--dry-run']);
    expect([report.code, report.writes, readdirSync(folder).includes('report.csv')]).toEqual([0, [], false]);
    await expectDry('grants', ['end', '--reason', 'a test', '--', one], `Would end this grant ${as}operator.`);
    await expectDry(
      'members',
      ['end', `--grant=${other}`, '--reason', 'x', '--yes'],
      `Would end 1 grant ${as}operator.`,
    );
    const index = await run('members', ['index', '--dry-run']);
    expect([index.code, index.writes]).toEqual([0, []]);
    // Every event has arrived, so there is nothing to send again.
    const replay = await run('partners', ['replay', 'demo-partner', '--stage', 'local', '--since', '1d', '--dry-run']);
    expect([replay.code, replay.writes]).toEqual([0, []]);
  });

  it('nothing is written: restore revocations, stops', async () => {
    const since = new Date(Date.now() - 86_400_000).toISOString().replace(/\.\d+Z/, 'Z');
    for (const args of [['revocations', '--since', since], ['stops']]) {
      const dry = await run('restore', [...args, '--reason', 'a test', '--stage', 'local', '--dry-run']);
      expect([args, dry.code, dry.writes]).toEqual([args, 0, []]);
    }
  });
};
