import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAssembly } from '../../bin/shared/assembly.ts';
import { Refusal } from '../../bin/shared/errors.ts';
import { template } from '../../bin/template/template.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assembly-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: string, value: unknown): void => writeFileSync(join(folder, name), JSON.stringify(value));
const stack = { type: 'aws:cloudformation:stack', environment: 'aws://111122223333/us-gov-west-1' };

it('an assembly of the CDK is read by its manifest: one stack, its template and the folders of its code', async () => {
  const files = {
    hash1: { source: { path: 'asset.hash1', packaging: 'zip' } },
    template: { source: { path: 'pilot.template.json', packaging: 'file' } },
  };
  write('manifest.json', { artifacts: { Tree: { type: 'cdk:tree' }, pilot: stack } });
  write('pilot.assets.json', { files });
  write('pilot.template.json', { Resources: {} });

  expect(await readAssembly(folder)).toEqual({
    stackName: 'pilot',
    template: { Resources: {} },
    assets: new Map([['hash1', join(folder, 'asset.hash1')]]),
    tags: {},
    terminationProtection: false,
    region: 'us-gov-west-1',
  });
});

it('npm run template has written the whole template, and code whose files all have one time, once it says so', async () => {
  write('manifest.json', { artifacts: { pilot: stack } });
  write('pilot.assets.json', { files: { hash1: { source: { path: 'asset.hash1', packaging: 'zip' } } } });
  const resources = Object.fromEntries(
    Array.from({ length: 300 }, (_, at) => [`Topic${at}`, { Type: 'AWS::SNS::Topic' }]),
  );
  write('pilot.template.json', { Resources: resources });
  mkdirSync(join(folder, 'asset.hash1/deep/er'), { recursive: true });
  const names = Array.from({ length: 50 }, (_, at) => `deep/er/${at}.js`);
  for (const name of names) writeFileSync(join(folder, 'asset.hash1', name), 'code');
  const out = join(folder, 'out');

  const said: unknown[] = [];
  const note = (): void => {
    const { Resources } = JSON.parse(readFileSync(join(out, 'template.json'), 'utf8')) as { Resources: object };
    said.push(Object.keys(Resources).length, ...names.map((name) => statSync(join(out, 'code/hash1', name)).mtimeMs));
  };
  await template([folder, '--out', out], { output: { out: () => undefined, note } });

  expect(said).toEqual([300, ...names.map(() => Date.UTC(2000, 0, 1))]);
});

it.each([
  [{}, 'has 0 stacks instead of one.'],
  [{ Tree: { type: 'cdk:tree' } }, 'has 0 stacks instead of one.'],
  [{ one: stack, two: stack }, 'has 2 stacks instead of one.'],
])('an assembly is refused unless it has one stack: %j', async (artifacts, message) => {
  write('manifest.json', { artifacts });

  await expect(readAssembly(folder)).rejects.toThrow(new Refusal(`${folder} ${message}`));
});

it.each([['manifest.json'], ['pilot.assets.json'], ['pilot.template.json']])(
  'an assembly without its %s is refused, with the command that makes one',
  async (missing) => {
    const all = {
      'manifest.json': { artifacts: { pilot: stack } },
      'pilot.assets.json': {},
      'pilot.template.json': {},
    };
    for (const [name, value] of Object.entries(all)) if (name !== missing) write(name, value);

    await expect(readAssembly(folder)).rejects.toThrow(
      `${folder} is no assembly of the CDK: it has no ${missing} that can be read. Make one with: npx cdk synth --quiet -c stage=NAME -o ${folder}`,
    );
  },
);
