import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { template as writeTemplate } from '../../bin/template/template.ts';
import cdk from '../../cdk.json' with { type: 'json' };
import { words } from '../support/words.ts';
import { motoServer } from './moto.ts';

const root = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);
const moto = motoServer();
const folder = mkdtempSync(join(tmpdir(), 'p2p-template-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const [assembly, plain] = [join(folder, 'assembly'), join(folder, 'plain')];

interface Template {
  readonly Resources: Record<string, { Type: string; Properties?: Record<string, unknown> }>;
}

let template: Template;
const said: string[] = [];
beforeAll(async () => {
  const environment = {
    ...process.env,
    NODE_OPTIONS: '',
    CDK_OUTDIR: assembly,
    CDK_CONTEXT_JSON: JSON.stringify({ ...cdk.context, stage: 'demo' }),
    CDK_VALIDATION: 'false',
  };
  await run(process.execPath, ['bin/app.ts'], { cwd: root, env: environment });
  const output = { out: (text: string) => said.push(text), note: () => undefined };
  expect(await writeTemplate([assembly, '--out', plain], { output })).toBe(0);
  template = JSON.parse(readFileSync(join(plain, 'template.json'), 'utf8')) as Template;
});

const codeOf = ({ Resources }: Template): string[] =>
  Object.values(Resources)
    .filter(({ Type }) => Type === 'AWS::Lambda::Function')
    .map(({ Properties }) => String(Properties?.['Code']));

describe('the template of npm run template', () => {
  it('names the code of each function beside it, and nothing of the CDK’s bootstrap', () => {
    const code = codeOf(template);
    expect(code.length).toBeGreaterThan(12);
    for (const path of code) expect(readdirSync(join(plain, path))).toContain('index.js');
    expect(JSON.stringify(template)).not.toMatch(/hnb659fds|cdk-bootstrap|BootstrapVersion/);
  });

  it('comes with the commands that deploy it', () => {
    expect(said.join('\n')).toContain(`--template-file ${plain}/template.json`);
    expect(said.join('\n')).toContain('--stack-name p2p-gateway-demo --capabilities CAPABILITY_IAM');
  });

  it('is not written over anything', async () => {
    const output = { out: () => undefined, note: () => undefined };
    await expect(writeTemplate([assembly, '--out', plain], { output })).rejects.toThrow(
      'is not empty. Give a new folder.',
    );
    await expect(writeTemplate([plain, '--out', join(folder, 'x')], { output })).rejects.toThrow(
      'is no assembly of the CDK',
    );
  });
});

describe('CloudFormation without the CDK', () => {
  const call = async (action: string, parameters: Record<string, string>): Promise<string> => {
    const { endpoint, region, credentials } = moto.settings();
    const scope = `${credentials.accessKeyId}/20260101/${region}/cloudformation/aws4_request`;
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0` },
      body: new URLSearchParams({ Action: action, Version: '2010-05-15', ...parameters }),
    });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${action}: ${response.status} ${text.slice(0, 500)}`);
    return text;
  };

  /** What `aws cloudformation package` does: zips and uploads the code, and names the zips in the template. */
  const packaged = async (): Promise<Template> => {
    const s3 = new S3Client({ ...moto.settings(), forcePathStyle: true });
    await s3.send(new CreateBucketCommand({ Bucket: 'code' }));
    for (const path of new Set(codeOf(template))) {
      const zip = join(folder, 'function.zip');
      await run('python3', ['-m', 'zipfile', '-c', zip, 'index.js'], { cwd: join(plain, path) });
      await s3.send(new PutObjectCommand({ Bucket: 'code', Key: path, Body: readFileSync(zip) }));
    }
    s3.destroy();
    const resources = Object.entries(template.Resources).map(([id, resource]) => {
      const { Code: path } = resource.Properties ?? {};
      // Moto cannot tag a key that CloudFormation makes.
      if (resource.Type === 'AWS::KMS::Key') {
        return [id, { ...resource, Properties: { ...resource.Properties, Tags: [] } }] as const;
      }
      if (resource.Type !== 'AWS::Lambda::Function') return [id, resource] as const;
      return [
        id,
        { ...resource, Properties: { ...resource.Properties, Code: { S3Bucket: 'code', S3Key: path } } },
      ] as const;
    });
    return { ...template, Resources: Object.fromEntries(resources) };
  };

  it('makes the stack’s tables, functions, roles, keys and topic', async () => {
    const StackName = 'p2p-gateway-demo';
    await call('CreateStack', { StackName, TemplateBody: JSON.stringify(await packaged()) });
    const made = await call('ListStackResources', { StackName });
    const types = [...made.matchAll(/<ResourceType>([^<]+)</g)].map(([, type = '']) => type);
    const countOf = (type: string): number => types.filter((one) => one === type).length;
    const wanted = (type: string): number =>
      Object.values(template.Resources).filter(({ Type }) => Type === type).length;

    for (const type of words(`
      AWS::DynamoDB::Table AWS::Lambda::Function AWS::IAM::Role AWS::IAM::ManagedPolicy AWS::KMS::Key AWS::SNS::Topic
      AWS::S3::Bucket AWS::Logs::LogGroup AWS::Lambda::EventSourceMapping AWS::ApiGateway::RestApi
    `)) {
      expect([type, countOf(type)]).toEqual([type, wanted(type)]);
    }
  });
});
