import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '../../config/checks/check-stage.ts';
import { loadStage, pageSettings, registryData, stageNames } from '../../config/checks/load.ts';
import { defaultPorts, localStage } from '../../config/local.ts';
import { words } from '../support/words.ts';

const folder = mkdtempSync(join(tmpdir(), 'stage-'));
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};

const refusal = async (nameOrFile: string): Promise<string> => {
  const error: unknown = await loadStage(nameOrFile).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ConfigError);
  expect(error).toHaveProperty('name', 'ConfigError');
  return (error as Error).message;
};

describe('loadStage', () => {
  it('finds the stages of config/ by name', async () => {
    expect(await loadStage('local')).toEqual(localStage());
    expect((await loadStage('demo')).stage).toBe('demo');
  });

  it('accepts a JSON or TypeScript file from anywhere', async () => {
    const text = JSON.stringify({ ...localStage(), stage: 'mine', lifetimes: {} });
    expect((await loadStage(write('stage.json', text))).stage).toBe('mine');
    expect((await loadStage(write('stage.ts', `export default ${text};`))).stage).toBe('mine');
  });

  it('says in one line that there is no stage of a name', async () => {
    expect(await refusal('nowhere')).toMatch(/^config\/nowhere\.ts: does not exist; .+$/);
  });

  const lines = (count: number): string => Array.from({ length: count }, (_, at) => `"field-${at}": ${at},\n`).join('');
  it.each([
    ['is empty', '', 'line 1: it ends too early'],
    ['ends after a bracket', '{', "line 1: Expected property name or '}'"],
    ['ends in a later line, before blank ones', `{\n${lines(10)}"last":\n\n \n`, 'line 12: it ends too early'],
    ['ends within a text', '{\n"stage": "pil', 'line 2: Unterminated string'],
    ['lacks a comma', '{\n"a": 1\n"b": 2}', "line 3: Expected ',' or '}' after property value"],
    ['has a comma too much', `{\n${lines(30)}}`, 'line 32: Expected double-quoted property name'],
    ['has a second value', '{}\n\n{}', 'line 3: Unexpected non-whitespace character'],
    ['is no JSON from the start', 'stage: pilot', 'line 1: unexpected "s"'],
    ['has a word without quotes', `{\n${lines(20)}"last": none,\n${lines(20)}"end": 1}`, 'line 22: unexpected "o"'],
    ['has a word that begins like another', `{\n${lines(3)}"last": True}`, 'line 5: unexpected "T"'],
    ['has a word that only begins well', `{\n${lines(3)}"last": trux,\n"more": nul}`, 'line 5: unexpected "x"'],
    ['has a letter for its last bracket', `{\n${lines(3)}"last": 1\nx`, 'line 6: '],
  ])('says in which line a JSON file is wrong if it %s', async (_what, text, problem) => {
    const file = write('wrong.json', text);

    expect(await refusal(file)).toContain(`${file}: is not JSON (${problem}`);
    expect((await refusal(file)).endsWith('); write one JSON object')).toBe(true);
  });

  it('treats a name with a slash as a path', async () => {
    expect(await refusal('stages/none.json')).toMatch(/^stages\/none\.json: does not exist; .+$/);
  });

  it('reports the problems that a file found in its own stage, under the name of that file', async () => {
    const check = JSON.stringify(join(import.meta.dirname, '../../config/check.ts'));
    const text = `import { checkStage } from ${check};\nexport default checkStage({ production: false, payers: [], partners: [] }, 'copied-from.ts');`;
    const file = write('own.ts', text);
    expect((await refusal(file)).replaceAll(/; .*/g, '')).toBe(`${file}: stage: is missing\n${file}: payers: is empty`);
  });

  it("refuses a copied file that kept its stage's name", async () => {
    write('copied.ts', `export default ${JSON.stringify(localStage())};`);
    await expect(loadStage('copied', folder)).rejects.toThrow(
      new ConfigError('config/copied.ts', ['stage: is "local"; write "copied", the name of the file']),
    );

    write('renamed.ts', `export default ${JSON.stringify({ ...localStage(), stage: 'renamed', lifetimes: {} })};`);
    expect(await loadStage('renamed', folder)).toMatchObject({ stage: 'renamed' });
  });

  it('finds beside the stages only the files that stages are made of, and refuses each of these as a stage', async () => {
    const names = readdirSync(join(import.meta.dirname, '../../config'), { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => name.replace(/\.ts$/, ''))
      .filter((name) => !stageNames().includes(name));

    expect(names.toSorted()).toEqual(words('check examples existing presets product-presets stage'));
    for (const name of names) expect(await refusal(name)).toContain(`config/${name}.ts: has no default export`);
  });
});

describe('stage local', () => {
  it('follows its ports', () => {
    const config = localStage({ gateway: 4000, demoHealthPlan: 4001, partner: 4002, northwind: 4003, identity: 4006 });
    expect(JSON.stringify(config)).not.toMatch(/:300\d/);
    expect(config.origin).toBe('http://localhost:4000');
    expect(config.payers[1]?.issuer).toBe('http://127.0.0.1:4003');
  });

  it("uses the local stack's key for Northwind", () => {
    const key = localStage(defaultPorts).payers[1]?.publicKeys[0];
    const northwindPublicKey = { ...key, kty: 'EC', kid: 'another' };
    expect(localStage(defaultPorts, { northwindPublicKey }).payers[1]?.publicKeys).toEqual([northwindPublicKey]);
  });

  it("knows demo-partner's secret by its hash", () => {
    const hash = createHash('sha256').update('demo-partner-secret').digest('base64url');
    expect(localStage().partners[0]?.secretHashes).toEqual([hash]);
  });

  it('calls the Demo Health Plan as its testing page shows', () => {
    expect(localStage().payers[0]).toMatchObject({
      authorizationEndpoint: 'http://127.0.0.1:3001/oauth2/authorize/payer2payer',
      tokenEndpoint: 'http://127.0.0.1:3001/oauth2/token',
      clientAuthentication: 'client_secret_post',
      scopes: [],
      patientFrom: 'search',
      quirks: { responseType: false, aud: false, pkce: false, redirectUriAtToken: false },
    });
  });
});

describe('stage demo', () => {
  it("names the testing page's public hosts and leaves the origin to the API", async () => {
    const config = await loadStage('demo');
    expect(config.origin).toBeUndefined();
    expect(config.payers[0]).toMatchObject({
      fhirBaseUrl: 'https://api.1updemohealthplan.com/r4',
      authorizationEndpoint: 'https://auth.1updemohealthplan.com/oauth2/authorize/payer2payer',
      tokenEndpoint: 'https://auth.1updemohealthplan.com/oauth2/token',
    });
  });
});

describe('registryData', () => {
  it('leaves out the fields that only the deployment needs', () => {
    expect(Object.keys(registryData(localStage())).sort()).toEqual(['lifetimes', 'partners', 'payers', 'stage']);
  });

  it('leaves out the reasons, which only reviewers of the file need', async () => {
    const config = await loadStage('production-example');
    const [partner] = config.partners;
    const reasoned = {
      ...partner!,
      pkceOptional: true,
      pkceOptionalReason: 'Its library is older than PKCE.',
      consentReason: 'Ours.',
    };

    const shipped = registryData({ ...config, partners: [reasoned] });

    expect(config.payers[0]?.quirks.pkceOffReason).toEqual(expect.any(String));
    expect(shipped.payers[0]?.quirks).toMatchObject({ pkce: false });
    expect(shipped.partners[0]).toMatchObject({ pkceOptional: true });
    expect(JSON.stringify(shipped)).not.toContain('Reason');
  });
});

describe('the settings of the pages', () => {
  it.each([
    ['of a stage with a domain', { name: 'gateway.example.org', certificateArn: 'arn' }, true],
    ['of a stage at a name of AWS’s', undefined, false],
  ])('%s say whether the domain is its own', (_, domain, expected) => {
    const { domain: _none, ...stage } = localStage();

    expect(pageSettings(domain === undefined ? stage : { ...stage, domain }).ownDomain).toBe(expected);
  });
});
