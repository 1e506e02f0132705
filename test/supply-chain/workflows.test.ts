import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from 'jest';
import aloneSuite from '../../jest.alone.config.ts';
import awsSuite from '../../jest.aws.config.ts';
import unitSuite from '../../jest.config.ts';
import endToEndSuite from '../../jest.e2e.config.ts';
import hardSuite from '../../jest.hard.config.ts';
import slowSuite from '../../jest.slow.config.ts';
import {
  folder,
  jobOf,
  reviewed,
  root,
  stepsOf,
  stepsUsing,
  stepUsing,
  textOf,
  workflow,
  type Job,
} from './workflow-files.ts';

/** What a workflow may write, by job. `id-token` signs in without a stored credential. */
const mayWrite: Readonly<Record<string, readonly string[]>> = {
  'codeql.yml': ['analyze: security-events'],
  'deploy.yml': ['diff: id-token', 'deploy: id-token'],
  'release.yml': ['publish: contents', 'publish: id-token', 'publish: attestations'],
};

describe.each(readdirSync(folder))('the workflow %s', (name) => {
  const text = textOf(name);
  const jobs = Object.values(workflow(name).jobs);

  it('pins actions to the reviewed commit, with its release in a comment', () => {
    const used = [...text.matchAll(/uses: *(\S+?)@(.*)$/gm)].map(([, action = '', at = '']) => [action, at]);
    expect(used.length).toBeGreaterThan(0);
    for (const [action = '', at] of used) expect([action, at]).toEqual([action, reviewed[action]]);
  });

  it('leaves no Git credential behind, fails if a step fails, and has a time limit', () => {
    for (const job of jobs) {
      for (const step of stepsUsing(job, 'actions/checkout')) expect(step.with?.['persist-credentials']).toBe(false);
      expect(job['continue-on-error']).toBeUndefined();
      // A job that is another workflow of this commit has what is checked there.
      if (job.uses === undefined) expect(job['timeout-minutes']).toBeLessThanOrEqual(120);
      else expect(job.uses).toBe('./.github/workflows/ci.yml');
      for (const step of job.steps) expect([step['continue-on-error'], step.if]).toEqual([undefined, undefined]);
    }
  });

  it('puts no text from a person or a pull request into a script', () => {
    for (const { run = '' } of jobs.flatMap(({ steps }) => steps)) expect(run).not.toContain('${{');
  });

  it('writes nothing but what is listed here, and stores no AWS key', () => {
    expect(text).not.toMatch(/: write(?!\n)(?!$)/);
    const writes = Object.entries(workflow(name).jobs).flatMap(([job, { permissions = {} }]) =>
      Object.keys(permissions).flatMap((what) => (permissions[what] === 'write' ? `${job}: ${what}` : [])),
    );
    expect(writes).toEqual(mayWrite[name] ?? []);
    expect([...text.matchAll(/: write$/gm)]).toHaveLength(writes.length);
    expect(text).not.toContain('secrets.');
    expect(text).not.toMatch(/aws-(secret-)?access-key/);
  });

  it('runs npm scripts and files that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
    const runs = jobs
      .flatMap(({ steps }) => steps)
      .map(({ run = '' }) => run)
      .join('\n');
    for (const [, script = ''] of runs.matchAll(/npm (?:run )?(test:?\w*|demo|check|release|changelog:\w+)\b/g))
      expect(Object.keys(scripts)).toContain(script);
    const files = readdirSync(join(root, '.ci')).map((file) => `.ci/${file}`);
    for (const [file] of runs.matchAll(/\.ci\/[\w-]+/g)) expect(files).toContain(file);
  });
});

describe('CI', () => {
  const { on, permissions, concurrency, jobs } = workflow('ci.yml');

  it('is canceled by a newer push to the same pull request, and never on main', () => {
    expect(concurrency).toEqual({
      group: "ci-${{ github.ref }}-${{ github.event_name == 'push' && github.sha || 'latest' }}",
      'cancel-in-progress': "${{ github.event_name == 'pull_request' }}",
    });
  });

  it('runs for each pull request, each push to main and each release, with read permission only', () => {
    expect(on).toEqual({ pull_request: null, push: { branches: ['main'] }, workflow_call: null });
    expect(permissions).toEqual({ contents: 'read' });
    for (const job of Object.values(jobs)) expect([job.permissions, job.environment]).toEqual([undefined, undefined]);
  });

  it('checks the registry, the code and every stage, and keeps the bill of materials', () => {
    const check = jobOf('ci.yml', 'check');
    expect(stepsOf(check)).toEqual([
      'actions/checkout',
      'actions/setup-node',
      'npm ci',
      '.ci/registry-checks',
      'npm run check',
      '.ci/synth-stages "$RUNNER_TEMP/assemblies"',
      'npm sbom --sbom-format cyclonedx > sbom.cdx.json',
      'actions/upload-artifact',
    ]);
    expect(check.if).toBeUndefined();
    expect(stepUsing(check, 'actions/upload-artifact')?.with).toEqual({
      name: 'sbom',
      path: 'sbom.cdx.json',
      'if-no-files-found': 'error',
      'retention-days': 90,
    });
  });

  it('runs every suite on main, so anything that can be deployed has passed them', () => {
    expect(stepsOf(jobOf('ci.yml', 'test'))).toEqual([
      'actions/checkout',
      'actions/setup-node',
      'npm ci',
      'npm ci --ignore-scripts --prefix test/postman',
      'sudo apt-get install -y --no-install-recommends jq python3-authlib',
      'npm run demo',
      'npm test -- --coverage',
      'npm run test:e2e',
    ]);
    // The tests of an upgrade need the commit of version 0.1.
    expect(stepUsing(jobOf('ci.yml', 'test'), 'actions/checkout')?.with).toEqual({
      'persist-credentials': false,
      'fetch-depth': 0,
    });
    const hard = jobOf('ci.yml', 'hard');
    expect(hard.if).toBe("github.event_name == 'push'");
    expect(stepsOf(hard)).toEqual([
      'actions/checkout',
      'actions/setup-node',
      'npm ci',
      'npm run test:hard',
      'npm run test:alone',
      "pipx install 'moto[server]~=5.1'",
      'npm run test:aws',
    ]);
    // The browser that GitHub's runners have; without one the walks in it would fail.
    expect(jobOf('ci.yml', 'test').env).toEqual({ CHROMIUM: '/usr/bin/google-chrome' });
  });

  it('requires an entry in the changelog of a pull request, compared with its base', () => {
    const changelog = jobOf('ci.yml', 'changelog');
    expect(changelog.if).toBe("github.event_name == 'pull_request'");
    expect(changelog.env).toEqual({ BASE: '${{ github.event.pull_request.base.sha }}' });
    expect(stepUsing(changelog, 'actions/checkout')?.with).toEqual({ 'persist-credentials': false, 'fetch-depth': 0 });
    expect(stepsOf(changelog).slice(2)).toEqual(['npm ci', 'npm run changelog:check -- --base "$BASE"']);
  });

  it('shows what a pull request changes in every stage, compared with its base', () => {
    const diff = jobOf('ci.yml', 'diff');
    expect(diff.if).toBe("github.event_name == 'pull_request'");
    expect(stepsUsing(diff, 'actions/checkout').map((step) => step.with)).toEqual([
      { 'persist-credentials': false },
      {
        'persist-credentials': false,
        ref: '${{ github.event.pull_request.base.sha }}',
        path: 'coverage/base',
      },
    ]);
    const runs = stepsOf(diff).slice(3);
    expect(runs.slice(0, 4)).toEqual([
      'npm ci',
      'npm ci --prefix coverage/base',
      '.ci/synth-stages "$RUNNER_TEMP/before" coverage/base',
      '.ci/synth-stages "$RUNNER_TEMP/after"',
    ]);
    expect(runs[4]).toBe(
      '.ci/show \'What this changes in every stage:\' .ci/diff-stages "$RUNNER_TEMP/before" "$RUNNER_TEMP/after"',
    );
  });

  it('names no stage, but finds them', () => {
    for (const file of ['knip.ts', '.github/workflows/ci.yml', '.ci/run', '.ci/synth-stages', '.ci/diff-stages']) {
      expect(readFileSync(join(root, file), 'utf8')).not.toMatch(/production-example|-c stage=(?!"\$stage")/);
    }
  });
});

describe('a deployment', () => {
  const { on, permissions, concurrency, jobs } = workflow('deploy.yml');
  const [ci, assemble, diff, deploy] = ['ci', 'assemble', 'diff', 'deploy'].map((name) =>
    jobOf('deploy.yml', name),
  ) as [Job, Job, Job, Job];
  const unpack = [
    'echo "$SHA256  $RUNNER_TEMP/approved/assembly.tar" | sha256sum --check --strict',
    'mkdir "$RUNNER_TEMP/assembly" && tar -xf "$RUNNER_TEMP/approved/assembly.tar" -C "$RUNNER_TEMP/assembly"',
  ].join('\n');
  const beforeCredentials = [
    'actions/checkout',
    'actions/setup-node',
    'npm ci --ignore-scripts',
    'actions/download-artifact',
    unpack,
    '.ci/check-assembly "$RUNNER_TEMP/assembly" > "$RUNNER_TEMP/files.txt"',
    'aws-actions/configure-aws-credentials',
  ];

  it('is started by hand, from main, one per stage at a time, with only the permissions that a job asks for', () => {
    expect(Object.keys(on)).toEqual(['workflow_dispatch']);
    expect(permissions).toEqual({});
    expect(concurrency).toEqual({ group: 'deploy-${{ inputs.stage }}', 'cancel-in-progress': false });
    expect(Object.keys(jobs)).toEqual(['ci', 'assemble', 'diff', 'deploy']);
    expect(ci.if).toBe("github.ref == 'refs/heads/main'");
    // A job that needs a skipped one is skipped, unless its own `if` says otherwise.
    expect([assemble, diff, deploy].map((job) => job.if)).toEqual([undefined, undefined, undefined]);
  });

  it('requires a green CI of that exact commit on main, then the assembly, then its difference', () => {
    expect([ci, assemble, diff, deploy].map(({ needs }) => needs)).toEqual([
      undefined,
      'ci',
      'assemble',
      ['assemble', 'diff'],
    ]);
    expect(ci.permissions).toEqual({ actions: 'read' });
    const [{ run = '' } = {}] = ci.steps;
    expect(run).toContain('actions/workflows/ci.yml/runs?head_sha=$GITHUB_SHA&branch=main&event=push&status=success"');
    expect(run).toMatch(/\[ "\$green" -gt 0 \] \|\| \{ .* exit 1; \}$/m);
  });

  it('is built without credentials or a way to get them, and its bill of materials is kept with it', () => {
    expect([assemble.permissions, assemble.environment]).toEqual([{ contents: 'read' }, undefined]);
    expect(stepsOf(assemble)).toEqual([
      'actions/checkout',
      'actions/setup-node',
      'npm ci',
      '.ci/registry-checks',
      'npm sbom --sbom-format cyclonedx > sbom.cdx.json',
      'npx cdk synth --quiet -c stage="$STAGE" -o "$RUNNER_TEMP/assembly"',
      expect.stringMatching(
        /^tar -cf assembly\.tar -C "\$RUNNER_TEMP\/assembly" \.\necho "sha256=\$\(sha256sum assembly\.tar/,
      ),
      'actions/upload-artifact',
    ]);
    expect(assemble.env).toEqual({ STAGE: '${{ inputs.stage }}' });
    expect(assemble.outputs).toEqual({ sha256: '${{ steps.pack.outputs.sha256 }}' });
    expect(stepUsing(assemble, 'actions/upload-artifact')?.with).toEqual({
      name: 'assembly',
      path: 'assembly.tar\nsbom.cdx.json\n',
      'if-no-files-found': 'error',
      'retention-days': 90,
    });
  });

  it('unpacks the very bytes that were packed, and no others', () => {
    const own = mkdtempSync(join(tmpdir(), 'deploy-'));
    const run = (script: string, more: Readonly<Record<string, string>> = {}): number | null =>
      spawnSync('bash', ['-e', '-c', script], {
        cwd: own,
        env: { PATH: process.env['PATH'], RUNNER_TEMP: own, GITHUB_OUTPUT: join(own, 'output'), ...more },
      }).status;
    const assembly = join(own, 'assembly');
    mkdirSync(assembly);
    writeFileSync(join(assembly, 'manifest.json'), 'made once');
    expect(run(assemble.steps.find(({ id }) => id === 'pack')?.run ?? 'false')).toBe(0);
    const [, SHA256 = ''] = /^sha256=(.*)$/m.exec(readFileSync(join(own, 'output'), 'utf8')) ?? [];
    rmSync(assembly, { recursive: true });
    mkdirSync(join(own, 'approved'));
    renameSync(join(own, 'assembly.tar'), join(own, 'approved/assembly.tar'));

    expect(run(unpack, { SHA256 })).toBe(0);
    expect(readFileSync(join(assembly, 'manifest.json'), 'utf8')).toBe('made once');
    rmSync(assembly, { recursive: true });
    appendFileSync(join(own, 'approved/assembly.tar'), 'x');
    expect(run(unpack, { SHA256 })).not.toBe(0);
    expect(readdirSync(own)).not.toContain('assembly');
    rmSync(own, { recursive: true });
  });

  const destinations = { destination: { bucketName: 'b', objectKey: 'a.zip' } };
  // https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.cloud_assembly_schema.FileSource.html
  it.each<[string, number, Readonly<Record<string, unknown>>]>([
    ['a file of it', 0, { files: { a: { source: { path: 'asset.a', packaging: 'zip' }, destinations } } }],
    ['a command that makes a file', 1, { files: { a: { source: { executable: ['sh', '-c', 'env'] } } } }],
    ['a command beside a file', 1, { files: { a: { source: { path: 'asset.a', executable: ['true'] } } } }],
    ['a file outside of it', 1, { files: { a: { source: { path: '../other' } } } }],
    ['an image', 1, { dockerImages: { a: { source: { directory: 'a' } } } }],
  ])('refuses before it has credentials to deploy what asks for more than its own files: %s', (_, status, assets) => {
    const own = mkdtempSync(join(tmpdir(), 'assembly-'));
    const put = (at: string, name: string, value: unknown): void => {
      mkdirSync(join(own, at), { recursive: true });
      writeFileSync(join(own, at, name), JSON.stringify(value));
    };
    const check = () => spawnSync(join(root, '.ci/check-assembly'), [own], { encoding: 'utf8' });
    const list = { artifacts: { 'S.assets': { type: 'cdk:asset-manifest', properties: { file: 'S.assets.json' } } } };
    for (const at of ['.', 'assembly-nested']) {
      put(at, 'manifest.json', list);
      put(at, 'S.assets.json', { files: {} });
    }
    expect([check().status, check().stdout]).toEqual([
      0,
      expect.stringMatching(/^[0-9a-f]{64} {2}\.\/S\.assets\.json$/m),
    ]);
    put('assembly-nested', 'S.assets.json', assets);
    expect(check().status).toBe(status);
    put('assembly-nested', 'S.assets.json', { files: {} });
    symlinkSync('/etc/passwd', join(own, 'asset.a'));
    expect(check().status).toBe(1);
    rmSync(own, { recursive: true });
  });

  const template = { path: 'S.template.json', packaging: 'file' };
  const destination = { bucketName: 'b', objectKey: 't.json', region: 'us-east-1' };
  const stack = { templateFile: 'S.template.json', stackTemplateAssetObjectUrl: 's3://b/t.json' };
  it.each<[string, object, object?, object?]>([
    [
      'the template of another file',
      { stack },
      { t: { source: { ...template, path: 'other.json' }, destinations: { destination } } },
    ],
    ['a template at another place', { stack: { ...stack, stackTemplateAssetObjectUrl: 's3://b/u.json' } }],
    ['a template that is nowhere uploaded', { stack: { templateFile: 'S.template.json' } }],
    [
      'two files at one place',
      { stack },
      { u: { source: { path: 'other.json', packaging: 'file' }, destinations: { destination } } },
    ],
    [
      'two files at one place, one by the name of the account',
      { stack },
      { u: { source: template, destinations: { of: { ...destination, bucketName: '${AWS::AccountId}' } } } },
    ],
    [
      'a file at two places',
      { stack },
      { t: { source: template, destinations: { destination, other: { ...destination, objectKey: 'u' } } } },
    ],
    [
      'a zip as the template',
      { stack },
      { t: { source: { ...template, packaging: 'zip' }, destinations: { destination } } },
    ],
    ['a template outside of it', { stack: { ...stack, templateFile: '../S.template.json' } }],
    ['a template at an absolute path', { stack: { ...stack, templateFile: '/etc/S.template.json' } }],
    [
      'a template whose path has a second line',
      { stack: { ...stack, templateFile: 'S.template.json\n/../../x.json' } },
    ],
    ['a nested assembly outside of it', { stack, nested: { directoryName: '../other' } }],
    ['a list of assets outside of it', { stack, more: { file: '../S.assets.json' } }],
    ['a nested stack', { stack }, {}, { N: { Type: 'AWS::CloudFormation::Stack' } }],
  ])(
    'refuses what would deploy another template than the one that is shown: %s',
    (_, changed, files = {}, more = {}) => {
      const own = mkdtempSync(join(tmpdir(), 'assembly-'));
      const check = (artifacts: object, assets: object, resources: object): number | null => {
        const put = (name: string, value: unknown): void => writeFileSync(join(own, name), JSON.stringify(value));
        const typeOf: Readonly<Record<string, string>> = {
          stack: 'aws:cloudformation:stack',
          nested: 'cdk:cloud-assembly',
        };
        const listed = Object.entries({ ...artifacts, assets: { file: 'S.assets.json' } }).map(([name, properties]) => [
          name,
          { type: typeOf[name] ?? 'cdk:asset-manifest', properties },
        ]);
        put('manifest.json', { artifacts: Object.fromEntries(listed) as object });
        put('S.assets.json', { files: { t: { source: template, destinations: { destination } }, ...assets } });
        put('S.template.json', { Resources: { R: { Type: 'AWS::SNS::Topic' }, ...resources } });
        put('other.json', {});
        return spawnSync(join(root, '.ci/check-assembly'), [own]).status;
      };

      expect(check({ stack }, {}, {})).toBe(0);
      expect(check(changed, files, more)).toBe(1);
      rmSync(own, { recursive: true });
    },
  );

  it('shows what a template says as text, in the summary and in the log', () => {
    const own = mkdtempSync(join(tmpdir(), 'show-'));
    const summary = join(own, 'summary');
    const said = 'a\n```\n<!--\r# b\n\n::add-mask::c\n::stop-commands::d\u001B[1m';
    const { status, stdout } = spawnSync(
      join(root, '.ci/show'),
      ['One', 'bash', '-c', 'printf %s "$0"; exit 3', said],
      {
        encoding: 'utf8',
        env: { ...process.env, GITHUB_STEP_SUMMARY: summary },
      },
    );
    const text = '    a\n    ```\n    <!--# b\n    \n    ::add-mask::c\n    ::stop-commands::d[1m\n';
    const [, token = ''] = /^::stop-commands::([0-9a-f]{64})\n/.exec(stdout) ?? [];

    expect(status).toBe(3);
    expect(readFileSync(summary, 'utf8').trimEnd()).toBe(`\nOne\n\n${text}`.trimEnd());
    expect(stdout.replaceAll(/\n+/g, '\n')).toBe(
      `::stop-commands::${token}\n${text}::${token}::\n`.replaceAll(/\n+/g, '\n'),
    );
    rmSync(own, { recursive: true });
  });

  it('shows the difference of that assembly before it is approved, in a role that needs no approval', () => {
    expect(diff.environment).toBe('${{ inputs.stage }}-diff');
    expect(stepsOf(diff)).toEqual([
      ...beforeCredentials,
      [
        '.ci/show "Commit $GITHUB_SHA, assembly $SHA256" npx cdk diff --no-color --method template --app "$RUNNER_TEMP/assembly"',
        '.ci/show \'Its files:\' cat "$RUNNER_TEMP/files.txt"',
      ].join('\n'),
    ]);
  });

  it('follows the approval of the stage’s environment, and deploys the same bytes without building again', () => {
    expect(deploy.environment).toBe('${{ inputs.stage }}');
    expect(stepsOf(deploy)).toEqual([
      ...beforeCredentials,
      '.ci/show \'The deployment:\' npx cdk deploy --app "$RUNNER_TEMP/assembly" --require-approval never',
    ]);
    for (const job of [diff, deploy]) {
      expect(job.permissions).toEqual({ contents: 'read', 'id-token': 'write' });
      expect(job.env).toEqual({ SHA256: '${{ needs.assemble.outputs.sha256 }}' });
      expect(stepUsing(job, 'actions/download-artifact')?.with).toEqual({
        name: 'assembly',
        path: '${{ runner.temp }}/approved',
      });
      expect(stepUsing(job, 'aws-actions/configure-aws-credentials')?.with).toEqual({
        'role-to-assume': '${{ vars.AWS_ROLE_ARN }}',
        'aws-region': '${{ vars.AWS_REGION }}',
        'mask-aws-account-id': true,
      });
    }
  });
});

/** The test files that Jest finds with a configuration. */
const filesOf = ({ testMatch = [], testPathIgnorePatterns = [] }: Config): string[] =>
  globSync(
    [testMatch].flat().map((pattern) => pattern.replace('<rootDir>/', '')),
    { cwd: root },
  ).filter(
    (file) =>
      !testPathIgnorePatterns.some((pattern) => new RegExp(pattern.replace('<rootDir>', root)).test(join(root, file))),
  );

describe('the gate', () => {
  const text = readFileSync(join(root, '.ci/run'), 'utf8');

  it('checks the registry, the code, every stage, the demo and every suite, and stops at the first failure', () => {
    expect(text).toContain('set -euo pipefail');
    const commands = [
      "\n.ci/side-by-side \\\n  .ci/packages \\\n  'npm ci --no-audit --no-fund' \\\n  'npm ci --no-audit --no-fund --prefix bench && npm ci --no-audit --no-fund --ignore-scripts --prefix test/postman &&\n    npm ci --no-audit --no-fund --prefix docs/site'\n",
      '\nnpm run changelog:check || [ $? -eq 2 ]\n',
      "\n.ci/side-by-side \\\n  '.ci/registry-checks && npm run check && npm run check --prefix bench && npm run check --prefix docs/site' \\\n  \"$once && .ci/synth-stages '$assemblies' && npm run demo && npm run demo -- --export && npm run demo -- --identity && npm run demo -- --exchange &&\n    npm run bench -- --quick\" \\\n  \"$once CI=true && npm test -- --coverage --json --outputFile=coverage/results-test.json || touch '$assemblies/failed'\"\n",
      '\n[ ! -e "$assemblies/failed" ] || status=1\nfor suite in test:slow test:alone; do\n',
      '\n.ci/sum-results.cjs coverage/results-{test,test-slow,test-alone}.json || status=$?\nexit "$status"\n',
    ];
    const places = commands.map((command) => text.indexOf(command));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  it('runs every test file but the long ones of exports, each in one suite', () => {
    const files = globSync('test/**/*.test.ts', { cwd: root }).filter(
      (file) => !/\/node_modules\/|^test\/mutation\//.test(file),
    );
    const suites = [unitSuite, endToEndSuite, awsSuite, hardSuite, aloneSuite].map(filesOf);
    // These take minutes, and run in npm run test:exports.
    const apart = ['test/exports/pace.test.ts', 'test/exports/random-kills.test.ts'];

    expect([...suites.flat(), ...apart].sort()).toEqual(files.sort());
    // The gate runs these three as one.
    expect(filesOf(slowSuite).sort()).toEqual([endToEndSuite, awsSuite, hardSuite].flatMap(filesOf).sort());
    for (const suite of suites) expect(suite).not.toEqual([]);
  });
});

describe('commands side by side', () => {
  const sideBySide = (commands: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    spawnSync(join(root, '.ci/side-by-side'), commands, { encoding: 'utf8', env: { ...process.env, ...env } });

  it('run at once, and are shown whole, in their order', () => {
    const pipes = mkdtempSync(join(tmpdir(), 'side-by-side-'));
    const env = { PIPE: join(pipes, 'pipe') };
    sideBySide(['mkfifo "$PIPE"'], env);
    // Each of them waits for the other.
    const commands = ['cat "$PIPE"', 'echo two >"$PIPE"; echo 2 >&2'];
    const { status, stdout } = sideBySide(commands, env);
    rmSync(pipes, { recursive: true });

    expect([status, stdout]).toEqual([0, `$ ${commands[0]}\ntwo\n$ ${commands[1]}\n2\n`]);
  });

  it.each([
    ['exit 3; echo more', 'true', 3],
    ['true', 'false && true', 1],
    ['false; echo more', 'exit 4', 4],
    ['echo x | false | cat', 'true', 1],
  ])('fail where one of "%s" and "%s" does', (one, other, code) => {
    const { status, stdout } = sideBySide([one, other]);

    expect(status).toBe(code);
    expect(stdout).toMatch(/^failed with \d: /m);
    expect(stdout).not.toMatch(/^more$/m);
  });
});

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
