import { domain, propertiesOf, resourcesOf, templateOf } from '../support/front-stack.ts';

interface MethodSetting {
  readonly [name: string]: unknown;
}

describe('the API', () => {
  const stageOfApi = (): Readonly<Record<string, unknown>> =>
    propertiesOf(templateOf('plain'), 'AWS::ApiGateway::Stage');

  const accessLog = (): { format: Record<string, string>; group: Readonly<Record<string, unknown>> | undefined } => {
    const { Format, DestinationArn } = stageOfApi()['AccessLogSetting'] as { Format: string; DestinationArn: unknown };
    const logGroups = resourcesOf(templateOf('plain'), 'AWS::Logs::LogGroup');
    const group = logGroups.find(([id]) => JSON.stringify(DestinationArn).includes(`"${id}"`));
    return { format: JSON.parse(Format) as Record<string, string>, group: group?.[1].Properties };
  };

  it('logs each request as JSON with ids, route, status, times, sizes, the caller and the cause of a refusal', () => {
    expect(Object.values(accessLog().format)).toEqual(
      expect.arrayContaining([
        '$context.requestId',
        '$context.extendedRequestId',
        '$context.resourcePath',
        '$context.status',
        '$context.responseLatency',
        '$context.integration.latency',
        '$context.responseLength',
        '$context.identity.sourceIp',
        '$context.error.responseType',
        '$context.wafResponseCode',
      ]),
    );
  });

  it('logs no path, query, header, body or error message, since they can contain codes, states, tokens and patient ids', () => {
    const logged = Object.values(accessLog().format).map((variable) => variable.replace('$context.', ''));

    expect(logged.filter((name) => /^(path|protocol)$|message|header|query|userAgent|caller|body/i.test(name))).toEqual(
      [],
    );
  });

  it('keeps the access log for the days of the stage, encrypted with a key of the stage', () => {
    expect(accessLog().group).toMatchObject({
      RetentionInDays: 90,
      KmsKeyId: { 'Fn::GetAtt': expect.any(Array) as unknown },
    });
  });

  it('throttles at the rate of the stage, writes no execution log and no trace, and buys no metrics per method', () => {
    const { MethodSettings, TracingEnabled, CacheClusterEnabled } = stageOfApi();

    const [all, ...others] = MethodSettings as MethodSetting[];
    expect(all).toEqual({
      HttpMethod: '*',
      ResourcePath: '/*',
      ThrottlingRateLimit: 100,
      ThrottlingBurstLimit: 200,
      MetricsEnabled: false,
      LoggingLevel: 'OFF',
      DataTraceEnabled: false,
    });
    expect(others).toEqual([]);
    expect(TracingEnabled).toBe(false);
    expect(CacheClusterEnabled ?? false).toBe(false);
  });

  it("creates the account's log role before the stage that logs, and keeps it for the account's other APIs", () => {
    const [[accountId, account] = ['', undefined]] = resourcesOf(templateOf('plain'), 'AWS::ApiGateway::Account');
    const [[, stage] = ['', undefined]] = resourcesOf(templateOf('plain'), 'AWS::ApiGateway::Stage');

    expect(stage).toMatchObject({ DependsOn: [accountId] });
    expect(account).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  });

  it('creates no log role if the configuration says so', () => {
    expect(resourcesOf(templateOf('bare'), 'AWS::ApiGateway::Account')).toEqual([]);
  });

  it('is reached at its own URL if it has no domain, and only at the domain if it has one', () => {
    const disabled = (name: 'plain' | 'named'): unknown =>
      propertiesOf(templateOf(name), 'AWS::ApiGateway::RestApi')['DisableExecuteApiEndpoint'];

    expect(disabled('plain')).toBe(false);
    expect(disabled('named')).toBe(true);
  });

  it('serves the domain at its root, over TLS 1.2 or newer and over IPv4 and IPv6', () => {
    const name = propertiesOf(templateOf('named'), 'AWS::ApiGateway::DomainName');
    const mapping = propertiesOf(templateOf('named'), 'AWS::ApiGateway::BasePathMapping');

    expect(name).toMatchObject({
      DomainName: domain.name,
      SecurityPolicy: 'TLS_1_2',
      EndpointConfiguration: { Types: ['REGIONAL'], IpAddressType: 'dualstack' },
      RegionalCertificateArn: domain.certificateArn,
    });
    expect(mapping['BasePath'] ?? '').toBe('');
  });

  it('makes the DNS records in the zone that the stage names, for IPv4 and IPv6', () => {
    const records = resourcesOf(templateOf('named'), 'AWS::Route53::RecordSet').map(([, { Properties }]) => Properties);

    expect(records.map((record) => String(record?.['Type'])).sort()).toEqual(['A', 'AAAA']);
    for (const record of records) {
      expect(record).toMatchObject({ Name: `${domain.name}.`, HostedZoneId: domain.hostedZone?.id });
    }
  });

  it('outputs the target, and creates no record, if another DNS service has the zone', () => {
    const stage = templateOf('elsewhereNamed');
    const { Outputs } = stage as unknown as { Outputs: Record<string, { Value: unknown }> };

    const [[id] = ['']] = resourcesOf(stage, 'AWS::ApiGateway::DomainName');
    expect(Outputs['DomainTarget']?.Value).toEqual({ 'Fn::GetAtt': [id, 'RegionalDomainName'] });
    expect(resourcesOf(stage, 'AWS::Route53::RecordSet')).toEqual([]);
  });
});
