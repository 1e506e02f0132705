import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { synthesize } from '../../sandbox/aws/synth.ts';
import { readTemplate, type LocalTemplate } from '../../sandbox/aws/template.ts';
import { stageTemplate } from '../support/stage-template.ts';

describe('the functions of the stack', () => {
  let outdir: string;
  let read: LocalTemplate;

  beforeAll(async () => {
    outdir = await mkdtemp(join(tmpdir(), 'p2p-functions-test-'));
    const { template, ...where } = await synthesize('local', join(outdir, 'local'));
    read = readTemplate(template, { ...where, origin: 'http://localhost:3000' });
  });

  /** Those that anything but CloudFormation calls, by name. */
  const serving = () =>
    read.functions.filter(({ name }) => name !== 'fillRegistry').toSorted((a, b) => (a.name < b.name ? -1 : 1));

  afterAll(() => rm(outdir, { recursive: true, force: true }));

  it('are these thirteen, each with its bundle, and with the settings of its pages if it has some', async () => {
    expect(serving().map(({ name }) => name)).toEqual([
      'audit',
      'authorize',
      'callback',
      'canary',
      'connections',
      'deliver',
      'discovery',
      'export',
      'exportJob',
      'fetch',
      'followUp',
      'sweep',
      'token',
    ]);
    const withPages = new Set(['authorize', 'callback', 'connections', 'discovery']);
    for (const { name, assetDir } of serving()) {
      const files = withPages.has(name) ? ['index.js', 'pages.json'] : ['index.js'];
      expect((await readdir(assetDir)).sort()).toEqual(files);
    }
  });

  it('are not told by S3 which objects are missing, but for sweep, which lists those of exports', () => {
    const told = read.buckets.map(({ name, notListedBy }) => [
      name,
      serving().flatMap((one) => (notListedBy.has(one.name) ? [] : [one.name])),
    ]);
    expect(Object.fromEntries(told)).toMatchObject({ files: ['sweep'], bucket: [] });
  });

  it('the function that fills the registry has the registry beside its code', async () => {
    const folder = join(outdir, 'local', 'bundles', 'fill-registry');
    expect((await readdir(folder)).sort()).toEqual(['index.js', 'registry.json']);
    const registry = JSON.parse(await readFile(join(folder, 'registry.json'), 'utf8')) as object;
    expect(Object.keys(registry).sort()).toEqual(['lifetimes', 'partners', 'payers', 'stage']);
  });

  it('have only the environment variables that they read', () => {
    const variables = Object.fromEntries(
      serving().map(({ name, environment }) => [name, Object.keys(environment).sort()]),
    );
    const reader = (...own: string[]): string[] => ['LIFETIMES', 'ORIGIN', 'REGISTRY_TABLE', 'STAGE', ...own].sort();
    const exports = ['AUDIT_TABLE', 'EXPORTS_BUCKET', 'EXPORTS_KEY', 'EXPORTS_TABLE', 'GRANTS_TABLE'];
    expect(variables).toEqual({
      audit: ['AUDIT_BUCKET', 'AUDIT_TABLE', 'STAGE'],
      authorize: reader('LOGIN_ATTEMPTS_TABLE'),
      callback: reader('GRANTS_TABLE', 'LOGIN_ATTEMPTS_TABLE', 'MEMBER_INDEX_KEY', 'PAYER_SECRET_PREFIX'),
      canary: reader('LIMITS_TABLE', 'UV_THREADPOOL_SIZE'),
      connections: reader('EXPORTS_TABLE', 'GRANTS_TABLE', 'LOGIN_ATTEMPTS_TABLE'),
      deliver: ['LIFETIMES', 'LIMITS_TABLE', 'REGISTRY_TABLE', 'STAGE', 'WEBHOOK_SECRET_PREFIX'],
      discovery: reader(),
      export: reader(...exports, 'LIMITS_TABLE', 'NODE_OPTIONS', 'PAYER_SECRET_PREFIX'),
      exportJob: reader(...exports, 'EXPORT_FILE_SECONDS', 'LIMITS_TABLE', 'MALLOC_ARENA_MAX', 'NODE_OPTIONS'),
      fetch: reader(
        'AUDIT_TABLE',
        'EXPORTS_KEY',
        'EXPORTS_TABLE',
        'GRANTS_TABLE',
        'LIMITS_TABLE',
        'NODE_OPTIONS',
        'PAYER_SECRET_PREFIX',
      ),
      followUp: ['DELIVER', 'EXPORTS_TABLE', 'EXPORT_JOB', 'LIFETIMES', 'REGISTRY_TABLE', 'STAGE', 'SWEEP'],
      sweep: ['EXPORTS_BUCKET'],
      // The last three because the stage has identity providers.
      token: reader('GRANTS_TABLE', 'PAYER_SECRET_PREFIX', 'IDENTITY', 'LIMITS_TABLE', 'MEMBER_INDEX_KEY'),
    });
  });

  it("the functions of the stack all have the same origin, which is the API's own URL if the configuration has none", async () => {
    const template = await stageTemplate('demo');
    const where = { stackName: 'p2p-gateway-demo', assetDir: () => '' };
    const demo = readTemplate(template, { ...where, origin: 'http://own-url.test' });
    const originsOf = ({ functions }: LocalTemplate): Set<string | undefined> =>
      new Set(
        functions
          .filter(({ name }) => !/^(audit|deliver|fillRegistry|followUp|sweep)$/.test(name))
          .map(({ environment }) => environment['ORIGIN']),
      );

    expect(originsOf(demo)).toEqual(new Set(['http://own-url.test']));
    expect(originsOf(read)).toEqual(new Set(['http://localhost:3000']));
  });

  it('are not deployed with more variables than Lambda takes', async () => {
    const errorsUrl = `https://errors.lakeside-plan.net/${'e'.repeat(3500)}`;
    await expect(stageTemplate('demo', { errorsUrl })).rejects.toThrow(
      /The variables have up to \d+ bytes, and Lambda takes 4096; shorten what ERRORS_URL comes from/,
    );
  });

  it("find their payers' secrets under the prefix that they are given", () => {
    const token = read.functions.find(({ name }) => name === 'token');
    expect(token?.environment['PAYER_SECRET_PREFIX']).toBe('p2p/local/payers/');
  });
});
