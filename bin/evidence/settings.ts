/** Questions to a template, one for each setting that a criterion rests on. */
import type { Template } from '../shared/assembly.ts';

type Resources = Template['Resources'];
type Properties = Readonly<Record<string, unknown>>;

/** A setting, and of which resources. */
export interface Setting {
  readonly what: string;
  readonly type: string;
  readonly holds: (properties: Properties, resources: Resources) => boolean;
  /** Limits it to resources whose path in the stack matches. @default all of the type */
  readonly at?: RegExp;
}

/** What the template has of a setting. */
export interface Answer {
  readonly what: string;
  /** The paths of the resources for which it holds, and for which not. */
  readonly holding: readonly string[];
  readonly missing: readonly string[];
}

/** Where a resource is in the stack, such as `Exports/ExportJob/Function`. */
export const pathOf = (id: string, resource: Resources[string]): string => {
  const { Metadata } = resource as { readonly Metadata?: Readonly<Record<string, unknown>> };
  const path = Metadata?.['aws:cdk:path'];
  return typeof path === 'string' ? path.replace(/^[^/]*\//, '').replace(/\/Resource$/, '') : id;
};

/** @returns no resource at all if the stage has none of the type */
export const answerOf = ({ what, type, holds, at }: Setting, { Resources: resources }: Template): Answer => {
  const found = Object.entries(resources)
    .filter(([, resource]) => resource.Type === type)
    .map(([id, resource]) => ({ path: pathOf(id, resource), is: holds(resource.Properties ?? {}, resources) }))
    .filter(({ path }) => at === undefined || at.test(path));
  const paths = (is: boolean): string[] => found.filter((one) => one.is === is).map(({ path }) => path);
  return { what, holding: paths(true), missing: paths(false) };
};

const textOf = (value: unknown): string => JSON.stringify(value ?? '');

const hasKey =
  (name: string) =>
  (properties: Properties): boolean =>
    properties[name] !== undefined;

const denies = (properties: Properties): boolean =>
  textOf(properties['PolicyDocument']).includes('"aws:SecureTransport":"false"');

/** Every setting that a criterion names. */
export const settings = {
  tablesEncrypted: {
    what: 'tables are encrypted with a key of the stage',
    type: 'AWS::DynamoDB::Table',
    holds: ({ SSESpecification: sse }) => textOf(sse).includes('"SSEType":"KMS"'),
  },
  tablesRecoverable: {
    what: 'tables can be restored to any second of 35 days',
    type: 'AWS::DynamoDB::Table',
    holds: ({ PointInTimeRecoverySpecification: recovery }) => textOf(recovery).includes(':true'),
  },
  bucketsEncrypted: {
    what: 'buckets are encrypted with a key of the stage',
    type: 'AWS::S3::Bucket',
    at: /^(?!Audit\/AccessLogs$)/,
    holds: ({ BucketEncryption: encryption }) => textOf(encryption).includes('aws:kms'),
  },
  bucketsClosed: {
    what: 'buckets are closed to the public',
    type: 'AWS::S3::Bucket',
    holds: ({ PublicAccessBlockConfiguration: block }) => !/false|^""$/.test(textOf(block)),
  },
  bucketsByTls: { what: 'buckets refuse requests without TLS', type: 'AWS::S3::BucketPolicy', holds: denies },
  queuesByTls: { what: 'queues refuse requests without TLS', type: 'AWS::SQS::QueuePolicy', holds: denies },
  queuesEncrypted: {
    what: 'queues are encrypted with a key of the stage',
    type: 'AWS::SQS::Queue',
    holds: hasKey('KmsMasterKeyId'),
  },
  topicsByTls: { what: 'alarm topics refuse requests without TLS', type: 'AWS::SNS::TopicPolicy', holds: denies },
  topicsEncrypted: {
    what: 'alarm topics are encrypted with a key of the stage',
    type: 'AWS::SNS::Topic',
    holds: hasKey('KmsMasterKeyId'),
  },
  logsEncrypted: {
    what: 'logs are encrypted with a key of the stage',
    type: 'AWS::Logs::LogGroup',
    holds: hasKey('KmsKeyId'),
  },
  logsEnd: { what: 'logs are kept for a stated time', type: 'AWS::Logs::LogGroup', holds: hasKey('RetentionInDays') },
  secretsEncrypted: {
    what: 'secrets are encrypted with a key of the stage',
    type: 'AWS::SecretsManager::Secret',
    holds: hasKey('KmsKeyId'),
  },
  auditLocked: {
    what: 'nobody can delete an audit event while its lock lasts',
    type: 'AWS::S3::Bucket',
    at: /^Audit\/Bucket$/,
    holds: ({ ObjectLockConfiguration: lock }) => textOf(lock).includes('"Mode"'),
  },
  streamsAudited: {
    what: 'what happens in a table is followed up from its stream',
    type: 'AWS::Lambda::EventSourceMapping',
    holds: ({ StartingPosition: position }) => position === 'TRIM_HORIZON',
  },
  ownRoles: {
    what: 'each function has a role of its own',
    type: 'AWS::Lambda::Function',
    holds: ({ Role: role }, resources) =>
      Object.values(resources).filter(
        ({ Type, Properties }) => Type === 'AWS::Lambda::Function' && textOf(Properties?.['Role']) === textOf(role),
      ).length === 1,
  },
  narrowRights: {
    what: 'no right of a function has a wildcard in its actions',
    type: 'AWS::IAM::ManagedPolicy',
    holds: ({ PolicyDocument: document }) => {
      const { Statement: statements = [] } = document as { Statement?: { Action: string | string[] }[] };
      return statements.every(({ Action }) => [Action].flat().every((action) => !action.includes('*')));
    },
  },
  domainTls: {
    what: 'the domain speaks TLS 1.2 or newer',
    type: 'AWS::ApiGateway::DomainName',
    holds: ({ SecurityPolicy: policy }) => policy === 'TLS_1_2',
  },
  edgeTls: {
    what: 'CloudFront speaks TLS 1.2 or newer, and never plain HTTP',
    type: 'AWS::CloudFront::Distribution',
    holds: ({ DistributionConfig: config }) =>
      /TLSv1\.2_2021.*/.test(textOf(config)) && textOf(config).includes('"https-only"'),
  },
  firewall: { what: 'a web ACL inspects requests', type: 'AWS::WAFv2::WebACL', holds: hasKey('Rules') },
  accessLog: {
    what: 'each request to the API is logged',
    type: 'AWS::ApiGateway::Stage',
    holds: hasKey('AccessLogSetting'),
  },
  alarmsTell: { what: 'alarms tell a person', type: 'AWS::CloudWatch::Alarm', holds: hasKey('AlarmActions') },
} as const satisfies Readonly<Record<string, Setting>>;

export type SettingName = keyof typeof settings;
