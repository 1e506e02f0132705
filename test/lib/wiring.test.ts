/** What in the stack is connected with what, by value, in the stacks of both stages. */
import {
  at,
  conditionsOf,
  lineOf,
  nameOf,
  ofType,
  pathOf,
  plainly,
  principalsOf,
  property,
  rightsOf,
  stageTemplates,
  statementsOf,
} from '../support/stage-template.ts';

const production = 'production-example';

describe.each(await stageTemplates(plainly))('in the stack of %s', (stage, template) => {
  const own = (path: string): boolean => /^(Functions|Audit|Canary|RegistryFill|Exports|Events)\//.test(path);
  const origin =
    stage === production
      ? 'https://gateway.plan.example.org'
      : 'https://Api/RestApi.execute-api.{region}.{suffix}/demo';

  it('each function has this memory, timeout, environment and runtime', () => {
    const found = ofType(template, 'AWS::Lambda::Function').map((lambda) => {
      const { Properties: of = {} } = lambda;
      const { Variables: variables = {} } = (of['Environment'] ?? {}) as { Variables?: Record<string, unknown> };
      const told = Object.entries(variables).map(([name, value]) => `${name}=${nameOf(template, value)}`);
      const run = [of['MemorySize'], of['Timeout'], of['Runtime'], [of['Architectures']].flat(), of['Handler']];
      return [pathOf(lambda).replace(/\/Function$/, ''), `${run.join(' ')}: ${told.sort().join(' ')}`.trim()];
    });

    // What partners meet: behind the edge, with errors that lead to the documents.
    const edge =
      stage === production ? ['EDGE=cloudfront', 'ERRORS_URL=https://developers.plan.example.org/partners/errors'] : [];
    const grants = 'GRANTS_TABLE=Tables/Grants';
    const attempts = 'LOGIN_ATTEMPTS_TABLE=Tables/LoginAttempts';
    const lifetimes =
      '{"loginAttempt":1800,"code":60,"accessToken":3600,"grant":15552000,"refreshGrace":60,"publicRefreshGrace":10}';
    const reader = [`ORIGIN=${origin}`, 'REGISTRY_TABLE=Tables/Registry', `STAGE=${stage}`, `LIFETIMES=${lifetimes}`];
    const secrets = `PAYER_SECRET_PREFIX=p2p/${stage}/payers/`;
    const run = (seconds: number, variables: readonly string[]): string =>
      `1024 ${seconds} nodejs24.x arm64 index.handler: ${variables.toSorted().join(' ')}`;
    const exportsTable = 'EXPORTS_TABLE=Tables/Exports';
    const exportsKey = 'EXPORTS_KEY=Keys/Exports';
    const exportsBucket = 'EXPORTS_BUCKET=Exports/Files';
    const registry = reader.filter((variable) => !variable.startsWith('ORIGIN'));
    const exports = [
      ...reader,
      grants,
      exportsTable,
      exportsKey,
      exportsBucket,
      'AUDIT_TABLE=Tables/AuditEvents',
      'LIMITS_TABLE=Tables/Limits',
    ];
    const collectOften = 'NODE_OPTIONS=--max-semi-space-size=1';
    const fetches = [
      exportsTable,
      exportsKey,
      'AUDIT_TABLE=Tables/AuditEvents',
      'LIMITS_TABLE=Tables/Limits',
      collectOften,
    ];
    expect(Object.fromEntries(found)).toEqual({
      'Functions/Authorize': run(29, [...edge, ...reader, attempts]),
      'Functions/Callback': run(29, [
        ...edge,
        ...reader,
        attempts,
        grants,
        'MEMBER_INDEX_KEY=Keys/MemberIndex',
        secrets,
      ]),
      'Functions/Connections': run(29, [...edge, ...reader, attempts, grants, exportsTable]),
      'Functions/Token': run(29, [...edge, ...reader, grants, secrets]),
      'Functions/Fetch': run(840, [...edge, ...reader, grants, secrets, ...fetches]),
      'Functions/Discovery': run(29, [...edge, ...reader]),
      'Audit/Audit': run(60, ['AUDIT_BUCKET=Audit/Bucket', 'AUDIT_TABLE=Tables/AuditEvents', `STAGE=${stage}`]),
      'Canary/Canary': run(240, [...reader, 'LIMITS_TABLE=Tables/Limits', 'UV_THREADPOOL_SIZE=64']),
      'RegistryFill/FillRegistry': run(840, ['REGISTRY_TABLE=Tables/Registry']),
      'Exports/Export': run(840, [...edge, ...exports, secrets, collectOften]),
      'Exports/ExportJob': run(900, [
        ...exports,
        'EXPORT_FILE_SECONDS=604800',
        `${collectOften} --expose-gc`,
        'MALLOC_ARENA_MAX=1',
      ]),
      'Exports/Sweep': run(900, [exportsBucket]),
      'Events/Deliver': run(60, [
        ...registry,
        'LIMITS_TABLE=Tables/Limits',
        `WEBHOOK_SECRET_PREFIX=p2p/${stage}/webhooks/`,
      ]),
      'Events/FollowUp': run(60, [
        ...registry,
        exportsTable,
        'EXPORT_JOB=Exports/ExportJob/Function/CurrentVersion',
        'SWEEP=Exports/Sweep/Function/CurrentVersion',
        'DELIVER=Events/Deliver/Function/CurrentVersion',
      ]),
      ...(stage === production
        ? {
            'Edge/OriginResponse': '128 5 nodejs24.x x86_64 index.handler:',
            'Custom::VpcRestrictDefaultSGCustomResourceProvider/Handler': expect.stringMatching(
              /^128 60 nodejs\d+\.x {2}__entrypoint__\.handler:$/,
            ) as string,
          }
        : {}),
    });
  });

  it('each function runs with its own role and writes its own log', () => {
    for (const lambda of ofType(template, 'AWS::Lambda::Function').filter((one) => own(pathOf(one)))) {
      const path = pathOf(lambda).replace(/\/Function$/, '');
      const { LogGroup }: { LogGroup: unknown } = property(lambda, 'LoggingConfig');
      expect([nameOf(template, property(lambda, 'Role')), nameOf(template, LogGroup)]).toEqual([
        `${path}/Role`,
        `${path}/Logs`,
      ]);
    }
  });

  it('each role trusts these services, and no one else', () => {
    const trust = ofType(template, 'AWS::IAM::Role').map((role) => {
      const lines = statementsOf(role, 'AssumeRolePolicyDocument').map((statement) => {
        const who = principalsOf(template, statement).sort().join(' ');
        return `${statement.Effect} ${[statement.Action].flat().join(' ')} by ${who}${conditionsOf(template, statement)}`;
      });
      return [pathOf(role), lines];
    });

    const lambda = ['Allow sts:AssumeRole by lambda.amazonaws.com'];
    const functions = ['Authorize', 'Callback', 'Connections', 'Token', 'Fetch', 'Discovery'].map(
      (name) => `Functions/${name}`,
    );
    const exports = ['Exports/Export', 'Exports/ExportJob', 'Exports/Sweep', 'Events/FollowUp', 'Events/Deliver'];
    const roles = [...functions, ...exports, 'Audit/Audit', 'Canary/Canary', 'RegistryFill/FillRegistry'].map(
      (path) => [`${path}/Role`, lambda],
    );
    expect(Object.fromEntries(trust)).toEqual({
      ...Object.fromEntries(roles),
      'Api/AccessLog/Role': ['Allow sts:AssumeRole by apigateway.amazonaws.com'],
      ...(stage === production
        ? {
            'Network/FlowLogsRole': [
              'Allow sts:AssumeRole by vpc-flow-logs.amazonaws.com if StringEquals aws:SourceAccount={account}',
            ],
            'Custom::VpcRestrictDefaultSGCustomResourceProvider/Role': lambda,
            'Edge/OriginResponse/Role': ['Allow sts:AssumeRole by edgelambda.amazonaws.com lambda.amazonaws.com'],
          }
        : {}),
    });
  });

  it('the roles that belong to no function may do exactly this', () => {
    expect(rightsOf(template, 'Api/AccessLog')).toEqual([
      'Allow logs:CreateLogGroup logs:CreateLogStream logs:DescribeLogGroups logs:DescribeLogStreams ' +
        'logs:FilterLogEvents logs:GetLogEvents logs:PutLogEvents on *',
    ]);
    if (stage !== production) return;
    const lines = (path: string): string[] =>
      statementsOf(at(template, path)).map((statement) => lineOf(template, statement));
    expect(property(at(template, 'Network/FlowLogsRole'), 'ManagedPolicyArns')).toHaveLength(1);
    expect(lines('Network/FlowLogsPolicy')).toEqual([
      'Allow logs:CreateLogStream logs:DescribeLogStreams logs:PutLogEvents on Network/FlowLogs',
    ]);
    expect(lines('Network/DefaultGroupPolicy')).toEqual([
      'Allow logs:CreateLogStream logs:PutLogEvents on Network/DefaultGroupLogs',
    ]);
    const inline: { PolicyDocument: unknown }[] = property(
      at(template, 'Custom::VpcRestrictDefaultSGCustomResourceProvider/Role'),
      'Policies',
    );
    expect(inline).toHaveLength(1);
    const attached = Object.values(template.Resources).filter(({ Type }) => Type === 'AWS::IAM::Policy');
    expect(attached).toEqual([]);
  });

  it('each function is called by these, and by no one else', () => {
    const called = ofType(template, 'AWS::Lambda::Permission').map(({ Properties: of = {} }) => {
      const source = nameOf(template, of['SourceArn']);
      return [
        nameOf(template, of['FunctionName']).replace(/\/Function$/, ''),
        of['Action'],
        of['Principal'],
        source.startsWith('arn:') ? source.replace(/^arn:[^/]*:execute-api:[^/]*:/, '') : source,
      ].join(' ');
    });
    const routes = {
      Authorize: ['oauth2/authorize/*'],
      Callback: ['oauth2/callback/*'],
      Connections: ['connections/*'],
      Token: ['oauth2/token', 'oauth2/revoke', 'oauth2/introspect'],
      Discovery: [
        '',
        'oauth2/jwks/*',
        '.well-known/oauth-authorization-server/r4/*',
        'brands',
        'connect',
        'connect/payers',
        'r4/*/.well-known/smart-configuration',
        'r4/*/.well-known/oauth-authorization-server',
        'r4/*/metadata',
      ],
      Fetch: ['r4/*', 'r4/*/*'],
      Export: ['exports/*/*', 'exports/*/*/*'],
    };
    const byApi = Object.entries(routes).flatMap(([name, paths]) =>
      paths.map(
        (path) =>
          `${name === 'Export' ? 'Exports' : 'Functions'}/${name} lambda:InvokeFunction apigateway.amazonaws.com Api/RestApi/${stage}/*/${path}`,
      ),
    );
    const bySchedule = ['Audit/Audit', 'Canary/Canary'].map((path) => {
      const rule = path.startsWith('Audit') ? 'Audit/CloseReads' : 'Canary/Schedule';
      return `${path} lambda:InvokeFunction events.amazonaws.com ${rule}`;
    });
    expect(called.sort()).toEqual([...byApi, ...bySchedule].sort());
  });

  it('what begins to work by itself waits for all that it needs', () => {
    const idOf = (path: string): string =>
      Object.entries(template.Resources).find(([, resource]) => pathOf(resource) === path)?.[0] ?? path;
    const mentioned = (value: unknown): string[] =>
      [...JSON.stringify(value ?? '').matchAll(/"(\w+)"/g)].flatMap(([, id = '']) =>
        id in template.Resources ? [id] : [],
      );
    const before = (path: string): ReadonlySet<string> => {
      const found = new Set([idOf(path)]);
      for (const id of found) {
        const { Properties, DependsOn } = template.Resources[id] ?? {};
        for (const other of mentioned([Properties, DependsOn])) found.add(other);
      }
      return found;
    };
    const missing = (path: string, needs: readonly string[]): string[] => {
      const first = before(path);
      return needs.filter((need) => !first.has(idOf(need))).map((need) => `${path} does not wait for ${need}`);
    };
    const front = ['Edge/Distribution', 'Domain/Ipv4Record'].filter((path) => idOf(path) !== path);
    const paths = ['Authorize', 'Callback', 'Connections', 'Token', 'Fetch', 'Discovery'];
    const served = [...paths.map((name) => `Functions/${name}/Function`), ...front];

    expect(front).toHaveLength(stage === 'demo' ? 0 : 2);
    expect([
      ...['GrantsSource', 'AuditEventsSource', 'RegistrySource'].flatMap((id) =>
        missing(`Audit/${id}`, ['Audit/Bucket/Policy']),
      ),
      ...missing('Canary/Schedule', served),
      ...missing('Alarms/CanarySilent', ['Canary/Schedule']),
    ]).toEqual([]);
  });

  it('each schedule calls its own function', () => {
    const rules = ofType(template, 'AWS::Events::Rule').map((rule) => {
      const targets: { Arn: unknown }[] = property(rule, 'Targets');
      const called = targets.map(({ Arn }) => nameOf(template, Arn)).join(' ');
      return [pathOf(rule), `${String(property(rule, 'ScheduleExpression'))} ${called}`];
    });
    expect(Object.fromEntries(rules)).toEqual({
      'Audit/CloseReads': 'rate(2 minutes) Audit/Audit/Function',
      'Canary/Schedule': 'rate(5 minutes) Canary/Canary/Function',
    });
  });

  it('the outputs are these', () => {
    const outputs = Object.entries(template.Outputs).map(([name, { Value }]) => [name, nameOf(template, Value)]);
    expect(Object.fromEntries(outputs)).toEqual({
      Origin: origin,
      ApiUrl: `https://Api/RestApi.execute-api.{region}.{suffix}/${stage}`,
      RedirectUri: `${origin}/oauth2/callback/{payer}`,
      JwksUri: `${origin}/oauth2/jwks/{payer}`,
      AuditBucket: 'Audit/Bucket',
      LoginAttemptsTable: 'Tables/LoginAttempts',
      GrantsTable: 'Tables/Grants',
      AuditEventsTable: 'Tables/AuditEvents',
      LimitsTable: 'Tables/Limits',
      RegistryTable: 'Tables/Registry',
      PayerSecretPrefix: `p2p/${stage}/payers/`,
      DataKeyAlias: `alias/p2p-${stage}-data`,
      MemberIndexKeyAlias: `alias/p2p-${stage}-member-index`,
      AlarmTopic: 'Alarms/Topic',
      TicketTopic: stage === production ? 'Alarms/Tickets' : 'Alarms/Topic',
      ...(stage === production
        ? Object.fromEntries([1, 2, 3].map((zone) => [`EgressAddress${zone}`, `Network/Address${zone}.PublicIp`]))
        : {}),
    });
  });

  it('the dashboard shows this API, these functions and these tables', () => {
    const [dashboard] = ofType(template, 'AWS::CloudWatch::Dashboard');
    const body = nameOf(template, property(dashboard, 'DashboardBody'));
    expect(property(dashboard, 'DashboardName')).toBe(`p2p-gateway-${stage}`);
    const dimension = (name: string): string[] =>
      [...new Set([...body.matchAll(new RegExp(`"${name}","([^"]+)"`, 'g'))].map(([, value = '']) => value))].sort();
    expect(dimension('ApiName')).toEqual([`p2p-gateway-${stage}`]);
    expect(dimension('Stage')).toEqual([stage]);
    expect(dimension('TableName')).toEqual([
      'Tables/AuditEvents',
      'Tables/Exports',
      'Tables/Grants',
      'Tables/Limits',
      'Tables/LoginAttempts',
      'Tables/Registry',
    ]);
    const shown = ofType(template, 'AWS::Lambda::Function').map(pathOf).filter(own);
    // Whether the registry is filled is CloudFormation's to say.
    expect(dimension('FunctionName')).toEqual(shown.filter((path) => !path.startsWith('RegistryFill/')).sort());
    expect(property(ofType(template, 'AWS::ApiGateway::RestApi')[0], 'Name')).toBe(`p2p-gateway-${stage}`);
  });
});
