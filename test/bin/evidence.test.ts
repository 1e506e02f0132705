import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { criteria } from '../../bin/evidence/criteria.ts';
import { evidence, evidenceOf } from '../../bin/evidence/evidence.ts';
import { settings, type SettingName } from '../../bin/evidence/settings.ts';
import { loadStage } from '../../config/checks/load.ts';
import { stages, stageTemplate, type StageTemplate } from '../support/stage-template.ts';
import { tools } from './tools.ts';

const root = join(import.meta.dirname, '../..');
const date = '2026-12-01';

/** Standards and implementation specifications of 45 CFR 164.312. */
const safeguards = [
  '(a)(1)',
  '(a)(2)(i)',
  '(a)(2)(ii)',
  '(a)(2)(iii)',
  '(a)(2)(iv)',
  '(b)',
  '(c)(1)',
  '(c)(2)',
  '(d)',
  '(e)(1)',
];
const inTransmission = ['(e)(2)(i)', '(e)(2)(ii)'];

/** The template without a property of the first resource of a type. */
const without = (template: StageTemplate, type: string, name: string): StageTemplate => {
  const copy = structuredClone(template) as {
    Resources: Record<string, { Type: string; Properties?: Record<string, unknown> }>;
  };
  delete Object.values(copy.Resources).find((one) => one.Type === type)?.Properties?.[name];
  return copy as unknown as StageTemplate;
};

describe.each(stages)('the evidence for %s', (stage) => {
  const made = async (change: (template: StageTemplate) => StageTemplate = (one) => one) =>
    evidenceOf(await loadStage(stage), change(await stageTemplate(stage)), date);

  it('has each safeguard of HIPAA, with what the template has, tests that there are, and queries that the tools read', async () => {
    const { files, failing } = await made();
    expect(failing).toEqual([]);
    const rows = criteria.filter(({ id }) => id.startsWith('164.312')).map(({ id }) => id.replace('164.312', ''));
    expect(rows).toEqual([...safeguards, ...inTransmission]);
    for (const { id, tests, query, settings: names, note } of criteria) {
      expect(files['controls.md']).toContain(`| ${id} `);
      expect([id, tests.filter((test) => !existsSync(join(root, test)))]).toEqual([id, []]);
      expect([id, tests.length + names.length > 0 || note !== undefined]).toEqual([id, true]);
      const [, name = '', words = ''] = /^npm run (\S+)(?: -- (.*))?$/.exec(query ?? '') ?? [];
      if (name === '') continue;
      const args = words
        .split(' ')
        .filter(Boolean)
        .map((word) => word.replace('NAME', stage).replace('GRANT', 'x'.repeat(22)));
      expect(() => tools[name as keyof typeof tools].read(args)).not.toThrow();
    }
  });

  it('asks whether it is encrypted of each kind of resource that has a key of the stage', async () => {
    const { Resources: resources } = await stageTemplate(stage);
    const keys = Object.keys(resources).filter((id) => resources[id]?.Type === 'AWS::KMS::Key');
    const withKey = Object.values(resources).filter(({ Properties }) =>
      keys.some((id) => JSON.stringify(Properties ?? {}).includes(`["${id}","Arn"]`)),
    );
    // Rights to use a key, its name, and functions that name it to KMS.
    const others = /^AWS::(?:IAM|KMS|Lambda)::/;
    const kinds = new Set(withKey.map(({ Type }) => Type).filter((type) => !others.test(type)));
    const asked = criteria.find(({ id }) => id === '164.312(a)(2)(iv)')?.settings.map((name) => settings[name].type);
    expect([...kinds].sort()).toEqual(asked?.toSorted());
  });

  it('says for each setting which resource lacks it', async () => {
    const types: Partial<Record<SettingName, string>> = {
      tablesEncrypted: 'SSESpecification',
      tablesRecoverable: 'PointInTimeRecoverySpecification',
      queuesEncrypted: 'KmsMasterKeyId',
      topicsEncrypted: 'KmsMasterKeyId',
      topicsByTls: 'PolicyDocument',
      logsEncrypted: 'KmsKeyId',
      logsEnd: 'RetentionInDays',
      accessLog: 'AccessLogSetting',
      alarmsTell: 'AlarmActions',
      secretsEncrypted: 'KmsKeyId',
      bucketsClosed: 'PublicAccessBlockConfiguration',
      bucketsByTls: 'PolicyDocument',
    };
    for (const [name, property] of Object.entries(types)) {
      const { what, type } = settings[name as SettingName];
      const { failing, files } = await made((template) => without(template, type, property));
      expect(failing.filter((line) => line.startsWith(`${what}: **not** `))).toHaveLength(1);
      expect(files['README.md']).toContain('Settings that do not hold');
    }
  });

  it('has the times of the stage, and refuses a service that nobody has judged', async () => {
    const { files } = await made();
    const days =
      stage === 'demo'
        ? { audit: '90 days, locked for a day', logs: '90 days' }
        : { audit: '2192 days, all of them locked', logs: '400 days' };
    const row = (what: string): string | undefined =>
      files['retention.md']
        ?.split('\n')
        .find((line) => line.startsWith(`| ${what} `))
        ?.split('|')[2]
        ?.trim();
    expect([row('audit events'), row('logs'), row('events that Lambda gave up')]).toEqual([
      days.audit,
      days.logs,
      '14 days',
    ]);
    expect(row('files of exports')).toBe(
      "7 days after the export's end; then unreadable, and deleted by a sweep. What it misses, S3 deletes 11 days after it was written, at the next midnight UTC or some time later",
    );
    expect(row('what durable executions did')).toBe(
      'Events/Deliver 30 days, Exports/ExportJob 7 days, Exports/Sweep 1 day',
    );
  });

  it('has every AWS service that its template names, each with health data as AWS lists it, and refuses one that nobody has judged', async () => {
    const { files } = await made();
    const rows = (files['services.md'] ?? '').split('\n').flatMap((line) => {
      const [, name, healthData = '', eligible = ''] = line.split('|').map((cell) => cell.trim());
      return name === undefined || /^(service|-+)$/.test(name) ? [] : [{ name, healthData, eligible }];
    });
    expect(
      rows.filter(({ healthData, eligible }) => !healthData.startsWith('none') && !eligible.startsWith('yes: ')),
    ).toEqual([]);
    const everywhere = `API Gateway, CloudFormation, CloudWatch, CloudWatch Logs, DynamoDB, EventBridge, IAM, KMS, Lambda, S3, SNS, SQS,
      STS, Secrets Manager, WAF, X-Ray`;
    const inProduction = 'Certificate Manager, CloudFront and Lambda@Edge, EC2 (VPC), Route 53';
    const expected = `${everywhere},${stage === 'demo' ? '' : inProduction}`.split(',').map((name) => name.trim());
    expect(rows.map(({ name }) => name).toSorted()).toEqual(expected.filter(Boolean).toSorted());
    expect(files['services.md']).toContain('https://aws.amazon.com/compliance/hipaa-eligible-services-reference/');
    // A type, a right, a principal and an endpoint, each of a service that no row is about.
    for (const [Type, Properties] of [
      ['AWS::Bedrock::Agent', {}],
      ['AWS::IAM::ManagedPolicy', { Action: ['comprehend:DetectEntities'] }],
      ['AWS::IAM::Role', { Principal: { Service: 'glue.amazonaws.com' } }],
      ['AWS::EC2::VPCEndpoint', { ServiceName: 'com.amazonaws.us-east-1.textract' }],
    ] as const) {
      const strange = (template: StageTemplate): StageTemplate => ({
        ...template,
        Resources: { ...template.Resources, Strange: { Type, Properties } },
      });
      await expect(made(strange)).rejects.toThrow('services.ts does not say what passes through');
    }
  });
});

describe('npm run evidence', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'evidence-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('refuses a folder that has something, and an assembly that is none, and leaves nothing behind', async () => {
    const deps = {
      output: { out: () => {}, note: () => {} },
      nowMs: Date.parse(date),
      synthesize: async () => {},
      sbom: async () => '{}',
    };
    await expect(evidence(['demo', '--out', root], deps)).rejects.toThrow('is not empty');
    const file = join(root, 'package.json');
    for (const out of [file, join(file, 'below')])
      await expect(evidence(['demo', '--out', out], deps)).rejects.toThrow(`${out} cannot be used (ENOTDIR)`);
    const synthesize = async () => Promise.reject(new Error('a minute was lost'));
    for (const out of ['/proc/x', '/proc/x/y'])
      await expect(evidence(['demo', '--out', out], { ...deps, synthesize })).rejects.toThrow(
        `${out} cannot be used (E`,
      );
    const out = join(folder, 'below', 'out');
    await expect(evidence(['demo', '--out', out], deps)).rejects.toThrow('no assembly of the CDK');
    expect(readdirSync(folder)).toEqual([]);
    expect(readFileSync(join(root, 'package.json'), 'utf8')).toContain('"evidence"');
  });
});
