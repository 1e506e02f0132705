import {
  at,
  lineOf,
  nameOf,
  ofType,
  pathOf,
  plainly,
  property,
  rightsOf,
  stageTemplate,
  stageTemplates,
  statementsOf,
  type StageTemplate,
  type Statement,
} from '../support/stage-template.ts';

const tablesKey =
  'Allow kms:Decrypt kms:DescribeKey kms:Encrypt kms:GenerateDataKey kms:GenerateDataKeyWithoutPlaintext kms:ReEncryptFrom kms:ReEncryptTo on Keys/Data if StringEquals kms:ViaService=dynamodb.{region}.amazonaws.com';
const interfaceActions =
  'ec2:AssignPrivateIpAddresses ec2:CreateNetworkInterface ec2:DeleteNetworkInterface ec2:DescribeNetworkInterfaces ec2:DescribeSubnets ec2:UnassignPrivateIpAddresses';
/** What Lambda needs for a function: traces and, in a VPC, network interfaces, which code may not use. */
const byLambda = {
  demo: ['Allow xray:PutTelemetryRecords xray:PutTraceSegments on *'],
  'production-example': [
    `Allow ${interfaceActions} xray:PutTelemetryRecords xray:PutTraceSegments on *`,
    `Deny ${interfaceActions} on * if Null lambda:SourceFunctionArn=false`,
  ],
};

/** Every secret of a payer of this stage, whether or not the payer is in the configuration. */
const secrets = {
  demo: 'arn:{partition}:secretsmanager:{region}:{account}:secret:p2p/demo/payers/*',
  'production-example': 'arn:aws:secretsmanager:us-east-1:111122223333:secret:p2p/production-example/payers/*',
};

describe.each(await stageTemplates(plainly))('rights in %s', (stage, template) => {
  const throughSecrets =
    'Allow kms:Decrypt on Keys/Data if StringEquals kms:ViaService=secretsmanager.{region}.amazonaws.com';
  const readSecrets = [`Allow secretsmanager:GetSecretValue on ${secrets[stage]}`, throughSecrets];

  const throughS3 = ' if StringEquals kms:ViaService=s3.{region}.amazonaws.com';
  /** The encryption context of values that only the job may open contains the export, and nothing else. */
  const forExports =
    ' if ForAllValues:StringEquals kms:EncryptionContextKeys=export and Null kms:EncryptionContextKeys=false';
  const onlyAttributes = (names: string): string =>
    ` if ForAllValues:StringEquals dynamodb:Attributes=${names.replaceAll(' ', '|')} and Null dynamodb:Attributes=false`;

  /** A write that may return nothing: any attribute could be in what it returns. */
  const onlyWritten = (names: string): string =>
    `${onlyAttributes(names)} and StringEqualsIfExists dynamodb:ReturnValues=NONE`;

  /** A function that may write these items, and read none. */
  const returnsNothing = ' if StringEqualsIfExists dynamodb:ReturnValues=NONE';

  /** The rights that Lambda needs in a durable function's role, for executions of any of its versions. */
  const ofExecutions = (path: string, ...more: readonly string[]): string[] => [
    `Allow ${['lambda:CheckpointDurableExecution', 'lambda:GetDurableExecutionState', ...more].join(' ')} on ${path}/Function:*`,
    `Allow kms:Decrypt on Keys/Exports if StringEquals kms:EncryptionContext:aws:lambda:FunctionArn=${path}/Function ` +
      'and StringEquals kms:ViaService=lambda.{region}.amazonaws.com',
    // Lambda puts what it gave up into the function's own queue.
    `Allow sqs:SendMessage on ${path}DeadLetters`,
    'Allow kms:Decrypt kms:GenerateDataKey on Keys/Exports if StringEquals kms:ViaService=sqs.{region}.amazonaws.com',
  ];

  const readRegistry = ['Allow dynamodb:GetItem on Tables/Registry', tablesKey];

  /** What every function may do: write its own log, and have Lambda work for it. */
  const common = (path: string): string[] => [
    `Allow logs:CreateLogStream logs:PutLogEvents on ${path}/Logs`,
    ...byLambda[stage],
  ];

  const identityPolicies = () => ofType(template, 'AWS::IAM::ManagedPolicy');

  it.each(
    Object.entries<string[]>({
      'Functions/Authorize': [`Allow dynamodb:PutItem on Tables/LoginAttempts${returnsNothing}`, ...readRegistry],
      'Functions/Callback': [
        'Allow dynamodb:GetItem dynamodb:UpdateItem on Tables/LoginAttempts',
        `Allow dynamodb:PutItem on Tables/Grants${returnsNothing}`,
        'Allow kms:GenerateMac on Keys/MemberIndex',
        ...readRegistry,
        ...readSecrets,
      ],
      'Functions/Connections': [
        `Allow dynamodb:PutItem on Tables/LoginAttempts${returnsNothing}`,
        'Allow dynamodb:GetItem dynamodb:UpdateItem on Tables/LoginAttempts if ForAllValues:StringLike dynamodb:LeadingKeys=session.* and Null dynamodb:LeadingKeys=false',
        'Allow dynamodb:Query on Tables/Grants/index/Member',
        // No hash, key or sealed token is among them.
        `Allow dynamodb:GetItem on Tables/Grants${onlyAttributes(
          'accessExpiresAt createdAt endsAt expiresAt grantId lastEvent partner patient payer redeemedAt refreshable revokedAt revokedBy scope usedAt',
        )} and StringEquals dynamodb:Select=SPECIFIC_ATTRIBUTES`,
        `Allow dynamodb:UpdateItem on Tables/Grants${onlyWritten(
          'grantId lastEvent leaseOwner leaseUntilMs linkKey repeatHashes revokedAt revokedBy sealedPayerTokens wrappedKey',
        )}`,
        `Allow dynamodb:GetItem on Tables/Exports${onlyAttributes('expiresAt grantId resources startedAt status')} and StringEquals dynamodb:Select=SPECIFIC_ATTRIBUTES`,
        ...readRegistry,
      ],
      'Functions/Token': [
        'Allow dynamodb:GetItem dynamodb:UpdateItem on Tables/Grants',
        'Allow dynamodb:PutItem on Tables/Grants if ForAllValues:StringLike dynamodb:LeadingKeys=jti.* and Null dynamodb:LeadingKeys=false',
        ...readRegistry,
        ...readSecrets,
      ],
      'Functions/Fetch': [
        'Allow dynamodb:GetItem dynamodb:UpdateItem on Tables/Grants Tables/Limits',
        `Allow dynamodb:PutItem on Tables/AuditEvents${returnsNothing}`,
        'Allow dynamodb:GetItem dynamodb:PutItem on Tables/Exports',
        `Allow kms:GenerateDataKey on Keys/Exports${forExports}`,
        ...readRegistry,
        ...readSecrets,
      ],
      'Exports/Export': [
        'Allow dynamodb:GetItem dynamodb:UpdateItem on Tables/Grants Tables/Limits',
        'Allow dynamodb:DeleteItem dynamodb:GetItem on Tables/Exports',
        `Allow dynamodb:UpdateItem on Tables/Exports${onlyWritten(
          'beganAt callbackId exportId grantId payerToken payerTokenAt payerTokenExpiresAt payerVersion refusedVersion startAgainAt status waitingSince',
        )}`,
        `Allow dynamodb:PutItem on Tables/AuditEvents${returnsNothing}`,
        'Allow s3:GetObject on Exports/Files/*/manifest Exports/Files/*/parts/*',
        `Allow kms:GenerateDataKey on Keys/Exports${forExports}`,
        `Allow kms:Decrypt on Keys/Exports${throughS3}`,
        'Allow lambda:SendDurableExecutionCallbackSuccess on Exports/ExportJob/Function:*',
        ...readRegistry,
        ...readSecrets,
      ],
      'Exports/ExportJob': [
        `Allow dynamodb:GetItem on Tables/Grants${onlyAttributes('expiresAt grantId revokedAt scope')} and StringEquals dynamodb:Select=SPECIFIC_ATTRIBUTES`,
        'Allow dynamodb:GetItem on Tables/Exports Tables/Registry',
        tablesKey,
        `Allow dynamodb:UpdateItem on Tables/Exports${onlyWritten(
          'attachments beganAt callbackId endedAt executionArn expiresAt exportId grantId inputKey manifestDigest payerProgress payerToken payerTokenAt payerTokenExpiresAt payerVersion ' +
            'pollAgainAt refusedVersion resources resourcesTotal stateKey status typesDone typesTotal waitingSince',
        )}`,
        'Allow dynamodb:GetItem dynamodb:UpdateItem on Tables/Limits',
        `Allow dynamodb:PutItem on Tables/AuditEvents${returnsNothing}`,
        'Allow s3:GetObject on Exports/Files/*/state/*',
        'Allow s3:PutObject on Exports/Files/*/kept Exports/Files/*/manifest Exports/Files/*/parts/* Exports/Files/*/state/*',
        `Allow kms:Decrypt kms:GenerateDataKey on Keys/Exports${forExports}`,
        `Allow kms:Decrypt kms:GenerateDataKey on Keys/Exports${throughS3}`,
        ...ofExecutions('Exports/ExportJob', 'lambda:InvokeFunction'),
      ],
      'Exports/Sweep': [
        'Allow s3:DeleteObject on Exports/Files/*',
        'Allow s3:GetObject on Exports/Files/*/kept',
        'Allow s3:ListBucket on Exports/Files',
        `Allow kms:Decrypt on Keys/Exports${throughS3}`,
        ...ofExecutions('Exports/Sweep'),
      ],
      'Events/FollowUp': [
        'Allow dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator on Tables/Exports.StreamArn Tables/Grants.StreamArn',
        'Allow dynamodb:ListStreams on Tables/Exports/stream/* Tables/Grants/stream/*',
        `Allow dynamodb:DeleteItem on Tables/Exports${returnsNothing}`,
        'Allow lambda:InvokeFunction on Events/Deliver/Function:* Exports/ExportJob/Function:* Exports/Sweep/Function:*',
        ...readRegistry,
      ],
      'Events/Deliver': [
        'Allow dynamodb:GetItem dynamodb:PutItem on Tables/Limits if ForAllValues:StringLike dynamodb:LeadingKeys=webhook#* and Null dynamodb:LeadingKeys=false',
        `Allow secretsmanager:GetSecretValue on ${secrets[stage].replace('/payers/', '/webhooks/')}`,
        throughSecrets,
        ...ofExecutions('Events/Deliver'),
        ...readRegistry,
      ],
      'Functions/Discovery': readRegistry,
      'Audit/Audit': [
        'Allow dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator on Tables/AuditEvents.StreamArn Tables/Grants.StreamArn Tables/Registry.StreamArn',
        'Allow dynamodb:ListStreams on Tables/AuditEvents/stream/* Tables/Grants/stream/* Tables/Registry/stream/*',
        'Allow dynamodb:Scan on Tables/AuditEvents/index/OpenReads',
        `Allow dynamodb:UpdateItem on Tables/AuditEvents${returnsNothing}`,
        tablesKey,
        'Allow kms:GenerateDataKey on Keys/Audit if StringEquals kms:ViaService=s3.{region}.amazonaws.com',
      ],
      'Canary/Canary': [
        ...readRegistry,
        'Allow dynamodb:UpdateItem on Tables/Limits if ForAllValues:StringLike dynamodb:LeadingKeys=breaker#* and Null dynamodb:LeadingKeys=false',
        'Allow dynamodb:GetItem dynamodb:PutItem on Tables/Limits if ForAllValues:StringLike dynamodb:LeadingKeys=drift#* and Null dynamodb:LeadingKeys=false',
      ],
    }),
  )('let %s do exactly this', (path, rights) => {
    expect(rightsOf(template, path)).toEqual([...common(path), ...rights].sort());
  });

  it('let the function that fills the registry add items, read the data version, write its log, and nothing else', () => {
    expect(rightsOf(template, 'RegistryFill/FillRegistry')).toEqual([
      'Allow dynamodb:GetItem on Tables/Registry if ForAllValues:StringLike dynamodb:LeadingKeys=dataVersion and Null dynamodb:LeadingKeys=false',
      `Allow dynamodb:PutItem on Tables/Registry${returnsNothing}`,
      tablesKey,
      'Allow logs:CreateLogStream logs:PutLogEvents on RegistryFill/FillRegistry/Logs',
    ]);
  });

  it("make the index of a member in the callback only, and let only the member's own page find anything by it", () => {
    const lines = identityPolicies().flatMap((policy) =>
      statementsOf(policy).map((statement) => `${pathOf(policy)}: ${lineOf(template, statement)}`),
    );

    expect(lines.filter((line) => /Mac\b|MemberIndex/.test(line))).toEqual([
      'Functions/Callback/Policy: Allow kms:GenerateMac on Keys/MemberIndex',
    ]);
    expect(lines.filter((line) => /dynamodb:(Query|PartiQL)|Grants\/index/.test(line))).toEqual([
      'Functions/Connections/Policy: Allow dynamodb:Query on Tables/Grants/index/Member',
    ]);
  });

  it('have no wildcard in an action', () => {
    const actions = identityPolicies().flatMap((policy) => statementsOf(policy).flatMap(({ Action }) => Action));
    expect(actions.length).toBeGreaterThan(20);
    expect(actions.filter((action) => action.includes('*'))).toEqual([]);
  });

  it('have the resource * only for what AWS cannot narrow, and a version * only of durable functions', () => {
    const wide = (statement: Statement): boolean =>
      [statement.Resource].flat().some((resource) => /(^|[^/])\*/.test(nameOf(template, resource)));
    const lines = identityPolicies().flatMap((policy) =>
      statementsOf(policy)
        .filter(wide)
        .map((statement) => `${pathOf(policy)}: ${lineOf(template, statement)}`),
    );
    const versions = lines.filter((line) => / on [\w/]+\/Function:\*(?: [\w/]+\/Function:\*)*$/.test(line));
    expect(versions.map((line) => line.replace(/:.*/, '')).sort()).toEqual([
      'Events/Deliver/Executions',
      'Events/FollowUp/Policy',
      'Exports/Export/Policy',
      'Exports/ExportJob/Executions',
      'Exports/Sweep/Executions',
    ]);
    const [apiGateway, ...lambda] = lines.filter((line) => !versions.includes(line)).sort();
    // API Gateway has one role per account for the logs of all APIs, whichever those are.
    expect(apiGateway).toMatch(/^Api\/AccessLog\/Policy: Allow (logs:\w+ )+on \*$/);
    expect(lambda).toEqual(byLambda[stage].map((line) => `Runtime/Policy: ${line}`));
  });

  it('are in policies of the stack, except for those of the function that closes the default security group', () => {
    expect(ofType(template, 'AWS::IAM::Policy')).toEqual([]);
    const others = ofType(template, 'AWS::IAM::Role').filter((role) => {
      const arns: unknown[] = property(role, 'ManagedPolicyArns') ?? [];
      const own = arns.every((arn) => identityPolicies().some((policy) => pathOf(policy) === nameOf(template, arn)));
      return !own || property(role, 'Policies') !== undefined;
    });
    expect(others.map(pathOf)).toEqual(
      stage === 'demo' ? [] : ['Custom::VpcRestrictDefaultSGCustomResourceProvider/Role'],
    );
  });
});

it('whatever payers a stage has, rights are the same, and only a secret that is a payer’s own is made', async () => {
  const [payer] = (await import('../../config/demo.ts')).default.payers;
  if (payer === undefined) throw new Error('the demo stage has no payer');
  const brand = (id: string, changes: object = {}) => ({
    ...payer,
    ...changes,
    id,
    displayName: id,
    fhirBaseUrl: `https://${id}.example.org/fhir`,
  });
  const quirks = { ...payer.quirks, pkce: true };
  const payers = [
    brand('east'),
    brand('west', { secretOf: 'east' }),
    brand('open', { clientAuthentication: 'none', quirks }),
  ];

  const [one, three] = [await stageTemplate('demo'), await stageTemplate('demo', { payers, partners: [] })];

  for (const path of ['Functions/Callback', 'Functions/Token', 'Functions/Fetch']) {
    expect(rightsOf(three, path)).toEqual(rightsOf(one, path));
  }
  expect(ofType(three, 'AWS::SecretsManager::Secret').map(({ Properties }) => Properties?.['Name'])).toEqual([
    'p2p/demo/payers/east',
  ]);
});

it('only a stage with identity providers lets token create grants, compute the index of members, and count no-matches, and connections note a stop', async () => {
  const identityProviders = [
    { issuer: 'https://csp.example.org', jwksUri: 'https://csp.example.org/keys', algorithms: ['RS256' as const] },
  ];

  const [without, withThem] = [await stageTemplate('demo'), await stageTemplate('demo', { identityProviders })];

  const rightsIn = (template: StageTemplate): string[] => rightsOf(template, 'Functions/Token');
  const [before, after] = [rightsIn(without), rightsIn(withThem)];
  expect(after.filter((line) => !before.includes(line))).toEqual([
    'Allow dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem on Tables/Grants',
    'Allow dynamodb:GetItem dynamodb:UpdateItem on Tables/Limits if ForAllValues:StringLike dynamodb:LeadingKeys=noMatch#* and Null dynamodb:LeadingKeys=false',
    'Allow kms:GenerateMac on Keys/MemberIndex',
  ]);
  expect(before.filter((line) => !after.includes(line))).toEqual([
    'Allow dynamodb:GetItem dynamodb:UpdateItem on Tables/Grants',
    'Allow dynamodb:PutItem on Tables/Grants if ForAllValues:StringLike dynamodb:LeadingKeys=jti.* and Null dynamodb:LeadingKeys=false',
  ]);
  const ofPage = rightsOf(without, 'Functions/Connections');
  expect(rightsOf(withThem, 'Functions/Connections').filter((line) => !ofPage.includes(line))).toEqual([
    'Allow dynamodb:PutItem on Tables/Grants if ForAllValues:StringLike dynamodb:LeadingKeys=jti.* and Null dynamodb:LeadingKeys=false and StringEqualsIfExists dynamodb:ReturnValues=NONE',
  ]);
});

it('only a stage with exchanges lets functions do these for them, and tells them these variables', async () => {
  const [without, withThem] = [
    await stageTemplate('demo'),
    await stageTemplate('demo', { exchanges: { groupDays: 90, mostRunning: 20 } }),
  ];
  const paths = ofType(withThem, 'AWS::Lambda::Function').map((lambda) => pathOf(lambda).replace(/\/Function$/, ''));
  const variablesOf = (template: StageTemplate, path: string): string[] => {
    const { Variables: variables = {} } = (property(at(template, `${path}/Function`), 'Environment') ?? {}) as {
      Variables?: Record<string, unknown>;
    };
    return Object.entries(variables).map(([name, value]) => `${name}=${nameOf(template, value)}`);
  };
  const more = (of: (template: StageTemplate, path: string) => string[], path: string): string[] => {
    const [before, after] = [of(without, path), of(withThem, path)];
    const gone = before.filter((line) => !after.includes(line)).map((line) => `not ${line}`);
    return [...after.filter((line) => !before.includes(line)), ...gone].sort();
  };

  const leading = (pattern: string): string =>
    ` if ForAllValues:StringLike dynamodb:LeadingKeys=${pattern} and Null dynamodb:LeadingKeys=false`;
  const box = (of: string): string =>
    ` if ForAllValues:StringEquals kms:EncryptionContextKeys=${of}|partner and ` +
    `Null kms:EncryptionContext:${of}=false and Null kms:EncryptionContext:partner=false and Null kms:EncryptionContextKeys=false`;
  const table = 'EXCHANGES_TABLE=Tables/Exchanges';
  expect(
    Object.fromEntries(paths.map((path) => [path, [...more(rightsOf, path), ...more(variablesOf, path)].sort()])),
  ).toEqual({
    ...Object.fromEntries(paths.map((path) => [path, []])),
    'Functions/Token': [
      `Allow dynamodb:DeleteItem dynamodb:GetItem dynamodb:PutItem on Tables/Exchanges${leading('token#*')}`,
      table,
    ],
    'Functions/Fetch': [
      `Allow dynamodb:DeleteItem dynamodb:PutItem dynamodb:Query on Tables/Exchanges${leading('*/*')}`,
      'Allow dynamodb:GetItem on Tables/Exchanges Tables/Registry',
      'not Allow dynamodb:GetItem on Tables/Registry',
      `Allow kms:Decrypt on Keys/Exports${box('group')}`,
      `Allow kms:GenerateDataKey on Keys/Exports${box('export')}`,
      'EXCHANGES={"groupDays":90,"mostRunning":20}',
      table,
    ].sort(),
    'Exports/Export': [
      `Allow dynamodb:GetItem on Tables/Exchanges${leading('token#*')}`,
      `Allow kms:Decrypt on Keys/Exports${box('export')}`,
      table,
    ],
    'Exports/ExportJob': [
      `Allow dynamodb:DeleteItem dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem on Tables/Exchanges${leading('*/*')}`,
      `Allow kms:Decrypt on Keys/Data if StringEquals kms:ViaService=secretsmanager.{region}.amazonaws.com`,
      `Allow kms:GenerateDataKey on Keys/Exports${box('group')}`,
      `Allow secretsmanager:GetSecretValue on ${secrets.demo.replace('/payers/', '/exchanges/')}`,
      'EXCHANGE_SECRET_PREFIX=p2p/demo/exchanges/',
      table,
    ].sort(),
  });
});
