import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { type Synthesised, synthesise } from '../../sandbox/aws/synth.ts';
import { type LocalTemplate, type Resource, readTemplate } from '../../sandbox/aws/template.ts';

interface Statement {
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Effect: string;
  readonly Condition?: unknown;
}

const resourcesOf = ({ template }: Synthesised, type: string): Resource[] =>
  Object.values(template.Resources).filter(({ Type }) => Type === type);

const pathOf = ({ Metadata }: Resource): string => String(Metadata?.['aws:cdk:path']);

const property = (resource: Resource | undefined, name: string): never => resource?.Properties?.[name] as never;

/** `actions on resources`, one line for each statement of a function's role. */
const rightsOf = (synthesised: Synthesised, functionName: string): string[] => {
  const role = resourcesOf(synthesised, 'AWS::IAM::Role').find((candidate) =>
    pathOf(candidate).includes(`/Functions/${functionName}/`),
  );
  const policies: { PolicyDocument: { Statement: Statement[] } }[] = property(role, 'Policies');
  const nameOf = (resource: unknown): string => {
    const { Ref, 'Fn::GetAtt': attribute } = resource as { Ref?: string; 'Fn::GetAtt'?: [string, string] };
    const target = synthesised.template.Resources[Ref ?? attribute?.[0] ?? ''];
    if (target === undefined) return JSON.stringify(resource);
    return pathOf(target)
      .split('/')
      .slice(1)
      .join('/')
      .replace(/\/Resource$/, '');
  };
  const lines = policies.flatMap(({ PolicyDocument }) =>
    PolicyDocument.Statement.map(
      ({ Action, Resource: on, Effect }) =>
        `${Effect} ${[Action].flat().sort().join(' ')} on ${[on].flat().map(nameOf).sort().join(' ')}`,
    ),
  );
  return lines.sort();
};

/** Its own log, and no other's. */
const log = (name: string): string => `Allow logs:CreateLogStream logs:PutLogEvents on Functions/${name}/Logs`;
const readSecrets = 'Allow secretsmanager:GetSecretValue on PayerSecrets/demo-health-plan PayerSecrets/northwind';

describe('the gateway stack', () => {
  let outdir: string;
  let local: Synthesised;
  let demo: Synthesised;
  let read: LocalTemplate;

  beforeAll(async () => {
    outdir = await mkdtemp(join(tmpdir(), 'p2p-stack-test-'));
    [local, demo] = await Promise.all([
      synthesise('local', join(outdir, 'local')),
      synthesise('demo', join(outdir, 'demo')),
    ]);
    read = readTemplate(local.template, { origin: 'http://localhost:3000', assetDir: local.assetDir });
  }, 60_000);

  afterAll(() => rm(outdir, { recursive: true, force: true }));

  it('has exactly five functions, on arm64 and Node 24, with the bundle and the registry and nothing else', async () => {
    const names = read.functions.map(({ name }) => name).sort();
    expect(names).toEqual(['authorize', 'callback', 'discovery', 'fetch', 'token']);
    for (const lambda of resourcesOf(local, 'AWS::Lambda::Function')) {
      expect(lambda.Properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
      });
    }
    for (const { assetDir } of read.functions) {
      expect((await readdir(assetDir)).sort()).toEqual(['index.js', 'registry.json']);
      const registry = JSON.parse(await readFile(join(assetDir, 'registry.json'), 'utf8')) as object;
      expect(Object.keys(registry).sort()).toEqual(['lifetimes', 'partners', 'payers', 'stage']);
    }
  });

  it('gives each function only the environment that it reads, and no options to Node', () => {
    const variables = Object.fromEntries(
      read.functions.map(({ name, environment }) => [name, Object.keys(environment).sort()]),
    );
    expect(variables).toEqual({
      authorize: ['LOGIN_ATTEMPTS_TABLE', 'ORIGIN'],
      callback: ['GRANTS_TABLE', 'LOGIN_ATTEMPTS_TABLE', 'ORIGIN', 'PAYER_SECRET_PREFIX'],
      discovery: ['ORIGIN'],
      fetch: ['GRANTS_TABLE', 'NODE_OPTIONS', 'ORIGIN', 'PAYER_SECRET_PREFIX'],
      token: ['GRANTS_TABLE', 'ORIGIN', 'PAYER_SECRET_PREFIX'],
    });
  });

  it('routes exactly these paths, with every method, each to its function', () => {
    const byId = new Map(read.functions.map(({ physicalName, name }) => [physicalName, name]));
    const routes = read.routes.map(({ method, path, functionName }) => `${method} ${path} ${byId.get(functionName)}`);
    expect(routes.sort()).toEqual(
      [
        'ANY /oauth2/authorize/{payer} authorize',
        'ANY /oauth2/callback/{payer} callback',
        'ANY /oauth2/token token',
        'ANY /oauth2/revoke token',
        'ANY /oauth2/introspect token',
        'ANY /oauth2/jwks/{payer} discovery',
        'ANY /.well-known/oauth-authorization-server/r4/{payer} discovery',
        'ANY /r4/{payer}/.well-known/smart-configuration discovery',
        'ANY /r4/{payer}/.well-known/oauth-authorization-server discovery',
        'ANY /r4/{payer}/metadata discovery',
        'ANY /r4/{payer} fetch',
        'ANY /r4/{payer}/{proxy+} fetch',
      ].sort(),
    );
  });

  it('streams the FHIR route for up to 15 minutes, and nothing else', () => {
    const streamed = read.routes.filter(({ streaming }) => streaming);
    expect(streamed.map(({ path }) => path).sort()).toEqual(['/r4/{payer}', '/r4/{payer}/{proxy+}']);
    expect(streamed.every(({ timeoutMs }) => timeoutMs === 900_000)).toBe(true);
    const buffered = read.routes.filter(({ streaming }) => !streaming);
    expect(buffered.every(({ timeoutMs }) => timeoutMs === 29_000)).toBe(true);
    const timeouts = Object.fromEntries(read.functions.map(({ name, timeoutMs }) => [name, timeoutMs / 1000]));
    expect(timeouts).toEqual({ authorize: 29, callback: 29, token: 29, fetch: 840, discovery: 29 });
  });

  it('lets each function do only what it calls, on only what it calls it on', () => {
    expect(rightsOf(local, 'Authorize')).toEqual(['Allow dynamodb:PutItem on Tables/LoginAttempts', log('Authorize')]);
    expect(rightsOf(local, 'Callback')).toEqual([
      'Allow dynamodb:GetItem dynamodb:UpdateItem on Tables/LoginAttempts',
      'Allow dynamodb:PutItem on Tables/Grants',
      log('Callback'),
      readSecrets,
    ]);
    expect(rightsOf(local, 'Token')).toEqual([
      'Allow dynamodb:GetItem dynamodb:UpdateItem on Tables/Grants',
      'Allow dynamodb:PutItem on Tables/Grants',
      log('Token'),
      readSecrets,
    ]);
    expect(rightsOf(local, 'Fetch')).toEqual([
      'Allow dynamodb:GetItem dynamodb:UpdateItem on Tables/Grants',
      log('Fetch'),
      readSecrets,
    ]);
    expect(rightsOf(local, 'Discovery')).toEqual([log('Discovery')]);
  });

  it('lets token put only items that remember a client assertion', () => {
    const role = resourcesOf(local, 'AWS::IAM::Role').find((candidate) => pathOf(candidate).includes('/Token/'));
    const [policy]: { PolicyDocument: { Statement: Statement[] } }[] = property(role, 'Policies');
    const put = policy?.PolicyDocument.Statement.filter(({ Action }) => Action === 'dynamodb:PutItem');
    expect(put?.map(({ Condition }) => Condition)).toEqual([
      {
        'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['jti.*'] },
        Null: { 'dynamodb:LeadingKeys': 'false' },
      },
    ]);
  });

  it('gives no role a managed policy, and has no policy beside the roles', () => {
    const roles = resourcesOf(local, 'AWS::IAM::Role');
    expect(roles).toHaveLength(5);
    expect(roles.every(({ Properties }) => Properties?.['ManagedPolicyArns'] === undefined)).toBe(true);
    expect(resourcesOf(local, 'AWS::IAM::Policy')).toEqual([]);
    expect(resourcesOf(local, 'AWS::IAM::ManagedPolicy')).toEqual([]);
    expect(JSON.stringify(roles)).not.toMatch(/"[^"]*\*"(?!\])/);
  });

  it('has two tables on demand, with a TTL and no index', () => {
    const tables = resourcesOf(local, 'AWS::DynamoDB::Table');
    expect(tables).toHaveLength(2);
    for (const { Properties = {} } of tables) {
      expect(Properties['BillingMode']).toBe('PAY_PER_REQUEST');
      expect(Properties['TimeToLiveSpecification']).toEqual({ AttributeName: 'expiresAt', Enabled: true });
      expect(Properties).not.toHaveProperty('GlobalSecondaryIndexes');
      expect(Properties).not.toHaveProperty('LocalSecondaryIndexes');
    }
    const keys = Object.fromEntries(read.tables.map(({ name, keySchema }) => [name, keySchema]));
    expect(keys).toEqual({
      loginAttempts: [{ AttributeName: 'stateHash', KeyType: 'HASH' }],
      grants: [{ AttributeName: 'grantId', KeyType: 'HASH' }],
    });
  });

  it('makes one secret a payer, under the prefix that the functions know, without a value', () => {
    expect(read.secretNames).toEqual(['p2p/local/payers/demo-health-plan', 'p2p/local/payers/northwind']);
    const token = read.functions.find(({ name }) => name === 'token');
    expect(token?.environment['PAYER_SECRET_PREFIX']).toBe('p2p/local/payers/');
    for (const { Properties = {} } of resourcesOf(local, 'AWS::SecretsManager::Secret')) {
      expect(Properties).not.toHaveProperty('SecretString');
      expect(Properties).not.toHaveProperty('GenerateSecretString');
    }
  });

  it("takes the API's own URL as the origin where the configuration names none", () => {
    const { functions } = readTemplate(demo.template, { origin: 'http://own-url.test', assetDir: demo.assetDir });
    expect(new Set(functions.map(({ environment }) => environment['ORIGIN']))).toEqual(
      new Set(['http://own-url.test']),
    );
    expect(read.functions[0]?.environment['ORIGIN']).toBe('http://localhost:3000');
  });

  it('is synthesised without a warning', async () => {
    for (const stage of ['local', 'demo']) {
      for (const file of await readdir(join(outdir, stage))) {
        if (file.endsWith('.json')) {
          expect(await readFile(join(outdir, stage, file), 'utf8')).not.toMatch(/aws:cdk:(warning|error)/);
        }
      }
    }
  });

  it('prints only what is wrong with a bad configuration, and exits with 1', async () => {
    const file = join(outdir, 'bad.json');
    await writeFile(file, '{"stage":"bad","payers":7,"partners":[]}');
    const env = {
      ...process.env,
      NODE_OPTIONS: '',
      CDK_OUTDIR: join(outdir, 'bad'),
      CDK_CONTEXT_JSON: JSON.stringify({ config: file }),
    };
    const { status, stderr } = spawnSync(process.execPath, ['bin/app.ts'], { env, encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr.trim().split('\n')).toEqual([expect.stringContaining(`${file}: payers: `)]);
  });
});
