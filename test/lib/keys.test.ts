import {
  at,
  lineOf,
  nameOf,
  ofType,
  pathOf,
  principalsOf,
  property,
  stageTemplates,
  statementsOf,
} from '../support/stage-template.ts';

describe.each(await stageTemplates())('the keys of %s', (stage, template) => {
  it('are five, for data, the audit, exports, the member index and alarms, and all that encrypt are rotated', () => {
    const keys = ofType(template, 'AWS::KMS::Key');
    const encrypt = ['Keys/Alarms', 'Keys/Audit', 'Keys/Data', 'Keys/Exports'];
    expect(keys.map(pathOf).sort()).toEqual([...encrypt, 'Keys/MemberIndex']);
    const rotated = keys.filter((key) => key.Properties?.['EnableKeyRotation'] === true);
    expect(rotated.map(pathOf).sort()).toEqual(encrypt);
  });

  it('let alarms be published while any other key is disabled: the topics have one that nothing else has', () => {
    const own = Object.entries(template.Resources).find(([, resource]) => pathOf(resource) === 'Keys/Alarms')?.[0];
    const topics = ofType(template, 'AWS::SNS::Topic');
    const users = Object.values(template.Resources).filter((one) => JSON.stringify(one).includes(`"${own}"`));

    expect(topics.map((topic) => nameOf(template, property(topic, 'KmsMasterKeyId')))).toEqual(
      topics.map(() => 'Keys/Alarms'),
    );
    expect(users.map(pathOf)).toEqual(topics.map(pathOf));
  });

  it('serve CloudWatch only for alarms of the account, and only that of the topics', () => {
    const serving = ofType(template, 'AWS::KMS::Key').flatMap((key) =>
      statementsOf(key, 'KeyPolicy')
        .filter((statement) => principalsOf(template, statement).includes('cloudwatch.amazonaws.com'))
        .map((statement) => [pathOf(key), lineOf(template, statement)]),
    );
    expect(serving).toEqual([
      ['Keys/Alarms', 'Allow kms:Decrypt kms:GenerateDataKey on * if StringEquals aws:SourceAccount={account}'],
    ]);
  });

  it('let two be found by name: for whoever makes a payer’s secret, and whoever finds a member', () => {
    const aliases = ofType(template, 'AWS::KMS::Alias').map((alias) => [
      property(alias, 'AliasName'),
      nameOf(template, property(alias, 'TargetKeyId')),
    ]);
    expect(Object.fromEntries(aliases)).toEqual(
      Object.fromEntries([
        [`alias/p2p-${stage}-data`, 'Keys/Data'],
        [`alias/p2p-${stage}-member-index`, 'Keys/MemberIndex'],
      ]),
    );
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

  it('serve Lambda only for the history of durable functions of the account, each with its own name in it', () => {
    const statements = statementsOf(at(template, 'Keys/Exports'), 'KeyPolicy');
    const functions = 'arn:{partition}:lambda:{region}:{account}:function:*';

    expect(statements.map((statement) => lineOf(template, statement))).toEqual([
      'Allow kms:* on *',
      'Allow kms:Decrypt kms:GenerateDataKey on * ' +
        `if ArnLike aws:SourceArn=${functions} and ArnLike kms:EncryptionContext:aws:lambda:FunctionArn=${functions} ` +
        'and StringEquals aws:SourceAccount={account}',
    ]);
    expect(statements.map((statement) => principalsOf(template, statement))[1]).toEqual(['lambda.amazonaws.com']);
  });

  it.each(['Keys/Audit', 'Keys/MemberIndex'])('leave access to %s to IAM alone', (path) => {
    const lines = statementsOf(at(template, path), 'KeyPolicy').map((statement) => lineOf(template, statement));
    expect(lines).toEqual(['Allow kms:* on *']);
  });

  it('include one that only makes HMACs, and stays when the stack goes, as the audit does', () => {
    const key = at(template, 'Keys/MemberIndex');

    expect([property(key, 'KeySpec'), property(key, 'KeyUsage')]).toEqual(['HMAC_256', 'GENERATE_VERIFY_MAC']);
    expect([key.DeletionPolicy, key.UpdateReplacePolicy]).toEqual(['RetainExceptOnCreate', 'Retain']);
  });

  it('encrypt every log group, and each is kept exactly as long as the stage says', () => {
    const groups = ofType(template, 'AWS::Logs::LogGroup');
    expect(groups.length).toBeGreaterThanOrEqual(7);
    for (const group of groups) {
      expect(nameOf(template, property(group, 'KmsKeyId'))).toBe('Keys/Data');
      expect(property(group, 'RetentionInDays')).toBe(stage === 'demo' ? 90 : 400);
    }
  });

  it('encrypt the secrets of the stack: the edge’s, whose value AWS generates, and payers’, which have none', () => {
    const secrets = ofType(template, 'AWS::SecretsManager::Secret');
    const payers = stage === 'demo' ? ['demo-health-plan'] : ['lakeside', 'northwind'];
    const settings = (own: string) => ['Description', 'KmsKeyId', 'Tags', own].sort();
    expect(
      Object.fromEntries(secrets.map((secret) => [pathOf(secret), Object.keys(secret.Properties ?? {}).sort()])),
    ).toEqual({
      ...(stage === 'demo'
        ? {}
        : {
            'OriginSecret/Value1': settings('GenerateSecretString'),
            'OriginSecret/Value2': settings('GenerateSecretString'),
            'PayerSecrets/Exchange-northwind': settings('Name'),
          }),
      ...Object.fromEntries(payers.map((id) => [`PayerSecrets/${id}`, settings('Name')])),
    });
    for (const secret of secrets) expect(nameOf(template, property(secret, 'KmsKeyId'))).toBe('Keys/Data');
  });
});
