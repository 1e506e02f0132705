import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'stage-files-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sound = {
  stage: 'pilot',
  production: false,
  payers: [
    {
      id: 'plan',
      displayName: 'Plan',
      fhirBaseUrl: 'https://plan.test/r4',
      authorizationEndpoint: 'https://plan.test/authorize',
      tokenEndpoint: 'https://plan.test/token',
      clientId: 'gateway',
      clientAuthentication: 'client_secret_basic',
      scopes: [],
    },
  ],
  partners: [],
};
const text = JSON.stringify(sound, null, 2);
const config = (name: string): string => JSON.stringify(join(root, 'config', name));

/** The content of a file, or how it is made, and the line that it must cause: `undefined` if it is accepted. */
const files: readonly (readonly [
  name: string,
  make: string | Buffer | ((path: string) => void),
  line: RegExp | undefined,
])[] = [
  ['sound.json', text, undefined],
  ['bom.json', `\uFEFF${text}`, undefined],
  ['bom.ts', `\uFEFFexport default ${text};`, undefined],
  ['crlf.json', text.replaceAll('\n', '\r\n'), undefined],
  ['utf16.json', Buffer.from(`\uFEFF${text}`, 'utf16le'), /: is not UTF-8; save it as UTF-8$/],
  ['list.json', `[${text}]`, /: \(top level\): is an array; write an object$/],
  [
    'comma.ts',
    `export default {\n  stage: 'pilot'\n  production: false,\n};`,
    /: cannot be loaded \(line 3: .+\); correct the file$/,
  ],
  ['open.ts', `export default {\n  stage: 'pilot',\n`, /: cannot be loaded \(line [23]: .+\); correct the file$/],
  ['enum.ts', `enum Stage { a }\nexport default {};`, /: cannot be loaded \(line 1: .+\); correct the file$/],
  [
    'twice.ts',
    `const a = 1;\nconst a = 2;\nexport default {};`,
    /: cannot be loaded \(line 2: Identifier 'a' has already been declared\); /,
  ],
  [
    'itself.ts',
    `import other from './itself.ts';\nexport default { ...other };`,
    /: cannot be loaded \(Cannot access 'other' before initialization\); remove the circular import$/,
  ],
  [
    'round-a.ts',
    `import b from './round-b.ts';\nexport default { ...b };`,
    /: cannot be loaded \(Cannot access .+ before initialization\); remove the circular import$/,
  ],
  [
    'missing-import.ts',
    `import other from './nowhere.ts';\nexport default other;`,
    /: cannot be loaded \(Cannot find module .+\); correct the path in the import$/,
  ],
  [
    'no-export.ts',
    `import { nothing } from './sound.ts';\nexport default nothing;`,
    /: cannot be loaded \(line 1: .+ does not provide an export named 'nothing'\); correct the file$/,
  ],
  [
    'named.ts',
    `export const stage = ${text};`,
    /: has no default export; write "export default" before the stage's value$/,
  ],
  ['undefined.ts', `export default undefined;`, /: has no default export; /],
  [
    'function.ts',
    `export default () => (${text});`,
    /: exports a function; call it, and export the stage that it returns$/,
  ],
  [
    'promise.ts',
    `export default Promise.resolve(${text});`,
    /: exports a promise; write "await" after "export default"$/,
  ],
  [
    'rejected.ts',
    `export default Promise.reject(new Error('no'));`,
    /: exports a promise; write "await" after "export default"$/,
  ],
  ['awaited.ts', `export default await Promise.resolve(${text});`, undefined],
  [
    'throws.ts',
    `throw new Error('no luck\\nat all');\nexport default 1;`,
    /: cannot be loaded \(no luck\); correct the file$/,
  ],
  ['throws-a-text.ts', `throw 'no luck';\nexport default 1;`, /: cannot be loaded \(no luck\); correct the file$/],
  [
    'circle.ts',
    `const stage = ${text};\nstage.stage = stage;\nexport default stage;`,
    /: stage: is an object; write a string$/,
  ],
  [
    'copied.ts',
    `import { checkStage } from ${config('check.ts')};\nexport default checkStage({ ...${text}, stage: 7 }, 'config/production-example.ts');`,
    /copied\.ts: stage: is a number; write a string$/,
  ],
  [
    'preset.ts',
    `import { oneUpDemo } from ${config('presets.ts')};\nexport default { ...${text}, payers: [oneUpDemo({ id: 'plan', displayName: 'Plan', clientId: 'x', authOrigin: 'https://plan.test/oauth', apiOrigin: 'https://plan.test' })] };`,
    /: payers \(plan\)\.authOrigin: is more than an origin; write "https:\/\/plan\.test"$/,
  ],
  [
    'preset-without.ts',
    `import { oneUpDemo } from ${config('presets.ts')};\nexport default { ...${text}, payers: [oneUpDemo({ id: 'plan', displayName: 'Plan', clientId: 'x', apiOrigin: 'https://plan.test' })] };`,
    /: payers \(plan\)\.authOrigin: is missing; write a string$/,
  ],
  ['folder.json', (path) => mkdirSync(path), /: is a folder; write the path of a file in it$/],
  ['folder.ts', (path) => mkdirSync(path), /: is a folder; write the path of a file in it$/],
  ['loop.json', (path) => symlinkSync(path, path), /: is a link to itself; write the path of the file$/],
  [
    'sound.json/stage.json',
    () => {},
    /: does not exist; write the name of a stage in config\/, or the path of a \.ts or \.json file$/,
  ],
  ['dangling.json', (path) => symlinkSync(`${path}.gone`, path), /: does not exist; /],
  ['stage.yaml', 'stage: pilot', /: is neither \.ts nor \.json; write a path that ends in one of them$/],
  ['stage', text, /: is neither \.ts nor \.json; /],
];

/** One process that loads each file as the tools do, since a test runner loads modules in its own way. */
const loader = `
  import { loadStage } from ${config('checks/load.ts')};
  for (const file of process.argv.slice(1)) {
    const said = await loadStage(file).then(() => '', (error) => error.name + '\\n' + error.message);
    console.log(JSON.stringify(said));
  }`;
const run = (args: readonly string[]) =>
  spawnSync(process.execPath, [...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });

describe('a file', () => {
  const said = new Map<string, string>();
  beforeAll(() => {
    writeFileSync(join(folder, 'sound.ts'), `export default ${text};`);
    writeFileSync(join(folder, 'round-b.ts'), `import a from './round-a.ts';\nexport default { ...a };`);
    for (const [name, make] of files) {
      if (typeof make === 'function') make(join(folder, name));
      else writeFileSync(join(folder, name), make);
    }
    const paths = files.map(([name]) => join(folder, name));
    const { stdout, stderr } = run(['--input-type=module', '-e', loader, '--', ...paths]);
    expect(stderr).toBe('');
    for (const [index, line] of stdout.trim().split('\n').entries()) {
      said.set(files[index]?.[0] ?? '', JSON.parse(line) as string);
    }
  });

  it.each(files)('%s is accepted, or refused in one line', (name, _make, line) => {
    if (line === undefined) {
      expect(said.get(name)).toBe('');
      return;
    }
    const [kind, ...lines] = said.get(name)?.split('\n') ?? [];
    expect(kind).toBe('ConfigError');
    expect(lines).toEqual([expect.stringMatching(line)]);
    expect(lines[0]?.startsWith(`${join(folder, name)}: `)).toBe(true);
  });

  it('a file that this user may not read is refused in one line', () => {
    // Root may read everything, so another user must try.
    if (process.getuid?.() !== 0) return;
    // Some machines do not let the user `nobody` read the project's files.
    const reads = `process.setuid(65534); await (await import('node:fs/promises')).access(${config('checks/load.ts')});`;
    if (run(['--input-type=module', '-e', reads]).status !== 0) return;
    const path = join(folder, 'locked.json');
    writeFileSync(path, text);
    chmodSync(path, 0);
    chmodSync(folder, 0o755);
    const asNobody = `process.setuid(65534);${loader.replaceAll(/import \{ loadStage \} from (.+);/g, 'const { loadStage } = await import($1);')}`;
    const { stdout, stderr } = run(['--input-type=module', '-e', asNobody, '--', path]);
    expect(JSON.parse(stdout)).toBe(`ConfigError\n${path}: is not readable by you; change its permissions`);
    expect(stderr).not.toContain('    at ');
  });
});
