import { type Template, readTemplate } from '../../sandbox/aws/template.ts';

const asset = { S3Bucket: 'bucket', S3Key: 'abc.zip' };
const integration = (target: unknown, more: object = {}): object => ({
  Uri: {
    'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':lambda:path/2015-03-31/functions/', target, '/invocations']],
  },
  ...more,
});
const method = (resource: string, target: unknown, more: object = {}): Template['Resources'][string] => ({
  Type: 'AWS::ApiGateway::Method',
  Properties: { HttpMethod: 'ANY', ResourceId: { Ref: resource }, Integration: integration(target, more) },
});

const template = (functionProperties: object = {}): Template => ({
  Resources: {
    Api: { Type: 'AWS::ApiGateway::RestApi', Properties: { BinaryMediaTypes: ['image/*'] } },
    Stage: { Type: 'AWS::ApiGateway::Stage', Properties: { StageName: 'v1', RestApiId: { Ref: 'Api' } } },
    A: {
      Type: 'AWS::ApiGateway::Resource',
      Properties: { PathPart: 'a', ParentId: { 'Fn::GetAtt': ['Api', 'Root'] } },
    },
    B: { Type: 'AWS::ApiGateway::Resource', Properties: { PathPart: '{b+}', ParentId: { Ref: 'A' } } },
    Fn1: {
      Type: 'AWS::Lambda::Function',
      Metadata: { 'aws:cdk:path': 'stack/Functions/Fetch/Function/Resource' },
      Properties: { Code: asset, Handler: 'index.handler', ...functionProperties },
    },
    Version: { Type: 'AWS::Lambda::Version', Properties: { FunctionName: { Ref: 'Fn1' } } },
    Live: {
      Type: 'AWS::Lambda::Alias',
      Properties: {
        FunctionName: { Ref: 'Fn1' },
        FunctionVersion: { 'Fn::GetAtt': ['Version', 'Version'] },
        Name: 'live',
      },
    },
    M1: method('A', { 'Fn::GetAtt': ['Fn1', 'Arn'] }),
    M2: method('B', { Ref: 'Live' }, { ResponseTransferMode: 'STREAM', TimeoutInMillis: 900_000 }),
    M3: method('A', { Ref: 'Version' }),
    Secret: { Type: 'AWS::SecretsManager::Secret', Properties: { Name: 'p2p/x' } },
    Table: {
      Type: 'AWS::DynamoDB::Table',
      Properties: {
        TableName: 'grants-x',
        KeySchema: [{ AttributeName: 'k', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'k', AttributeType: 'S' }],
      },
    },
  },
});
const options = { origin: 'http://localhost:1', assetDir: (key: string) => `/out/${key}` };

const withVariable = (value: unknown) => (): unknown =>
  readTemplate(template({ Environment: { Variables: { X: value } } }), options);

describe('the template reader', () => {
  it('finds the function behind a route, directly, through a version, or through an alias', () => {
    const { routes } = readTemplate(template(), options);
    expect(routes.map(({ functionName }) => functionName)).toEqual(['Fn1', 'Fn1', 'Fn1']);
    expect(routes.slice(0, 2)).toMatchObject([
      { path: '/a', streaming: false, timeoutMs: 29_000 },
      { path: '/a/{b+}', streaming: true, timeoutMs: 900_000 },
    ]);
  });

  it("names a function by its construct and uses Lambda's defaults", () => {
    const [found] = readTemplate(template(), options).functions;
    expect(found).toMatchObject({ name: 'fetch', assetDir: '/out/abc.zip', timeoutMs: 3000, memoryMb: 128 });
  });

  it("resolves an environment, with the local origin for the API's own URL", () => {
    const url = [
      'https://',
      { Ref: 'Api' },
      '.execute-api.',
      { Ref: 'AWS::Region' },
      '.',
      { Ref: 'AWS::URLSuffix' },
      '/v1',
    ];
    const Variables = {
      PLAIN: 'x',
      TABLE: { Ref: 'Table' },
      SUB: { 'Fn::Sub': ['${Table}-${AWS::Region}-${here}', { here: { Ref: 'Stage' } }] },
      ARN: { 'Fn::Sub': '${Fn1.Arn}' },
      ORIGIN: { 'Fn::Join': ['', url] },
    };
    const [found] = readTemplate(template({ Environment: { Variables } }), options).functions;
    expect(found?.environment).toEqual({
      PLAIN: 'x',
      TABLE: 'grants-x',
      SUB: 'grants-x-us-east-1-v1',
      ARN: 'arn:aws:lambda:us-east-1:000000000000:function:Fn1',
      ORIGIN: 'http://localhost:1',
    });
  });

  it('says what it cannot resolve', () => {
    expect(withVariable({ 'Fn::ImportValue': 'other' })).toThrow('Fn::ImportValue');
    expect(withVariable({ Ref: 'Nobody' })).toThrow('Ref Nobody');
  });

  it('reads tables, secrets, the stage and the binary media types', () => {
    const read = readTemplate(template(), options);
    expect(read.tables).toMatchObject([{ physicalName: 'grants-x', keySchema: [{ AttributeName: 'k' }] }]);
    expect(read).toMatchObject({ secretNames: ['p2p/x'], stageName: 'v1', binaryMediaTypes: ['image/*'] });
  });
});
