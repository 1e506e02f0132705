import {
  at,
  lineOf,
  nameOf,
  ofType,
  pathOf,
  principalsOf,
  property,
  stages,
  stageTemplate,
  statementsOf,
  type StageTemplate,
} from '../support/stage-template.ts';

describe.each(stages)('the keys of %s', (stage) => {
  let template: StageTemplate;
  beforeAll(async () => {
    template = await stageTemplate(stage);
  });

  it('are two, for data and for the audit, and are rotated', () => {
    const keys = ofType(template, 'AWS::KMS::Key');
    expect(keys.map(pathOf).sort()).toEqual(['Keys/Audit', 'Keys/Data']);
    expect(keys.every((key) => property(key, 'EnableKeyRotation') === true)).toBe(true);
  });

  it('let the data key be found by its name, for whoever makes a payer’s secret', () => {
    const aliases = ofType(template, 'AWS::KMS::Alias').map((alias) => [
      property(alias, 'AliasName'),
      nameOf(template, property(alias, 'TargetKeyId')),
    ]);
    expect(aliases).toEqual([[`alias/p2p-${stage}-data`, 'Keys/Data']]);
  });

  it('name who may use them: the account through IAM, and services by name; no wildcard', () => {
    for (const key of ofType(template, 'AWS::KMS::Key')) {
      for (const { Principal } of statementsOf(key, 'KeyPolicy')) {
        expect(JSON.stringify(Principal)).not.toContain('*');
      }
    }
  });

  it('serve CloudWatch Logs only for log groups of the account', () => {
    const forLogs = statementsOf(at(template, 'Keys/Data'), 'KeyPolicy').filter(({ Principal }) =>
      JSON.stringify(Principal).includes('logs.'),
    );

    expect(forLogs.map((statement) => lineOf(template, statement))).toEqual([
      'Allow kms:Decrypt kms:DescribeKey kms:Encrypt kms:GenerateDataKey kms:GenerateDataKeyWithoutPlaintext ' +
        'kms:ReEncryptFrom kms:ReEncryptTo on * ' +
        'if ArnLike kms:EncryptionContext:aws:logs:arn=arn:{partition}:logs:{region}:{account}:log-group:*',
    ]);
    expect(forLogs.map((statement) => principalsOf(template, statement))).toEqual([['logs.{region}.amazonaws.com']]);
  });

  it("leave access to the audit's key to IAM alone", () => {
    const lines = statementsOf(at(template, 'Keys/Audit'), 'KeyPolicy').map((statement) => lineOf(template, statement));
    expect(lines).toEqual(['Allow kms:* on *']);
  });

  it('encrypt every log group, and each is kept exactly as long as the stage says', () => {
    const groups = ofType(template, 'AWS::Logs::LogGroup');
    expect(groups.length).toBeGreaterThanOrEqual(7);
    for (const group of groups) {
      expect(nameOf(template, property(group, 'KmsKeyId'))).toBe('Keys/Data');
      expect(property(group, 'RetentionInDays')).toBe(stage === 'demo' ? 90 : 400);
    }
  });

  it('encrypt the only secret of the stack, whose value AWS generates; no payer’s secret is in it', () => {
    const secrets = ofType(template, 'AWS::SecretsManager::Secret');
    expect(secrets.map(pathOf)).toEqual(stage === 'demo' ? [] : ['OriginSecret/Value1']);
    for (const secret of secrets) {
      expect(nameOf(template, property(secret, 'KmsKeyId'))).toBe('Keys/Data');
      expect(Object.keys(secret.Properties ?? {}).sort()).toEqual([
        'Description',
        'GenerateSecretString',
        'KmsKeyId',
        'Tags',
      ]);
    }
  });
});
