import type { Resource, Template } from '../../sandbox/aws/cloudformation.ts';
import { readTemplate } from '../../sandbox/aws/template.ts';

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
const options = { stackName: 'p2p-gateway-x', origin: 'http://localhost:1', assetDir: (key: string) => `/out/${key}` };

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
    expect(found?.reservedConcurrency).toBeUndefined();
  });

  it("reads a function's reserved concurrency, timeout and memory", () => {
    const of = { ReservedConcurrentExecutions: 2, Timeout: 7, MemorySize: 512 };
    expect(readTemplate(template(of), options).functions[0]).toMatchObject({
      reservedConcurrency: 2,
      timeoutMs: 7000,
      memoryMb: 512,
    });
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

  it('names what it cannot resolve', () => {
    expect(withVariable({ 'Fn::ImportValue': 'other' })).toThrow('Fn::ImportValue');
    expect(withVariable({ Ref: 'Nobody' })).toThrow('Ref Nobody');
  });

  it('reads tables, the stage and the binary media types', () => {
    const read = readTemplate(template(), options);
    expect(read.tables).toMatchObject([{ physicalName: 'grants-x', keySchema: [{ AttributeName: 'k' }] }]);
    expect(read).toMatchObject({ stageName: 'v1', binaryMediaTypes: ['image/*'] });
  });

  it('splits strings in an environment, and resolves the ARNs of buckets and streams', () => {
    const Variables = {
      LAST: { 'Fn::Select': [1, { 'Fn::Split': ['grants-', { Ref: 'Table' }] }] },
      FIRST: { 'Fn::Select': ['0', [{ Ref: 'Stage' }, 'b']] },
      BUCKET: { Ref: 'AuditBucket1A' },
      ARN: { 'Fn::GetAtt': ['AuditBucket1A', 'Arn'] },
      STREAM: { 'Fn::GetAtt': ['Table', 'StreamArn'] },
    };
    const AuditBucket1A: Resource = { Type: 'AWS::S3::Bucket' };
    const { Resources } = template({ Environment: { Variables } });
    const read = readTemplate({ Resources: { ...Resources, AuditBucket1A } }, options);
    expect(read.functions[0]?.environment).toEqual({
      LAST: 'x',
      FIRST: 'v1',
      BUCKET: 'p2p-gateway-x-auditbucket1a',
      ARN: 'arn:aws:s3:::p2p-gateway-x-auditbucket1a',
      STREAM: expect.stringMatching(/^arn:aws:dynamodb:us-east-1:000000000000:table\/grants-x\/stream\/.+/),
    });
    expect(read.buckets).toMatchObject([{ physicalName: 'p2p-gateway-x-auditbucket1a' }]);
  });

  it('reads which function reads which stream, and how', () => {
    const { Resources } = template();
    const Streamed: Resource = {
      Type: 'AWS::DynamoDB::Table',
      Properties: {
        ...Resources['Table']?.Properties,
        TableName: 's',
        StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
      },
    };
    const mapping = (more: object): Resource => ({
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: {
        EventSourceArn: { 'Fn::GetAtt': ['Streamed', 'StreamArn'] },
        FunctionName: { Ref: 'Fn1' },
        ...more,
      },
    });
    const Full = mapping({
      FunctionName: { 'Fn::GetAtt': ['Fn1', 'Arn'] },
      BatchSize: 5,
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      FilterCriteria: { Filters: [{ Pattern: '{"eventName":["INSERT"]}' }] },
    });
    const more = { Streamed, Plain: mapping({}), Full, Off: mapping({ Enabled: false }) };
    const read = readTemplate({ Resources: { ...Resources, ...more } }, options);
    const stream = read.tables.find(({ physicalName }) => physicalName === 's')?.stream;
    expect(stream).toMatchObject({ viewType: 'NEW_IMAGE' });
    expect(read.tables.find(({ physicalName }) => physicalName === 'grants-x')?.stream).toBeUndefined();
    const common = { streamArn: stream?.arn, functionName: 'Fn1' };
    expect(read.mappings).toEqual([
      { ...common, filters: [], batchSize: 100, bisect: false, namesFailures: false },
      { ...common, filters: ['{"eventName":["INSERT"]}'], batchSize: 5, bisect: true, namesFailures: true },
    ]);
  });

  it("reads the filling of the registry and its function, and no other custom resource's", () => {
    const lambda: Resource = { Type: 'AWS::Lambda::Function', Properties: { Code: asset, Handler: 'index.handler' } };
    const custom = (type: string, provider: string): Resource => ({
      Type: type,
      Properties: { ServiceToken: { 'Fn::GetAtt': [provider, 'Arn'] }, ServiceTimeout: 900 },
    });
    const more = {
      Filler: lambda,
      Fill: custom('Custom::RegistryFill', 'Filler'),
      Other: lambda,
      OtherThing: custom('Custom::Thing', 'Other'),
    };
    const read = readTemplate({ Resources: { ...template().Resources, ...more } }, options);
    expect(read.functions.map(({ physicalName }) => physicalName)).toEqual(['Fn1', 'Filler']);
    expect(read.customResources).toEqual([
      {
        logicalId: 'Fill',
        type: 'Custom::RegistryFill',
        functionName: 'Filler',
        properties: { ServiceToken: 'arn:aws:lambda:us-east-1:000000000000:function:Filler', ServiceTimeout: '900' },
      },
    ]);
  });

  it("starts neither the edge's function nor those of the CDK's custom resources", () => {
    const { Resources } = template({
      Environment: { Variables: { ORIGIN: { 'Fn::Sub': 'https://${Front.DomainName}' } } },
    });
    const lambda: Resource = { Type: 'AWS::Lambda::Function', Properties: { Code: { ZipFile: 'x' }, Handler: 'i.h' } };
    const association = { EventType: 'origin-response', LambdaFunctionARN: { Ref: 'EdgeVersion' } };
    const Front: Resource = {
      Type: 'AWS::CloudFront::Distribution',
      Properties: { DistributionConfig: { DefaultCacheBehavior: { LambdaFunctionAssociations: [association] } } },
    };
    const more = {
      Edge: lambda,
      EdgeVersion: { Type: 'AWS::Lambda::Version', Properties: { FunctionName: { Ref: 'Edge' } } },
      Front,
      Provider: lambda,
      Custom: { Type: 'Custom::Thing', Properties: { ServiceToken: { 'Fn::GetAtt': ['Provider', 'Arn'] } } },
    };
    const read = readTemplate({ Resources: { ...Resources, ...more } }, options);
    expect(read.functions.map(({ name }) => name)).toEqual(['fetch']);
    expect(read.functions[0]?.environment).toEqual({ ORIGIN: 'http://localhost:1' });
    expect(read.edge).toBe(true);
    expect(readTemplate(template(), options).edge).toBe(false);
  });

  it('reads the responses that API Gateway gives itself', () => {
    const Throttled: Resource = {
      Type: 'AWS::ApiGateway::GatewayResponse',
      Properties: {
        ResponseType: 'THROTTLED',
        StatusCode: '429',
        ResponseParameters: { 'gatewayresponse.header.Retry-After': "'1'" },
        ResponseTemplates: { 'application/json': '{}' },
      },
    };
    const { gatewayResponses } = readTemplate({ Resources: { ...template().Resources, Throttled } }, options);
    const templates = { 'application/json': '{}' };
    expect(gatewayResponses).toEqual([
      { type: 'THROTTLED', status: 429, headers: { 'retry-after': "'1'" }, templates },
    ]);
  });

  it('reads a durable function, its key, and the version that another function starts', () => {
    const DurableConfig = { ExecutionTimeout: 3600, KMSKeyArn: { 'Fn::GetAtt': ['Key', 'Arn'] } };
    const { Resources } = template({ DurableConfig, Environment: { Variables: { JOB: { Ref: 'Version' } } } });
    const more: Record<string, Resource> = {
      Key: { Type: 'AWS::KMS::Key', Metadata: { 'aws:cdk:path': 'stack/Keys/Exports/Resource' } },
      Alias: {
        Type: 'AWS::KMS::Alias',
        Properties: { AliasName: 'alias/exports', TargetKeyId: { 'Fn::GetAtt': ['Key', 'Arn'] } },
      },
    };
    const { functions, keys } = readTemplate({ Resources: { ...Resources, ...more } }, options);
    const arn = 'arn:aws:kms:us-east-1:000000000000:key/Key';
    expect(functions[0]).toMatchObject({
      // Lambda's default retention of a history is 14 days.
      durable: { executionTimeoutSeconds: 3600, retentionDays: 14, keyArn: arn },
      environment: { JOB: 'arn:aws:lambda:us-east-1:000000000000:function:Fn1:1' },
    });
    expect(keys).toEqual([{ name: 'exports', arn, kind: 'SYMMETRIC_DEFAULT', aliases: ['alias/exports'] }]);
    expect(readTemplate(template(), options).functions[0]?.durable).toBeUndefined();
  });

  it('reads whether a bucket keeps versions, and the key of its objects', () => {
    const rule = { ServerSideEncryptionByDefault: { KMSMasterKeyID: { 'Fn::GetAtt': ['Key', 'Arn'] } } };
    const more: Record<string, Resource> = {
      Key: { Type: 'AWS::KMS::Key' },
      Files: {
        Type: 'AWS::S3::Bucket',
        Properties: { BucketEncryption: { ServerSideEncryptionConfiguration: [rule] } },
      },
      Audit: { Type: 'AWS::S3::Bucket', Properties: { VersioningConfiguration: { Status: 'Enabled' } } },
    };
    const { buckets } = readTemplate({ Resources: { ...template().Resources, ...more } }, options);
    expect(buckets).toMatchObject([
      { physicalName: 'p2p-gateway-x-files', versioned: false, keyArn: 'arn:aws:kms:us-east-1:000000000000:key/Key' },
      { physicalName: 'p2p-gateway-x-audit', versioned: true, keyArn: undefined },
    ]);
  });

  it('reads which functions may not list a bucket, from the policies of their roles', () => {
    const lambda = (name: string): Resource => ({
      Type: 'AWS::Lambda::Function',
      Properties: { Code: asset, Handler: 'index.handler', Role: { 'Fn::GetAtt': [`${name}Role`, 'Arn'] } },
    });
    const policy = (action: string, more: object): Resource => ({
      Type: 'AWS::IAM::ManagedPolicy',
      Properties: {
        PolicyDocument: {
          Statement: [
            { Effect: 'Allow', Action: ['s3:GetObject', action], Resource: { 'Fn::GetAtt': ['Files', 'Arn'] } },
          ],
        },
        ...more,
      },
    });
    const role = (...policies: string[]): Resource => ({
      Type: 'AWS::IAM::Role',
      Properties: { ManagedPolicyArns: policies.map((Ref) => ({ Ref })) },
    });
    const Resources: Record<string, Resource> = {
      Files: { Type: 'AWS::S3::Bucket' },
      Other: { Type: 'AWS::S3::Bucket' },
      Lister: lambda('Lister'),
      ListerRole: role('Lists'),
      Lists: policy('s3:ListBucket', {}),
      Attached: lambda('Attached'),
      AttachedRole: role(),
      ListsToo: policy('s3:ListBucket', { Roles: [{ Ref: 'AttachedRole' }] }),
      Reader: lambda('Reader'),
      ReaderRole: role('Reads'),
      Reads: policy('s3:PutObject', {}),
    };
    expect(readTemplate({ Resources }, options).buckets.map(({ notListedBy }) => [...notListedBy].sort())).toEqual([
      ['reader'],
      ['attached', 'lister', 'reader'],
    ]);
  });

  it('reads what functions may do on tables, and refuses a condition that it cannot evaluate', () => {
    const withCondition = (Condition: object): Record<string, Resource> => ({
      ...template({ Role: { 'Fn::GetAtt': ['Role', 'Arn'] } }).Resources,
      Role: { Type: 'AWS::IAM::Role', Properties: { ManagedPolicyArns: [{ Ref: 'Rights' }] } },
      Rights: {
        Type: 'AWS::IAM::ManagedPolicy',
        Properties: {
          PolicyDocument: {
            Statement: [
              { Effect: 'Allow', Action: 'kms:Decrypt', Resource: '*', Condition: { Bool: { 'kms:x': 'true' } } },
              { Effect: 'Allow', Action: 'dynamodb:GetItem', Resource: { 'Fn::GetAtt': ['Table', 'Arn'] }, Condition },
            ],
          },
        },
      },
    });
    const read = (Condition: object) => readTemplate({ Resources: withCondition(Condition) }, options).tableRights;

    expect(Object.fromEntries(read({ StringEquals: { 'dynamodb:Select': 'COUNT' } }))).toEqual({
      fetch: [
        {
          effect: 'Allow',
          actions: ['dynamodb:GetItem'],
          resources: ['arn:aws:dynamodb:us-east-1:000000000000:table/grants-x'],
          conditions: [{ operator: 'StringEquals', key: 'dynamodb:Select', values: ['COUNT'] }],
        },
      ],
    });
    for (const [operator, key] of [
      ['StringEquals', 'dynamodb:EnclosingOperation'],
      ['StringNotEquals', 'dynamodb:Select'],
    ] as const) {
      const message = `The local stack can't evaluate the condition ${operator} ${key}`;
      expect(() => read({ [operator]: { [key]: 'x' } })).toThrow(message);
    }
  });

  it('ignores what nothing here needs', () => {
    const Unknown: Resource = { Type: 'AWS::SNS::Topic', Properties: { TopicName: { 'Fn::ImportValue': 'other' } } };
    expect(() => readTemplate({ Resources: { ...template().Resources, Unknown } }, options)).not.toThrow();
  });
});
