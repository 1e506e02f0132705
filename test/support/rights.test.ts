import type { UsedRight } from './right-lines.ts';
import { compareRights, type Comparison } from './rights.ts';
import type { Resource, StageTemplate } from './stage-template.ts';

const arn = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });
const resource = (Type: string, path: string, Properties: Record<string, unknown> = {}): Resource => ({
  Type,
  Properties,
  Metadata: { 'aws:cdk:path': `stack/${path}/Resource` },
});
const allow = (Action: string, Resource: unknown, more: object = {}) => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...more,
});
const document = (...Statement: object[]) => ({ PolicyDocument: { Statement } });

const policy = document(allow('dynamodb:GetItem', arn('Table')));
const small = {
  Table: resource('AWS::DynamoDB::Table', 'Items'),
  Secret: resource('AWS::SecretsManager::Secret', 'Secret'),
  Policy: resource('AWS::IAM::ManagedPolicy', 'Reader/Policy', policy),
  Role: resource('AWS::IAM::Role', 'Reader/Role', { ManagedPolicyArns: [{ Ref: 'Policy' }] }),
  Lambda: resource('AWS::Lambda::Function', 'Reader/Function', { Role: arn('Role') }),
};
const reading: UsedRight = { function: 'Reader', action: 'dynamodb:GetItem', resource: 'Items' };
const none: Comparison = { missing: [], excess: [] };

const compare = (changes: Record<string, Resource> = {}, used: readonly UsedRight[] = [reading]): Comparison => {
  const template: StageTemplate = {
    environment: 'aws://111122223333/us-east-1',
    terminationProtection: false,
    Outputs: {},
    Resources: { ...small, ...changes },
  };
  return compareRights(template, used);
};
const excess = (...lines: string[]): Comparison => ({ missing: [], excess: lines.map((line) => `Reader: ${line}`) });

describe('the comparison of rights with their use', () => {
  it('passes if each right is used and each use is allowed', () => {
    expect(compare()).toEqual(none);
  });

  it('reports an excess if nothing uses a right', () => {
    expect(compare({}, [])).toEqual(excess('Allow dynamodb:GetItem on Items'));
  });

  it.each<[string, Record<string, Resource>, string]>([
    [
      'a statement of its own policy',
      {
        Policy: resource(
          'AWS::IAM::ManagedPolicy',
          'Reader/Policy',
          document(allow('dynamodb:GetItem', arn('Table')), allow('dynamodb:*', '*')),
        ),
      },
      'Allow dynamodb:* on *',
    ],
    [
      'a policy that names the role',
      {
        More: resource('AWS::IAM::Policy', 'More', {
          ...document(allow('s3:GetObject', '*')),
          Roles: [{ Ref: 'Role' }],
        }),
      },
      'Allow s3:GetObject on *',
    ],
    [
      'an inline policy',
      {
        Role: resource('AWS::IAM::Role', 'Reader/Role', {
          ManagedPolicyArns: [{ Ref: 'Policy' }],
          Policies: [document(allow('s3:GetObject', '*'))],
        }),
      },
      'Allow s3:GetObject on *',
    ],
    [
      "a policy of AWS's",
      {
        Role: resource('AWS::IAM::Role', 'Reader/Role', {
          ManagedPolicyArns: [{ Ref: 'Policy' }, 'arn:aws:iam::aws:policy/ReadOnlyAccess'],
        }),
      },
      'all that arn:aws:iam::aws:policy/ReadOnlyAccess allows',
    ],
    [
      "a resource's policy that names the role",
      {
        More: resource('AWS::SecretsManager::ResourcePolicy', 'More', {
          ResourcePolicy: {
            Statement: allow('secretsmanager:PutSecretValue', '*', { Principal: { AWS: arn('Role') } }),
          },
        }),
      },
      'Allow secretsmanager:PutSecretValue on *',
    ],
    [
      'a key that follows from nothing it uses',
      {
        Policy: resource(
          'AWS::IAM::ManagedPolicy',
          'Reader/Policy',
          document(allow('dynamodb:GetItem', arn('Table')), allow('kms:Decrypt', '*')),
        ),
      },
      'Allow kms:Decrypt on *',
    ],
  ])('reports an excess if %s gives a right that nothing uses', (_, changes, line) => {
    expect(compare(changes)).toEqual(excess(line));
  });

  it.each([
    ['action', { ...reading, action: 'dynamodb:PutItem' }, 'Allow dynamodb:PutItem on Items'],
    ['resource', { ...reading, action: 'dynamodb:GetItem', resource: 'Secret' }, 'Allow dynamodb:GetItem on Secret'],
  ])('reports a missing right if another %s is used', (_, right, line) => {
    expect(compare({}, [reading, right])).toEqual({ missing: [`Reader: ${line}`], excess: [] });
  });

  it('reports a missing right if it is granted under a condition that the use does not meet', () => {
    const Condition = { StringEquals: { 'aws:SourceVpc': 'vpc-1' } };
    const narrowed = document(allow('dynamodb:GetItem', arn('Table'), { Condition }));

    const { missing } = compare({ Policy: resource('AWS::IAM::ManagedPolicy', 'Reader/Policy', narrowed) });

    expect(missing).toEqual(['Reader: Allow dynamodb:GetItem on Items']);
  });

  it('reports a missing right for what follows from a use', () => {
    const SSESpecification = { KMSMasterKeyId: arn('Key') };
    const { missing } = compare({
      Key: resource('AWS::KMS::Key', 'Key'),
      Table: resource('AWS::DynamoDB::Table', 'Items', { SSESpecification }),
    });

    expect(missing).toContain(
      'Reader: Allow kms:Decrypt on Key if StringEquals kms:ViaService=dynamodb.{region}.amazonaws.com',
    );
  });

  it('refuses an unknown function', () => {
    expect(() => compare({}, [{ ...reading, function: 'Other' }])).toThrow('The template has no function Other');
  });
});
