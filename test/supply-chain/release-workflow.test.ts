import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jobOf, stepsOf, stepsUsing, stepUsing, workflow } from './workflow-files.ts';

describe('a release', () => {
  const { on, permissions, concurrency, jobs } = workflow('release.yml');
  const job = (name: string) => jobOf('release.yml', name);

  it('begins with a tag of a version, and each job waits for the one before', () => {
    expect(on).toEqual({ push: { tags: ['v*'] } });
    expect(permissions).toEqual({});
    expect(concurrency).toEqual({ group: 'release-${{ github.ref }}', 'cancel-in-progress': false });
    expect(Object.entries(jobs).map(([name, { needs }]) => [name, needs])).toEqual([
      ['check', undefined],
      ['gate', 'check'],
      ['build', 'gate'],
      ['publish', 'build'],
    ]);
    // A job that needs a failed one is skipped, unless its own `if` says otherwise.
    expect(Object.values(jobs).map((one) => one.if)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('is of a commit on main, whose tag, package and changelog agree', () => {
    const check = job('check');
    // All branches: a clone of the tag alone would not have main.
    expect(stepUsing(check, 'actions/checkout')?.with).toEqual({ 'persist-credentials': false, 'fetch-depth': 0 });
    const [, , , onMain, agree] = stepsOf(check);
    expect(onMain).toMatch(/^git merge-base --is-ancestor "\$GITHUB_SHA" origin\/main \|\| \{ .* exit 1; \}$/);
    expect(agree).toBe('npm run release -- check --tag "$GITHUB_REF_NAME"');
  });

  it('passes everything that CI runs on main, with read permission only', () => {
    expect(job('gate')).toEqual({
      needs: 'check',
      permissions: { contents: 'read' },
      uses: './.github/workflows/ci.yml',
      steps: [],
    });
  });

  it('is built twice with the same bytes, without credentials or a cache that another run could fill', () => {
    const build = job('build');
    expect([build.permissions, build.environment]).toEqual([{ contents: 'read' }, undefined]);
    expect(stepUsing(build, 'actions/setup-node')?.with).toEqual({ 'node-version-file': '.nvmrc' });
    expect(stepsOf(build).slice(2, 7)).toEqual([
      'npm ci',
      '.ci/registry-checks',
      'npm run release -- build --out "$RUNNER_TEMP/release"',
      'npm run release -- build --out "$RUNNER_TEMP/again"',
      'diff --recursive "$RUNNER_TEMP/release" "$RUNNER_TEMP/again"',
    ]);
  });

  it('is published after an approval, with the bytes that were built, by steps that run nothing of the repository', () => {
    const publish = job('publish');
    expect(publish.environment).toBe('release');
    expect(stepsUsing(publish, 'actions/checkout')).toEqual([]);
    expect(publish.env).toEqual({ GH_TOKEN: '${{ github.token }}', SHA256: '${{ needs.build.outputs.sha256 }}' });
    expect(stepsOf(publish).filter((step) => step.includes('npm'))).toEqual([]);
    expect(publish.steps.at(-1)?.run).toContain(
      'gh release create "$GITHUB_REF_NAME" --repo "$GITHUB_REPOSITORY" --verify-tag --title "$GITHUB_REF_NAME" --notes-file notes.md release/*',
    );
  });

  it('has attested provenance of every file, and a bill of materials of the source', () => {
    expect(stepsUsing(job('publish'), 'actions/attest').map((step) => step.with)).toEqual([
      { 'subject-checksums': 'release/SHA256SUMS' },
      { 'subject-path': 'release/*.tar.gz', 'sbom-path': 'release/sbom.cdx.json' },
    ]);
  });

  it('unpacks the very bytes that were packed, and no others', () => {
    const own = mkdtempSync(join(tmpdir(), 'release-'));
    const run = (script = 'false', more: Readonly<Record<string, string>> = {}): number | null =>
      spawnSync('bash', ['-e', '-c', script], {
        cwd: own,
        env: { PATH: process.env['PATH'], RUNNER_TEMP: join(own, 'temp'), GITHUB_OUTPUT: join(own, 'output'), ...more },
      }).status;
    mkdirSync(join(own, 'temp/release'), { recursive: true });
    writeFileSync(join(own, 'temp/release/a.txt'), 'made once');
    const sum = createHash('sha256').update('made once').digest('hex');
    writeFileSync(join(own, 'temp/release/SHA256SUMS'), `${sum}  a.txt\n`);
    expect(run(job('build').steps.find(({ id }) => id === 'pack')?.run)).toBe(0);
    const [, SHA256 = ''] = /^sha256=(.*)$/m.exec(readFileSync(join(own, 'output'), 'utf8')) ?? [];
    const unpack = job('publish').steps.find(({ run: script }) => script?.includes('release.tar') === true)?.run;

    expect(run(unpack, { SHA256 })).toBe(0);
    expect(readdirSync(join(own, 'release')).sort()).toEqual(['SHA256SUMS', 'a.txt']);
    rmSync(join(own, 'release'), { recursive: true });
    writeFileSync(join(own, 'release.tar'), 'x', { flag: 'a' });
    expect(run(unpack, { SHA256 })).not.toBe(0);
    expect(readdirSync(own)).not.toContain('release');
    rmSync(own, { recursive: true });
  });

  it.each([
    ['what SHA256SUMS names', 'true', 0],
    ['its notes too', 'touch notes.md', 0],
    ['a file that SHA256SUMS does not name', 'touch b.txt', 1],
    ['a link to a file of the runner', 'ln -s /etc/passwd notes.md', 1],
  ])('publishes %s: %#', (_, change, status) => {
    const own = mkdtempSync(join(tmpdir(), 'release-'));
    const pack = `mkdir built; cd built; echo x > a.txt; sha256sum a.txt > SHA256SUMS; ${change}; tar -cf ../release.tar .`;
    const unpack = job('publish').steps.find(({ run }) => run?.includes('release.tar') === true)?.run;
    const script = `(${pack}); SHA256=$(sha256sum release.tar | cut -d ' ' -f 1); ${unpack}`;
    expect(spawnSync('bash', ['-e', '-c', script], { cwd: own }).status).toBe(status);
    rmSync(own, { recursive: true });
  });
});

describe('CodeQL', () => {
  it('searches every language of the repository on each pull request, push to main and week', () => {
    const { on, permissions } = workflow('codeql.yml');
    expect(on).toEqual({
      pull_request: null,
      push: { branches: ['main'] },
      schedule: [{ cron: expect.stringMatching(/^\d+ \d+ \* \* \d$/) as string }],
    });
    expect(permissions).toEqual({});
    const analyze = jobOf('codeql.yml', 'analyze');
    expect(analyze.permissions).toEqual({ contents: 'read', 'security-events': 'write' });
    expect(analyze.strategy).toEqual({
      'fail-fast': false,
      matrix: { language: ['javascript-typescript', 'actions', 'python'] },
    });
    expect(stepsOf(analyze)).toEqual(['actions/checkout', 'github/codeql-action/init', 'github/codeql-action/analyze']);
  });
});
