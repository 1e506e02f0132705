import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'npx-cdk-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  spawnSync(process.execPath, [...args], {
    cwd: join(import.meta.dirname, '../..'),
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '', ...env },
  });

describe('npx cdk', () => {
  const app = (context: object, env: Readonly<Record<string, string>> = {}) =>
    run(['bin/app.ts'], { CDK_CONTEXT_JSON: JSON.stringify(context), CDK_OUTDIR: join(folder, 'out'), ...env });

  it.each([
    [
      'without a stage',
      {},
      /^npx cdk: no stage is given, and there is no default; write -c stage=NAME, one of: .*\bdemo\b.*\bproduction-example\b/,
    ],
    ['with an empty stage', { stage: '' }, /^npx cdk: no stage is given/],
    [
      'with a stage and a file',
      { stage: 'demo', config: 'x.json' },
      /^npx cdk: both -c stage and -c config are given; write one of them$/,
    ],
    [
      'with stage local',
      { stage: 'local' },
      /^config\/local\.ts: stage: is "local", whose secrets are public, .*; deploy a stage of your own$/,
    ],
    ['with a stage that does not exist', { stage: 'nowhere' }, /^config\/nowhere\.ts: does not exist; /],
    ['with a folder', { config: 'config' }, /^config: is a folder|^config\/config\.ts: does not exist/],
    ['with a module that is not a stage', { stage: 'check' }, /^config\/check\.ts: has no default export; /],
  ])('%s refuses in one line, and prints nothing else', (_title, context, line) => {
    const { status, stdout, stderr } = app(context);

    expect([status, stdout]).toEqual([1, '']);
    expect(stderr.trim().split('\n')).toEqual([expect.stringMatching(line)]);
  });

  it('reports in one line that the temporary folder is not writable', () => {
    const env = { CDK_OUTDIR: '', TMPDIR: '/dev/null' };

    expect(app({ stage: 'demo' }, env).stderr).toBe(
      'npx cdk: its output folder cannot be created in /dev/null (ENOTDIR); set TMPDIR to a writable folder\n',
    );
    const started = run(['sandbox/demo.ts'], env);
    expect(started.stdout + started.stderr).toContain("The temporary folder /dev/null can't be written (ENOTDIR)");
    expect(started.stdout + started.stderr).not.toContain('    at ');
  });

  it('does not offer stage local for deployment', () => {
    expect(app({}).stderr).not.toContain('local');
  });
});
