import {
  at,
  nameOf,
  ofType,
  pathOf,
  property,
  stageTemplates,
  statementsOf,
  type Statement,
} from '../support/stage-template.ts';

describe.each(await stageTemplates())('the audit of %s', (stage, template) => {
  const policyOf = (path: string): Statement[] => statementsOf(at(template, `${path}/Policy`));
  const names = (principal: unknown): string =>
    JSON.stringify(principal).includes('*')
      ? 'everybody'
      : nameOf(template, Object.values(principal as Record<string, unknown>)[0]);
  /** Who may or may not do what with objects. */
  const objectStatements = (path: string): string[] =>
    policyOf(path)
      .filter(({ Action }) => Action !== 's3:*')
      .map(({ Effect, Action, Principal, Condition }) => {
        const condition = Condition === undefined ? '' : ` if ${Object.keys(Condition).join(' ')}`;
        return `${Effect} ${[Action].flat().join(' ')} by ${names(Principal)}${condition}`;
      });

  it("is locked for six years in production, so even the account's root cannot delete it, and for a day elsewhere", () => {
    expect(property(at(template, 'Audit/Bucket'), 'ObjectLockEnabled')).toBe(true);
    expect(property(at(template, 'Audit/Bucket'), 'ObjectLockConfiguration')).toEqual({
      ObjectLockEnabled: 'Enabled',
      Rule: {
        DefaultRetention: stage === 'demo' ? { Mode: 'GOVERNANCE', Days: 1 } : { Mode: 'COMPLIANCE', Days: 2192 },
      },
    });
  });

  it('is written only by the audit function, and in production no one may delete it', () => {
    expect(objectStatements('Audit/Bucket')).toEqual([
      'Allow s3:PutObject by Audit/Audit/Role',
      'Deny s3:PutObject by everybody if ArnNotEquals',
      ...(stage === 'demo'
        ? []
        : ['Deny s3:BypassGovernanceRetention s3:DeleteObject s3:DeleteObjectVersion by everybody']),
    ]);
    const denied = policyOf('Audit/Bucket').find(
      ({ Action, Effect }) => Effect === 'Deny' && Action === 's3:PutObject',
    );
    const writer = denied?.Condition?.['ArnNotEquals']?.['aws:PrincipalArn'];
    expect(nameOf(template, writer)).toBe('Audit/Audit/Role');
  });

  it('denies operations on objects only, so CloudFormation can still manage the bucket', () => {
    for (const { Action, Resource } of policyOf('Audit/Bucket')) {
      if (Action !== 's3:*') expect(JSON.stringify(Resource)).toMatch(/"\/\*"\]\]\}$/);
    }
  });

  it.each(['Audit/Bucket', 'Audit/AccessLogs'])(
    'keeps %s versioned, closed to the public, and behind TLS 1.2',
    (path) => {
      const bucket = at(template, path);
      expect(property(bucket, 'VersioningConfiguration')).toEqual({ Status: 'Enabled' });
      expect(property(bucket, 'PublicAccessBlockConfiguration')).toEqual({
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      });
      expect(property(bucket, 'OwnershipControls')).toEqual({ Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] });
      const transport = policyOf(path).filter(({ Action, Effect }) => Effect === 'Deny' && Action === 's3:*');
      expect(transport.map(({ Condition }) => Condition)).toEqual([
        { Bool: { 'aws:SecureTransport': 'false' } },
        { NumericLessThan: { 's3:TlsVersion': 1.2 } },
      ]);
    },
  );

  it('is encrypted with its own key, and access to it is logged', () => {
    const bucket = at(template, 'Audit/Bucket');
    const encryption: {
      ServerSideEncryptionConfiguration: {
        BucketKeyEnabled: boolean;
        ServerSideEncryptionByDefault: { SSEAlgorithm: string; KMSMasterKeyID: unknown };
      }[];
    } = property(bucket, 'BucketEncryption');
    const [{ BucketKeyEnabled, ServerSideEncryptionByDefault } = { ServerSideEncryptionByDefault: undefined }] =
      encryption.ServerSideEncryptionConfiguration;
    expect(BucketKeyEnabled).toBe(true);
    expect(ServerSideEncryptionByDefault?.SSEAlgorithm).toBe('aws:kms');
    expect(nameOf(template, ServerSideEncryptionByDefault?.KMSMasterKeyID)).toBe('Keys/Audit');
    const logging: { DestinationBucketName: unknown } = property(bucket, 'LoggingConfiguration');
    expect(nameOf(template, logging.DestinationBucketName)).toBe('Audit/AccessLogs');
  });

  it('outlives the stack in every stage, as does its key', () => {
    for (const path of ['Audit/Bucket', 'Audit/AccessLogs', 'Keys/Audit']) {
      expect(at(template, path)).toMatchObject({
        DeletionPolicy: 'RetainExceptOnCreate',
        UpdateReplacePolicy: 'Retain',
      });
    }
  });

  // "If a resource has no DeletionPolicy attribute, AWS CloudFormation deletes the resource by default":
  // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
  it('every bucket keeps its policy as long as itself, so that what it denies is denied after the stack is gone', () => {
    const policies = ofType(template, 'AWS::S3::BucketPolicy').map(
      ({ DeletionPolicy, UpdateReplacePolicy, ...policy }) => {
        const of = nameOf(template, property(policy, 'Bucket'));
        return [of, { DeletionPolicy, UpdateReplacePolicy }] as const;
      },
    );
    const buckets = ofType(template, 'AWS::S3::Bucket').map((bucket) => {
      const { DeletionPolicy, UpdateReplacePolicy } = bucket;
      return [pathOf(bucket), { DeletionPolicy, UpdateReplacePolicy }] as const;
    });

    expect(buckets.length).toBeGreaterThan(2);
    expect(Object.fromEntries(policies)).toEqual(Object.fromEntries(buckets));
  });

  it("follows the stage's removal policy for everything else that holds data", () => {
    const holdsData = new Set([
      'AWS::DynamoDB::Table',
      'AWS::EC2::EIP',
      'AWS::KMS::Key',
      'AWS::Logs::LogGroup',
      'AWS::S3::Bucket',
      'AWS::SecretsManager::Secret',
    ]);
    // The index of ended grants is in the audit bucket, so its key stays with it.
    const own = new Set(['Audit/Bucket', 'Audit/AccessLogs', 'Keys/Audit', 'Keys/MemberIndex']);
    const held = Object.values(template.Resources).filter(
      (resource) => holdsData.has(resource.Type) && !own.has(pathOf(resource)),
    );
    expect(held.length).toBeGreaterThan(10);
    for (const { DeletionPolicy, UpdateReplacePolicy } of held) {
      expect({ DeletionPolicy, UpdateReplacePolicy }).toEqual(
        stage === 'demo'
          ? { DeletionPolicy: 'Delete', UpdateReplacePolicy: 'Delete' }
          : { DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' },
      );
    }
  });
});
