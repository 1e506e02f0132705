import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ownEverything } from '../support/own-everything.ts';

interface Metadata {
  readonly type: string;
  readonly data?: unknown;
}

interface Acknowledgement {
  readonly at: string;
  readonly id: string;
  readonly reason: string;
}

const inEveryStage = [
  'stack: HIPAA.Security-LambdaConcurrency',
  'stack: AwsSolutions-SQS3',
  'stack: HIPAA.Security-LambdaDLQ',
  'Runtime/Policy: AwsSolutions-IAM5[Resource::*]',
  'Tables: HIPAA.Security-DynamoDBInBackupPlan',
  'Audit: HIPAA.Security-S3BucketReplicationEnabled',
  'Audit/Audit: AwsSolutions-IAM5[Resource::<AuditEvents.Arn>/stream/*]',
  'Audit/Audit: AwsSolutions-IAM5[Resource::<Grants.Arn>/stream/*]',
  'Audit/Audit: AwsSolutions-IAM5[Resource::<Registry.Arn>/stream/*]',
  'Audit/AccessLogs: HIPAA.Security-S3DefaultEncryptionKMS',
  'Events/Deliver/Executions: AwsSolutions-IAM5[Resource::<EventsDeliverFunction.Arn>:*]',
  'Events/FollowUp: AwsSolutions-IAM5[Resource::<EventsDeliverFunction.Arn>:*]',
  'Events/FollowUp: AwsSolutions-IAM5[Resource::<ExportsExportJobFunction.Arn>:*]',
  'Events/FollowUp: AwsSolutions-IAM5[Resource::<ExportsSweepFunction.Arn>:*]',
  'Events/FollowUp: AwsSolutions-IAM5[Resource::<Exports.Arn>/stream/*]',
  'Events/FollowUp: AwsSolutions-IAM5[Resource::<Grants.Arn>/stream/*]',
  'Exports/Export: AwsSolutions-IAM5[Resource::<ExportsExportJobFunction.Arn>:*]',
  'Exports/ExportJob/Executions: AwsSolutions-IAM5[Resource::<ExportsExportJobFunction.Arn>:*]',
  'Exports/Sweep/Executions: AwsSolutions-IAM5[Resource::<ExportsSweepFunction.Arn>:*]',
  'Exports/Files: HIPAA.Security-S3BucketReplicationEnabled',
  'Exports/Files: HIPAA.Security-S3BucketVersioningEnabled',
  ...['*', '*/kept', '*/manifest', '*/parts/*', '*/state/*'].map(
    (objects) => `Exports: AwsSolutions-IAM5[Resource::<ExportsFiles.Arn>/${objects}]`,
  ),
  'PayerSecrets: AwsSolutions-SMG4',
  'PayerSecrets: HIPAA.Security-SecretsManagerRotationEnabled',
  'Api/AccessLog/Policy: AwsSolutions-IAM5[Resource::*]',
  'Api/RestApi: AwsSolutions-APIG2',
  'Api/RestApi: AwsSolutions-APIG4',
  'Api/RestApi: AwsSolutions-APIG6',
  'Api/RestApi: AwsSolutions-COG4',
  'Api/RestApi: HIPAA.Security-APIGWCacheEnabledAndEncrypted',
  'Api/RestApi: HIPAA.Security-APIGWExecutionLoggingEnabled',
  'Api/RestApi: HIPAA.Security-APIGWXrayEnabled',
];
const secretsOf = (partition: string, region: string, account: string, stage: string): string =>
  `PayerSecrets/Read1: AwsSolutions-IAM5[Resource::arn:${partition}:secretsmanager:${region}:${account}:secret:p2p/${stage}/payers/*]`;
const webhooksOf = (...where: Parameters<typeof secretsOf>): string =>
  secretsOf(...where)
    .replace('PayerSecrets/Read1', 'Events/Deliver')
    .replace('/payers/', '/webhooks/');
const inDemo = [
  'stack: HIPAA.Security-LambdaInsideVPC',
  secretsOf('<AWS::Partition>', '<AWS::Region>', '<AWS::AccountId>', 'demo'),
  webhooksOf('<AWS::Partition>', '<AWS::Region>', '<AWS::AccountId>', 'demo'),
];
const inProduction = [
  secretsOf('aws', 'us-east-1', '111122223333', 'production-example'),
  webhooksOf('aws', 'us-east-1', '111122223333', 'production-example'),
  secretsOf('aws', 'us-east-1', '111122223333', 'production-example')
    .replace('Read1', 'ReadExchanges')
    .replace('/payers/', '/exchanges/'),
  'RegistryFill/FillRegistry: HIPAA.Security-LambdaInsideVPC',
  'Edge: AwsSolutions-CFR1',
  'Edge: AwsSolutions-CFR3',
  'OriginSecret: AwsSolutions-SMG4',
  'OriginSecret: HIPAA.Security-SecretsManagerRotationEnabled',
  'Edge/OriginResponse/Function: HIPAA.Security-LambdaInsideVPC',
];

const projectRoot = join(import.meta.dirname, '..', '..');
const { context } = JSON.parse(readFileSync(join(projectRoot, 'cdk.json'), 'utf8')) as {
  context: Record<string, unknown>;
};

describe('synth', () => {
  const outdir = mkdtempSync(join(tmpdir(), 'p2p-synth-test-'));
  afterAll(() => rmSync(outdir, { recursive: true, force: true }));

  /** Runs the app as the CDK's command line does. */
  const synth = (name: string, own: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}) =>
    spawnSync(process.execPath, ['bin/app.ts'], {
      cwd: projectRoot,
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        CDK_OUTDIR: join(outdir, name),
        CDK_CONTEXT_JSON: JSON.stringify({ ...context, keptBundles: process.env['P2P_KEPT_BUNDLES'], ...own }),
        ...env,
      },
      encoding: 'utf8',
    });

  /** A logical id without the hash that the CDK appends: `TablesGrantsA53A3550` becomes `Grants`. */
  const withoutHash = (id: string): string => id.replace(/<(?:Tables)?(\w+?)[0-9A-F]{8}\./, '<$1.');
  const constructAt = (path: string): string => path.split('/').slice(2).join('/') || 'stack';

  /** What the project's constructs acknowledge. The CDK acknowledges findings in its own resources itself. */
  const acknowledgementsOf = (stage: string): Acknowledgement[] => {
    const file = join(outdir, stage, `p2p-gateway-${stage}.metadata.json`);
    const metadata = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Metadata[]>;
    return Object.entries(metadata).flatMap(([path, entries]) =>
      entries
        .filter(({ type }) => type === 'aws:cdk:acknowledged-rules')
        .flatMap(({ data }) => Object.entries(data as Record<string, string>))
        .filter(([id]) => !id.startsWith('CloudFormation-Validate::'))
        .map(([id, reason]) => ({ at: constructAt(path), id: withoutHash(id.replace(/^Annotation::/, '')), reason })),
    );
  };

  describe.each(['demo', 'production-example'])('of %s', (stage) => {
    let result: ReturnType<typeof synth>;
    beforeAll(() => {
      result = synth(stage, { stage });
    });

    it('has no finding of the AWS Solutions and HIPAA Security rules, and prints nothing', () => {
      expect({ status: result.status, stdout: result.stdout, stderr: result.stderr }).toEqual({
        status: 0,
        stdout: '',
        stderr: '',
      });
      for (const file of readdirSync(join(outdir, stage)).filter((name) => name.endsWith('.json'))) {
        expect(readFileSync(join(outdir, stage, file), 'utf8')).not.toMatch(/aws:cdk:(info|warning|error)/);
      }
    });

    it('acknowledges exactly these rules, each at the construct that it concerns and with a reason', () => {
      const acknowledged = acknowledgementsOf(stage);

      expect(acknowledged.map(({ at, id }) => `${at}: ${id}`).sort()).toEqual(
        [...inEveryStage, ...(stage === 'demo' ? inDemo : inProduction)].sort(),
      );
      for (const { id, reason } of acknowledged) expect(`${id}: ${reason}`).toMatch(/: .{60,}\.$/);
    });
  });

  it('synth of a stage that brings everything of its own has no finding, with an edge and without', async () => {
    for (const edge of [true, false]) {
      const file = join(outdir, `own-${edge}.json`);
      writeFileSync(file, JSON.stringify(await ownEverything({ edge })));
      const { status, stdout, stderr } = synth(`own-${edge}`, { config: file });
      expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
    }
  });

  it('fails if a construct breaks a rule, and names the rule and the construct', () => {
    const plant = join(outdir, 'plant.mjs');
    const cdk = pathToFileURL(join(projectRoot, 'node_modules', 'aws-cdk-lib', 'index.js')).href;
    writeFileSync(
      plant,
      `import cdk from '${cdk}';
       const { synth } = cdk.Stage.prototype;
       cdk.Stage.prototype.synth = function (options) {
         new cdk.aws_s3.CfnBucket(this.node.children.find(cdk.Stack.isStack), 'Planted');
         return synth.call(this, options);
       };`,
    );

    const { status, stderr } = synth(
      'planted',
      { stage: 'demo' },
      // The CDK's own validation of the template takes longer than all the rest.
      { NODE_OPTIONS: `--import ${pathToFileURL(plant).href}`, CDK_VALIDATION: 'false' },
    );

    expect(status).not.toBe(0);
    expect(stderr).toContain('p2p-gateway-demo/Planted');
    expect(stderr).toContain('AwsSolutions-S1');
    expect(stderr).toContain('HIPAA.Security-S3DefaultEncryptionKMS');
  });

  it('prints only the problems of a bad configuration, and exits with 1', () => {
    const file = join(outdir, 'bad.json');
    writeFileSync(file, '{"stage":"bad","production":false,"payers":7,"partners":[]}');

    const { status, stderr } = synth('bad', { config: file });

    expect(status).toBe(1);
    expect(stderr.trim().split('\n')).toEqual([expect.stringContaining(`${file}: payers: `)]);
  });
});
