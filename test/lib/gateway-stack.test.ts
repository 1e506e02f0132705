import { createHash } from 'node:crypto';
import { loadStage } from '../../config/checks/load.ts';
import { dataVersion } from '../../functions/shared/registry/data-version.ts';
import { allowOlderIn } from '../../lib/allow-older.ts';
import {
  at,
  nameOf,
  ofType,
  pathOf,
  plainly,
  property,
  stageTemplate,
  stageTemplates,
} from '../support/stage-template.ts';

const production = 'production-example';

describe.each(await stageTemplates(plainly))('the stack of %s', (stage, template) => {
  const functions = () =>
    ofType(template, 'AWS::Lambda::Function').filter((lambda) =>
      /^(Functions|Audit|Canary|Exports|Events)\//.test(pathOf(lambda)),
    );

  it('is deployed where the configuration says, and one command cannot delete it in production', () => {
    expect(template.environment).toBe(
      stage === production ? 'aws://111122223333/us-east-1' : 'aws://unknown-account/unknown-region',
    );
    expect(template.terminationProtection).toBe(stage === production);
  });

  it('outputs what payers, operators and partners need to know', () => {
    expect(Object.keys(template.Outputs).sort()).toEqual(
      [
        'ApiUrl',
        'AuditBucket',
        'AuditEventsTable',
        'LimitsTable',
        'RegistryTable',
        'DataKeyAlias',
        'PayerSecretPrefix',
        ...(stage === production ? ['EgressAddress1', 'EgressAddress2', 'EgressAddress3'] : []),
        'AlarmTopic',
        'TicketTopic',
        'GrantsTable',
        'JwksUri',
        'LoginAttemptsTable',
        'MemberIndexKeyAlias',
        'Origin',
        'RedirectUri',
      ].sort(),
    );
    const origin = template.Outputs['Origin']?.Value;
    if (stage === production) {
      expect(origin).toBe('https://gateway.plan.example.org');
      expect(template.Outputs['RedirectUri']?.Value).toBe('https://gateway.plan.example.org/oauth2/callback/{payer}');
      expect(template.Outputs['JwksUri']?.Value).toBe('https://gateway.plan.example.org/oauth2/jwks/{payer}');
    } else {
      expect(origin).toEqual(template.Outputs['ApiUrl']?.Value);
    }
  });

  it('tags its resources with the stage', () => {
    const tags: { Key: string; Value: string }[] = property(at(template, 'Tables/Grants'), 'Tags');
    expect(tags).toEqual(
      expect.arrayContaining([
        { Key: 'project', Value: 'p2p-gateway' },
        { Key: 'stage', Value: stage },
      ]),
    );
  });

  it('runs its functions on arm64 and Node 24, traced, each with its own log', () => {
    expect(functions()).toHaveLength(13);
    for (const lambda of functions()) {
      expect(lambda.Properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
        TracingConfig: { Mode: 'Active' },
      });
    }
    expect(new Set(functions().map((lambda) => JSON.stringify(property(lambda, 'LoggingConfig')))).size).toBe(13);
  });

  it('reserves concurrency for the functions that the configuration names, and for no other', () => {
    const reserved = Object.fromEntries(
      functions().map((lambda) => [pathOf(lambda).split('/')[1], property(lambda, 'ReservedConcurrentExecutions')]),
    );
    // Reserved, so that exports cannot take the concurrency that reads and sign-ins need.
    expect(reserved).toEqual(stage === production ? { Authorize: 50, Callback: 50, Token: 100, Fetch: 200 } : {});
  });

  it('updates all functions together, and keeps old code only for executions that began with it', () => {
    expect(ofType(template, 'AWS::Lambda::Alias')).toEqual([]);
    expect(ofType(template, 'AWS::CodeDeploy::DeploymentGroup')).toEqual([]);
    // Lambda@Edge has only numbered versions.
    expect(
      ofType(template, 'AWS::Lambda::Version')
        .map(pathOf)
        .filter((path) => !path.startsWith('Edge/'))
        .sort(),
    ).toEqual(
      ['Events/Deliver', 'Exports/ExportJob', 'Exports/Sweep'].map((path) => `${path}/Function/CurrentVersion`),
    );
  });

  it('runs the canary every five minutes and the search for unended reads every two, and retries neither', () => {
    const rules = Object.fromEntries(
      ofType(template, 'AWS::Events::Rule').map((rule) => [pathOf(rule), rule.Properties]),
    );
    const every = (rate: string) => ({
      ScheduleExpression: rate,
      State: 'ENABLED',
      Targets: [{ RetryPolicy: { MaximumRetryAttempts: 0 } }],
    });
    expect(Object.keys(rules)).toHaveLength(2);
    expect(rules).toMatchObject({
      'Audit/CloseReads': every('rate(2 minutes)'),
      'Canary/Schedule': every('rate(5 minutes)'),
    });
  });

  it("contains no secret's value, and nothing of the registry", async () => {
    const { partners } = await loadStage(stage);
    const text = JSON.stringify(template);
    const hashes = partners.flatMap(({ secretHashes }) => secretHashes);

    expect(hashes.length).toBeGreaterThan(0);
    expect(hashes.filter((hash) => text.includes(hash))).toEqual([]);
    expect(text.match(/resolve:ssm|"kty"|"SecretString"/g)).toBeNull();
    // A value that AWS generates and two resources refer to, so that CloudFront and the web ACL agree.
    const holding = (what: string): string[] =>
      Object.values(template.Resources)
        .filter((resource) => JSON.stringify(resource).includes(what))
        .map(pathOf)
        .sort();
    const atEdge = stage === production;
    expect(holding('GenerateSecretString')).toEqual(atEdge ? ['OriginSecret/Value1', 'OriginSecret/Value2'] : []);
    expect(holding('resolve:secretsmanager')).toEqual(atEdge ? ['Edge/Distribution', 'WebAcl/Acl'] : []);
  });

  it('gives functions names and locations, and no secret', () => {
    const values = functions().flatMap((lambda) => {
      const { Variables }: { Variables: Record<string, unknown> } = property(lambda, 'Environment');
      return Object.entries(Variables).map(([name, value]) => [name, nameOf(template, value)] as const);
    });
    const expected: Record<string, RegExp> = {
      EDGE: /^cloudfront$/,
      AUDIT_BUCKET: /^Audit\/Bucket$/,
      AUDIT_TABLE: /^Tables\/AuditEvents$/,
      LIMITS_TABLE: /^Tables\/Limits$/,
      GRANTS_TABLE: /^Tables\/Grants$/,
      EXPORTS_TABLE: /^Tables\/Exports$/,
      EXPORTS_KEY: /^Keys\/Exports$/,
      MEMBER_INDEX_KEY: /^Keys\/MemberIndex$/,
      ERRORS_URL: /^https:\/\/developers\.plan\.example\.org\/partners\/errors$/,
      EXPORTS_BUCKET: /^Exports\/Files$/,
      EXPORT_FILE_SECONDS: /^604800$/,
      EXPORT_JOB: /^Exports\/ExportJob\/Function\/CurrentVersion$/,
      SWEEP: /^Exports\/Sweep\/Function\/CurrentVersion$/,
      DELIVER: /^Events\/Deliver\/Function\/CurrentVersion$/,
      WEBHOOK_SECRET_PREFIX: /^p2p\/[a-z-]+\/webhooks\/$/,
      UV_THREADPOOL_SIZE: /^64$/,
      REGISTRY_TABLE: /^Tables\/Registry$/,
      STAGE: new RegExp(`^${stage}$`),
      LIFETIMES: /^\{("\w+":\d+,?)+\}$/,
      LOGIN_ATTEMPTS_TABLE: /^Tables\/LoginAttempts$/,
      NODE_OPTIONS: /^--max-semi-space-size=1(?: --expose-gc)?$/,
      MALLOC_ARENA_MAX: /^1$/,
      ORIGIN:
        stage === production
          ? /^https:\/\/gateway\.plan\.example\.org$/
          : /^https:\/\/Api\/RestApi\.execute-api\.\{region\}\.\{suffix\}\/demo$/,
      PAYER_SECRET_PREFIX: /^p2p\/[a-z-]+\/payers\/$/,
    };
    expect(values.length).toBeGreaterThan(10);
    expect(values.filter(([name, value]) => expected[name]?.test(value) !== true)).toEqual([]);
  });
});

/** With a context of the CDK that has only this. */
const allowed = (allowOlder?: unknown) =>
  allowOlderIn({ node: { tryGetContext: (name) => (name === 'allowOlder' ? allowOlder : undefined) } });

describe('-c allowOlder', () => {
  it('names a higher data version than this code has', () => {
    expect(allowed(String(dataVersion + 1))).toBe(dataVersion + 1);
    expect(allowed(dataVersion + 2)).toBe(dataVersion + 2);
  });

  it('is nothing if it is left out', () => {
    expect([allowed(), allowed('')]).toEqual([undefined, undefined]);
  });

  it.each([String(dataVersion), '1', '0', '-3', '3.5', 'true', '1e9', '9999999'])(
    'refuses %s, and says what to write',
    (text) => {
      expect(() => allowed(text)).toThrow(
        `allowOlder is "${text}", and this code has data version ${dataVersion}; write the higher number that the refused deployment named, or leave it out`,
      );
    },
  );
});

/** The limit of a template that the CDK uploads (CloudFormation's quotas). */
const mostBytes = 1_000_000;

/** A stage's own payers and partners, and as many more as make these numbers. */
const grown = async (stage: string, payers: number, partners: number) => {
  const config = await loadStage(stage);
  const [payer, first] = [config.payers[0], config.partners[0]];
  if (payer === undefined || first === undefined) throw new Error(`${stage} has no payer or no partner`);
  const { identityAudiences: _audiences, consentReason: _reason, ...partner } = first;
  const more = Array.from({ length: payers - config.payers.length }, (_, index) => ({
    ...payer,
    id: `plan-${index}`,
    displayName: `Plan ${index}`,
    ...(payer.brand && { brand: { ...payer.brand, otherNames: [`Former plan ${index}`] } }),
    fhirBaseUrl: `https://fhir.plan-${index}.example.org/r4`,
    fhirBaseUrlAliases: [],
  }));
  const ids = more.map(({ id }) => id);
  const apps = Array.from({ length: partners - config.partners.length }, (_, index) => ({
    ...partner,
    clientId: `app-${index}`,
    name: `App ${index}`,
    secretHashes: [createHash('sha256').update(`secret ${index}`).digest('base64url')],
    jwks: [],
    clientAuthentication: ['client_secret_basic' as const],
    payers: index === 0 ? ids : ids.slice(index * 5, index * 5 + 5),
  }));
  return { payers: [...config.payers, ...more], partners: [...config.partners, ...apps] };
};

describe.each(['demo', 'production-example'])('5,000 payers and 1,000 partners in %s', (stage) => {
  it('make the same template as a few, since nothing in the stack is for one payer once tools make secrets', async () => {
    const changes = await grown(stage, 5000, 1000);

    const few = await stageTemplate(stage, { payerSecrets: 'tool' });
    const startedAtMs = performance.now();
    const many = await stageTemplate(stage, { ...changes, payerSecrets: 'tool' });
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
    const bytes = JSON.stringify(many).length;
    process.stdout.write(`${stage}: 5,000 payers, checked and synthesized in ${seconds} s, ${bytes} bytes\n`);

    expect(changes.payers).toHaveLength(5000);
    expect(many).toEqual(few);
    expect(bytes).toBeLessThan(mostBytes / 3);
  });
});
