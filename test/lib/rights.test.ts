import {
  lineOf,
  nameOf,
  ofType,
  pathOf,
  property,
  rightsOf,
  stages,
  stageTemplate,
  statementsOf,
  type StageTemplate,
  type Statement,
} from '../support/stage-template.ts';

const tablesKey =
  'Allow kms:Decrypt kms:DescribeKey kms:Encrypt kms:GenerateDataKey kms:ReEncryptFrom kms:ReEncryptTo on Keys/Data if StringEquals kms:ViaService=dynamodb.{region}.amazonaws.com';
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

const secrets = {
  demo: 'PayerSecrets/demo-health-plan',
  'production-example': 'PayerSecrets/lakeside PayerSecrets/northwind',
};

describe.each(stages)('rights in %s', (stage) => {
  let template: StageTemplate;
  beforeAll(async () => {
    template = await stageTemplate(stage);
  });

  const readSecrets = [
    `Allow secretsmanager:GetSecretValue on ${secrets[stage]}`,
    'Allow kms:Decrypt on Keys/Data if StringEquals kms:ViaService=secretsmanager.{region}.amazonaws.com',
  ];

  /** What every function may do: write its own log, and have Lambda work for it. */
  const common = (path: string): string[] => [
    `Allow logs:CreateLogStream logs:PutLogEvents on ${path}/Logs`,
    ...byLambda[stage],
  ];

  const identityPolicies = () => ofType(template, 'AWS::IAM::ManagedPolicy');

  it.each<[path: string, rights: string[]]>([
    ['Functions/Authorize', ['Allow dynamodb:PutItem on Tables/LoginAttempts', tablesKey]],
    [
      'Functions/Callback',
      [
        'Allow dynamodb:GetItem dynamodb:UpdateItem on Tables/LoginAttempts',
        'Allow dynamodb:PutItem on Tables/Grants',
        tablesKey,
        ...readSecrets,
      ],
    ],
    [
      'Functions/Token',
      [
        'Allow dynamodb:GetItem dynamodb:UpdateItem on Tables/Grants',
        'Allow dynamodb:PutItem on Tables/Grants if ForAllValues:StringLike dynamodb:LeadingKeys=jti.* and Null dynamodb:LeadingKeys=false',
        tablesKey,
        ...readSecrets,
      ],
    ],
    [
      'Functions/Fetch',
      [
        'Allow dynamodb:GetItem dynamodb:UpdateItem on Tables/Grants Tables/Limits',
        'Allow dynamodb:PutItem on Tables/AuditEvents',
        tablesKey,
        ...readSecrets,
      ],
    ],
    ['Functions/Discovery', []],
    [
      'Audit/Audit',
      [
        'Allow dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator on Tables/AuditEvents.StreamArn Tables/Grants.StreamArn',
        'Allow dynamodb:ListStreams on Tables/AuditEvents/stream/* Tables/Grants/stream/*',
        'Allow dynamodb:Scan on Tables/AuditEvents/index/OpenReads',
        'Allow dynamodb:UpdateItem on Tables/AuditEvents',
        tablesKey,
        'Allow kms:GenerateDataKey on Keys/Audit if StringEquals kms:ViaService=s3.{region}.amazonaws.com',
      ],
    ],
    ['Canary/Canary', []],
  ])('let %s do exactly this', (path, rights) => {
    expect(rightsOf(template, path)).toEqual([...common(path), ...rights].sort());
  });

  it('have no wildcard in an action', () => {
    const actions = identityPolicies().flatMap((policy) => statementsOf(policy).flatMap(({ Action }) => Action));
    expect(actions.length).toBeGreaterThan(20);
    expect(actions.filter((action) => action.includes('*'))).toEqual([]);
  });

  it('have the resource * only for what AWS cannot narrow: traces, network interfaces, logs of all APIs', () => {
    const wide = (statement: Statement): boolean =>
      [statement.Resource].flat().some((resource) => /(^|[^/])\*/.test(nameOf(template, resource)));
    const lines = identityPolicies().flatMap((policy) =>
      statementsOf(policy)
        .filter(wide)
        .map((statement) => `${pathOf(policy)}: ${lineOf(template, statement)}`),
    );
    const [apiGateway, ...lambda] = lines.sort();
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

describe("the policies that read payers' secrets", () => {
  /** The maximum that the configuration accepts. */
  const mostPayers = 140;

  it('name one secret for brands that share it, and none for a public client', async () => {
    const [payer] = (await import('../../config/demo.ts')).default.payers;
    if (payer === undefined) throw new Error('the demo stage has no payer');
    const brand = (id: string, changes: object = {}) => ({
      ...payer,
      ...changes,
      id,
      fhirBaseUrl: `https://${id}.example.org/fhir`,
    });
    const quirks = { ...payer.quirks, pkce: true };
    const payers = [
      brand('east'),
      brand('west', { secretOf: 'east' }),
      brand('open', { clientAuthentication: 'none', quirks }),
    ];

    const template = await stageTemplate('demo', { payers, partners: [] });

    expect(ofType(template, 'AWS::SecretsManager::Secret').map((secret) => property(secret, 'Name'))).toEqual([
      'p2p/demo/payers/east',
    ]);
    for (const path of ['Functions/Callback', 'Functions/Token', 'Functions/Fetch']) {
      expect(
        rightsOf(template, path)
          .join()
          .match(/PayerSecrets\/\w+/g),
      ).toEqual(['PayerSecrets/east']);
    }
  });

  it('fit the size limit of a policy, are no more than a role can have, and name every payer once', async () => {
    const [payer] = (await import('../../config/demo.ts')).default.payers;
    if (payer === undefined) throw new Error('the demo stage has no payer');
    const payers = Array.from({ length: mostPayers }, (_payer, index) => ({
      ...payer,
      id: `payer-${index}`.padEnd(64, 'x'),
      fhirBaseUrl: `https://payer-${index}.example.org/fhir`,
    }));

    const template = await stageTemplate('demo', { payers, partners: [] });

    const policies = ofType(template, 'AWS::IAM::ManagedPolicy').filter((policy) =>
      pathOf(policy).startsWith('PayerSecrets/'),
    );
    expect(policies.length).toBeGreaterThan(1);
    // A role can have ten policies, and the function uses two.
    expect(policies.length).toBeLessThanOrEqual(8);
    const arnOf = (value: unknown): string =>
      `arn:aws-us-gov:secretsmanager:us-gov-east-1:111122223333:secret:p2p/demo/payers/${nameOf(template, value).split('/')[1]}-ABCDEF`;
    const filled = policies.map((policy) =>
      JSON.stringify(property(policy, 'PolicyDocument'), (key, value: unknown) =>
        key === 'Resource' && Array.isArray(value) ? value.map(arnOf) : value,
      ),
    );
    expect(filled.join().match(/secret:p2p/g)).toHaveLength(mostPayers);
    for (const document of filled) expect(document.replaceAll(/\s/g, '').length).toBeLessThanOrEqual(6144);
    for (const path of ['Functions/Callback', 'Functions/Token', 'Functions/Fetch']) {
      expect(
        rightsOf(template, path)
          .join()
          .match(/PayerSecrets\//g),
      ).toHaveLength(mostPayers);
    }
  });
});
