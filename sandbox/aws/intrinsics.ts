import type { Intrinsics, Resource, Template } from './cloudformation.ts';

/** The account and region of the local stack. */
export const account = '000000000000';
export const region = 'us-east-1';

const pseudoParameters: Readonly<Record<string, string>> = {
  'AWS::AccountId': account,
  'AWS::Partition': 'aws',
  'AWS::Region': region,
  'AWS::StackId': `arn:aws:cloudformation:${region}:${account}:stack/local/1`,
  'AWS::URLSuffix': 'amazonaws.com',
};

export const functionArn = (nameOrArn: string): string =>
  nameOrArn.startsWith('arn:') ? nameOrArn : `arn:aws:lambda:${region}:${account}:function:${nameOrArn}`;

/** What `Ref` returns: the physical name of most resources; for a version, an alias or a secret, its ARN. */
const refOf = (logicalId: string, { Type, Properties = {} }: Resource, resolve: Intrinsics['resolve']): string => {
  switch (Type) {
    case 'AWS::Lambda::Alias':
      return `${functionArn(resolve(Properties['FunctionName']))}:${resolve(Properties['Name'])}`;
    case 'AWS::Lambda::Version':
      return `${functionArn(resolve(Properties['FunctionName']))}:1`;
    case 'AWS::SecretsManager::Secret':
      return `arn:aws:secretsmanager:${region}:${account}:secret:${resolve(Properties['Name'] ?? logicalId)}-local1`;
    case 'AWS::ApiGateway::Stage':
      return resolve(Properties['StageName']);
    case 'AWS::Lambda::Function':
      return resolve(Properties['FunctionName'] ?? logicalId);
    case 'AWS::DynamoDB::Table':
      return resolve(Properties['TableName'] ?? { 'Fn::Sub': `\${AWS::StackName}-${logicalId}` });
    case 'AWS::S3::Bucket':
      // A generated name without its random suffix, prefixed with the stack's name.
      return resolve(Properties['BucketName'] ?? { 'Fn::Sub': `\${AWS::StackName}-${logicalId}` }).toLowerCase();
    case 'AWS::Logs::LogGroup':
      return resolve(Properties['LogGroupName'] ?? { 'Fn::Sub': `\${AWS::StackName}-${logicalId}` });
    default:
      return logicalId;
  }
};

export const tableArn = (name: string): string => `arn:aws:dynamodb:${region}:${account}:table/${name}`;

/** What `Fn::GetAtt` returns, by `Type Attribute`, computed from the physical name. */
const attributes: Readonly<Record<string, (name: string) => string>> = {
  'AWS::CloudFront::Distribution DomainName': (name) => `${name.toLowerCase()}.cloudfront.net`,
  'AWS::DynamoDB::Table Arn': tableArn,
  'AWS::KMS::Key Arn': (name) => `arn:aws:kms:${region}:${account}:key/${name}`,
  'AWS::DynamoDB::Table StreamArn': (name) => `${tableArn(name)}/stream/2026-01-01T00:00:00.000`,
  'AWS::Lambda::Function Arn': functionArn,
  'AWS::Lambda::Version Version': () => '1',
  'AWS::Logs::LogGroup Arn': (name) => `arn:aws:logs:${region}:${account}:log-group:${name}:*`,
  'AWS::S3::Bucket Arn': (name) => `arn:aws:s3:::${name}`,
};

const attributeOf = (logicalId: string, attribute: string, resolve: Intrinsics['resolve'], type?: string): string => {
  const ref = resolve({ Ref: logicalId });
  return attributes[`${type} ${attribute}`]?.(ref) ?? `${ref}.${attribute}`;
};

/** The resolver for one template. */
export const resolverOf = (template: Template, stackName: string): Intrinsics => {
  const ref = (name: string): string => {
    if (name === 'AWS::StackName') return stackName;
    const resource = template.Resources[name];
    const value = pseudoParameters[name] ?? (resource === undefined ? undefined : refOf(name, resource, resolve));
    if (value === undefined) throw new Error(`The local stack can't resolve Ref ${name}`);
    return value;
  };
  const attribute = (target: string | readonly string[]): string => {
    const [logicalId = '', ...rest] = typeof target === 'string' ? target.split('.') : target;
    return attributeOf(logicalId, rest.join('.'), resolve, template.Resources[logicalId]?.Type);
  };
  const substitute = (argument: string | readonly [string, Record<string, unknown>]): string => {
    const [text, variables] = typeof argument === 'string' ? ([argument, {}] as const) : argument;
    return text.replaceAll(/\$\{([^}]+)\}/g, (_match, name: string) => {
      // `${!name}` is the text `${name}`.
      if (name.startsWith('!')) return `\${${name.slice(1)}}`;
      if (name in variables) return resolve(variables[name]);
      return name.includes('.') ? attribute(name) : ref(name);
    });
  };
  const list = (value: unknown): readonly string[] => {
    if (Array.isArray(value)) return value.map(resolve);
    const [separator, text] = ((value ?? {}) as { 'Fn::Split'?: readonly [string, unknown] })['Fn::Split'] ?? [];
    if (separator === undefined) throw new Error(`The local stack can't resolve ${JSON.stringify(value)}`);
    return resolve(text).split(separator);
  };
  const resolve = (value: unknown): string => {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
    const [name, argument] = Object.entries((value ?? {}) as Record<string, never>)[0] ?? [];
    if (name === 'Ref') return ref(argument as unknown as string);
    if (name === 'Fn::GetAtt') return attribute(argument as unknown as readonly string[]);
    if (name === 'Fn::Sub') return substitute(argument as unknown as string);
    if (name === 'Fn::Join') {
      const [separator, parts] = argument as unknown as readonly [string, readonly unknown[]];
      return parts.map(resolve).join(separator);
    }
    if (name === 'Fn::Select') {
      const [index, values] = argument as unknown as readonly [string | number, unknown];
      return list(values)[Number(index)] ?? '';
    }
    throw new Error(`The local stack can't resolve ${JSON.stringify(value)}`);
  };

  const apiUrls = Object.values(template.Resources)
    .filter(({ Type }) => Type === 'AWS::ApiGateway::Stage')
    .map(({ Properties = {} }) => {
      const host = `${resolve(Properties['RestApiId'])}.execute-api.${region}.amazonaws.com`;
      return `https://${host}/${resolve(Properties['StageName'])}`;
    });
  return { resolve, apiUrls };
};
