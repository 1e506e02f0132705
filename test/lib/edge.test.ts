import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { CloudFrontResponseEvent, CloudFrontResponseResult } from 'aws-lambda';
import { bundle } from '../../lib/bundle.ts';
import { OriginSecret } from '../../lib/origin-secret.ts';
import { domain, propertiesOf, resourcesOf, templateOf } from '../support/front-stack.ts';
import { at, nameOf, pathOf, type StageTemplate } from '../support/stage-template.ts';

interface Config {
  readonly Aliases: string[];
  readonly DefaultCacheBehavior: Readonly<Record<string, unknown>> & {
    readonly LambdaFunctionAssociations: {
      readonly EventType: string;
      readonly LambdaFunctionARN: { readonly Ref: string };
    }[];
  };
  readonly CustomErrorResponses: object[];
  readonly Origins: {
    readonly DomainName: unknown;
    readonly CustomOriginConfig: object;
    readonly ConnectionAttempts?: number;
    readonly OriginCustomHeaders?: readonly { readonly HeaderName: string; readonly HeaderValue: unknown }[];
  }[];
  readonly ViewerCertificate: object;
  readonly WebACLId: unknown;
  readonly Logging?: unknown;
}

/** AWS's own policies: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html */
const cachingDisabled = '4135ea2d-6df8-44a3-9df3-4b5a84be39ad';

let outdir: string;
beforeAll(async () => {
  outdir = await mkdtemp(join(tmpdir(), 'p2p-edge-'));
});
afterAll(() => rm(outdir, { recursive: true }));

describe('the edge', () => {
  const config = propertiesOf(templateOf('edge'), 'AWS::CloudFront::Distribution')['DistributionConfig'] as Config;

  const functionAtEdge = (): readonly [string, Readonly<Record<string, unknown>>] => {
    const [{ LambdaFunctionARN } = { LambdaFunctionARN: { Ref: '' } }] =
      config.DefaultCacheBehavior.LambdaFunctionAssociations;
    const version = templateOf('edge').Resources[LambdaFunctionARN.Ref];
    expect(version?.Type).toBe('AWS::Lambda::Version');
    const { Ref } = (version?.Properties?.['FunctionName'] ?? {}) as { Ref: string };
    return [Ref, templateOf('edge').Resources[Ref]?.Properties ?? {}];
  };

  it("is in front of the API's domain, and forwards every method, header, cookie and query unchanged", () => {
    const [[domainId] = ['']] = resourcesOf(templateOf('edge'), 'AWS::ApiGateway::DomainName');

    expect(config.Aliases).toEqual([domain.name]);
    expect(config.Origins.map(({ DomainName }) => DomainName)).toEqual([
      { 'Fn::GetAtt': [domainId, 'RegionalDomainName'] },
    ]);
    const [[policyId, policy] = ['']] = resourcesOf(templateOf('edge'), 'AWS::CloudFront::OriginRequestPolicy');
    expect(policy?.Properties?.['OriginRequestPolicyConfig']).toMatchObject({
      // In addition to the request's own headers: the caller's address, which CloudFront always overwrites.
      HeadersConfig: { HeaderBehavior: 'allViewerAndWhitelistCloudFront', Headers: ['CloudFront-Viewer-Address'] },
      CookiesConfig: { CookieBehavior: 'all' },
      QueryStringsConfig: { QueryStringBehavior: 'all' },
    });
    expect(config.DefaultCacheBehavior).toMatchObject({
      OriginRequestPolicyId: { Ref: policyId },
      AllowedMethods: expect.arrayContaining(['GET', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'POST', 'DELETE']) as string[],
    });
  });

  it('caches nothing, and compresses nothing that should stream', () => {
    expect(config.DefaultCacheBehavior).toMatchObject({ CachePolicyId: cachingDisabled, Compress: false });
    // Those that CloudFront keeps unless it is told not to, whatever the cache policy and the answer's headers say
    // (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html).
    const kept = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];
    expect(config.CustomErrorResponses).toEqual(kept.map((ErrorCode) => ({ ErrorCode, ErrorCachingMinTTL: 0 })));
  });

  it('speaks TLS 1.2 or newer on both sides, and never plain HTTP', () => {
    expect(config.ViewerCertificate).toMatchObject({
      MinimumProtocolVersion: 'TLSv1.2_2021',
      AcmCertificateArn: domain.certificateArn,
    });
    expect(config.DefaultCacheBehavior['ViewerProtocolPolicy']).toBe('https-only');
    expect(config.Origins[0]?.CustomOriginConfig).toMatchObject({
      OriginProtocolPolicy: 'https-only',
      OriginSSLProtocols: ['TLSv1.2'],
    });
  });

  it('waits for a slow payer as long as CloudFront allows without a quota increase', () => {
    expect(config.Origins[0]?.CustomOriginConfig).toMatchObject({ OriginReadTimeout: 120 });
  });

  it('tries once, since a second attempt would present a used code or refresh token', () => {
    expect(config.Origins.map(({ ConnectionAttempts }) => ConnectionAttempts)).toEqual([1]);
  });

  it("sends the API's web ACL a secret that no one else has, which the template refers to but does not contain", () => {
    const [origin] = config.Origins;
    const reference = '{{resolve:secretsmanager:OriginSecret/Value1:SecretString}}';
    const [header, ...others] = origin?.OriginCustomHeaders ?? [];
    expect(others).toEqual([]);
    expect([header?.HeaderName, nameOf(templateOf('edge'), header?.HeaderValue)]).toEqual([
      'x-origin-verify',
      reference,
    ]);
    expect(at(templateOf('edge'), 'OriginSecret/Value1').Properties).toMatchObject({
      GenerateSecretString: { PasswordLength: 64, ExcludePunctuation: true },
    });
  });

  it('makes functions trust its headers, which none does without an edge or a web ACL', () => {
    const believing = (template: StageTemplate): string[] =>
      resourcesOf(template, 'AWS::Lambda::Function').flatMap(([, lambda]) =>
        JSON.stringify(lambda.Properties?.['Environment'] ?? {}).includes('"EDGE":"cloudfront"')
          ? [pathOf(lambda)]
          : [],
      );
    const routed = ['Authorize', 'Callback', 'Connections', 'Token', 'Fetch', 'Discovery'].map(
      (name) => `Functions/${name}/Function`,
    );
    expect(believing(templateOf('edge'))).toEqual([...routed, 'Exports/Export/Function']);
    expect(believing(templateOf('named'))).toEqual([]);
    expect(believing(templateOf('both'))).toEqual([]);
    expect(believing(templateOf('bare'))).toEqual([]);
  });

  it('has a web ACL with the scope of CloudFront', () => {
    const acls = resourcesOf(templateOf('edge'), 'AWS::WAFv2::WebACL');
    const [id] = acls.find(([, { Properties }]) => Properties?.['Scope'] === 'CLOUDFRONT') ?? [];

    expect(config.WebACLId).toEqual({ 'Fn::GetAtt': [id, 'Arn'] });
  });

  it("has the domain's DNS records", () => {
    const [[distributionId] = ['']] = resourcesOf(templateOf('edge'), 'AWS::CloudFront::Distribution');
    const records = resourcesOf(templateOf('edge'), 'AWS::Route53::RecordSet');

    expect(records).toHaveLength(2);
    for (const [, { Properties }] of records) {
      expect(Properties?.['AliasTarget']).toMatchObject({ DNSName: { 'Fn::GetAtt': [distributionId, 'DomainName'] } });
    }
  });

  it('runs the origin-response function as Lambda@Edge requires: a version, x86_64, no variables, no VPC', () => {
    const [, lambda] = functionAtEdge();

    expect(config.DefaultCacheBehavior.LambdaFunctionAssociations.map(({ EventType }) => EventType)).toEqual([
      'origin-response',
    ]);
    expect(lambda).toMatchObject({ Architectures: ['x86_64'], Runtime: 'nodejs24.x', Handler: 'index.handler' });
    expect(lambda).not.toHaveProperty('Environment');
    expect(lambda).not.toHaveProperty('VpcConfig');
    expect(lambda).not.toHaveProperty('LoggingConfig');
  });

  it('runs its function with a role that has no rights', () => {
    const [, lambda] = functionAtEdge();
    const {
      'Fn::GetAtt': [roleId],
    } = lambda['Role'] as { 'Fn::GetAtt': [string, string] };

    const role = templateOf('edge').Resources[roleId]?.Properties;
    expect(JSON.stringify(role?.['AssumeRolePolicyDocument'])).toContain('edgelambda.amazonaws.com');
    expect(role).not.toHaveProperty('Policies');
    expect(role).not.toHaveProperty('ManagedPolicyArns');
    expect(JSON.stringify(resourcesOf(templateOf('edge'), 'AWS::IAM::Policy'))).not.toContain(roleId);
  });

  it("ships code that handles CloudFront's events, and no registry", async () => {
    const folder = bundle(new Stack(new App({ outdir })), ['edge']).edge;

    const { handler } = createRequire(import.meta.url)(join(folder, 'index.js')) as {
      handler: (event: CloudFrontResponseEvent) => Promise<CloudFrontResponseResult>;
    };
    const renamed = [{ key: 'x-amzn-Remapped-WWW-Authenticate', value: 'Bearer' }];
    const response = { status: '401', statusDescription: '', headers: { 'x-amzn-remapped-www-authenticate': renamed } };
    const answer = await handler({ Records: [{ cf: { response } }] } as unknown as CloudFrontResponseEvent);

    expect(answer?.headers?.['www-authenticate']).toEqual([{ key: 'WWW-Authenticate', value: 'Bearer' }]);
    expect(await readdir(folder)).toEqual(['index.js']);
  });

  it('logs who called, when, and with what result, but no path, query or header', () => {
    const { RecordFields } = propertiesOf(templateOf('edge'), 'AWS::Logs::Delivery') as { RecordFields: string[] };

    expect(RecordFields).toEqual(
      expect.arrayContaining(['timestamp(ms)', 'c-ip', 'cs-method', 'sc-status', 'time-taken']),
    );
    expect(
      RecordFields.filter((field) => /uri|query|cookie|referer|header|\((Host|User-Agent)\)/i.test(field)),
    ).toEqual([]);
    expect(config.Logging).toBeUndefined();
  });

  it('does not exist if the stage has none', () => {
    const types = Object.values(templateOf('named').Resources).map(({ Type }) => Type);

    expect(types.filter((type) => type.startsWith('AWS::CloudFront'))).toEqual([]);
  });
});

/** CloudFormation changes whatever has no path between them in any order, and at the same time. */
describe('what changes together in an update', () => {
  /** Everything that a resource waits for. */
  const waitsFor = ({ Resources }: StageTemplate, id: string, seen = new Set<string>()): ReadonlySet<string> => {
    const { Properties, DependsOn = [] } = Resources[id] ?? {};
    const named = [...JSON.stringify(Properties ?? {}).matchAll(/"(?:Ref|Fn::GetAtt)":\[?"([^"]+)"/g)].map(
      ([, one = '']) => one,
    );
    for (const other of [...named, ...[DependsOn].flat()]) {
      if (seen.has(other) || Resources[other] === undefined) continue;
      seen.add(other);
      waitsFor({ Resources } as StageTemplate, other, seen);
    }
    return seen;
  };
  const idsWhere = (template: StageTemplate, type: string, has: (properties: string) => boolean): string[] =>
    resourcesOf(template, type).flatMap(([id, { Properties }]) => (has(JSON.stringify(Properties)) ? [id] : []));

  /** `later after earlier`, for each pair whose order matters to a caller. */
  const pairsOf = (template: StageTemplate): (readonly [later: string, earlier: string])[] => {
    const functions = (believes: boolean): string[] =>
      idsWhere(
        template,
        'AWS::Lambda::Function',
        (text) =>
          text.includes('"ORIGIN"') &&
          !text.includes('export-job') &&
          text.includes('"EDGE":"cloudfront"') === believes,
      );
    const requiring = idsWhere(template, 'AWS::WAFv2::WebACL', (text) => text.includes('"OnlyCloudFront"'));
    const others = idsWhere(template, 'AWS::WAFv2::WebACL', (text) => text.includes('"REGIONAL"')).filter(
      (id) => !requiring.includes(id),
    );
    const sending = idsWhere(template, 'AWS::CloudFront::Distribution', (text) => text.includes('"x-origin-verify"'));
    const records = idsWhere(template, 'AWS::Route53::RecordSet', () => sending.length > 0);
    const switching = idsWhere(template, 'AWS::ApiGateway::Stage', () => true);
    const allowing = idsWhere(template, 'AWS::Lambda::Permission', (text) => text.includes('apigateway.amazonaws.com'));
    const pairs = (later: readonly string[], earlier: readonly string[]) =>
      later.flatMap((one) => earlier.map((other) => [one, other] as const));
    return [
      // A request without the header gets 403.
      ...pairs(requiring, [...sending, ...records]),
      // A path whose function may not be called yet gets 500.
      ...pairs(switching, allowing),
      // Any caller could name the address that is logged.
      ...pairs(functions(true), requiring),
      ...pairs(
        others,
        functions(false).filter((id) =>
          /Authorize|Callback|Connections|Token|Fetch|Discovery|ExportsExport(?!Job)/.test(id),
        ),
      ),
    ];
  };

  it.each([
    ['edge', 10 + 19],
    ['both', 7 + 19],
    ['named', 7 + 19],
  ] as const)('has a path between the parts of each pair, in stage %s', (stage, count) => {
    const template = templateOf(stage);
    const pairs = pairsOf(template);
    expect(pairs).toHaveLength(count);
    expect(pairs.filter(([later, earlier]) => !waitsFor(template, later).has(earlier))).toEqual([]);
  });

  it('is without a path from a resource to itself', () => {
    for (const stage of ['edge', 'both', 'named'] as const) {
      const ids = Object.keys(templateOf(stage).Resources);
      expect(ids.filter((id) => waitsFor(templateOf(stage), id).has(id))).toEqual([]);
    }
  });

  it('has the web ACL accept all of its secrets', () => {
    const secrets = (type: string): string[] => [
      ...new Set(
        resourcesOf(templateOf('edge'), type).flatMap(([, { Properties }]) =>
          [...JSON.stringify(Properties).matchAll(/OriginSecretValue(\d)/g)].map(([, number = '']) => number),
        ),
      ),
    ];
    expect(secrets('AWS::CloudFront::Distribution')).toEqual(['1']);
    expect(secrets('AWS::WAFv2::WebACL')).toEqual(['1', '2']);
  });

  // While CloudFront deploys, some of its servers send the old secret and some the new. An update changes CloudFront and
  // then the web ACL. Undoing it does so too, in either order.
  it.each([1, 2, 3])(
    'loses no request while its secret changes from number %i to the next, nor while that is undone',
    (generation) => {
      const stack = new Stack(new App({ outdir: join(outdir, `secrets-${generation}`) }), 'Secrets');
      const key = new Key(stack, 'Key');
      const secretsOf = (number: number) =>
        new OriginSecret(stack, `At${number}`, { config: { removalPolicy: 'retain' }, key, generation: number });
      const numbersIn = (values: readonly string[]) =>
        values.map((value) => Number(/Value(\d)/.exec(JSON.stringify(stack.resolve(value)))?.[1]));
      const [before, after] = [secretsOf(generation), secretsOf(generation + 1)];
      const sent = numbersIn([before.value, after.value]);
      expect(sent).toEqual([generation, generation + 1]);
      for (const { accepted } of [before, after]) expect(numbersIn(accepted)).toEqual(expect.arrayContaining(sent));
      // Two deployments take a secret that others have learned away.
      expect(numbersIn(secretsOf(generation + 2).accepted)).not.toContain(generation);
    },
  );
});
