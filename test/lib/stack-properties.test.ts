/** How long the stack keeps, waits and tries, and what it serves, as literal tables for both stages. */
import { jest } from '@jest/globals';
import { longestCheckMs } from '../../functions/canary/check-payer.ts';
import { mostTries, waitSeconds } from '../../functions/deliver/schedule.ts';
import { longestExportSeconds } from '../../functions/shared/exports/longest-export.ts';
import { longestReadSeconds } from '../../functions/shared/store/read-events.ts';
import { againMinutes, sweepRetries } from '../../functions/sweep/handler.ts';
import {
  at,
  nameOf,
  ofType,
  pathOf,
  property,
  stageTemplate,
  stageTemplates,
  withoutExchanges,
  type Resource,
} from '../support/stage-template.ts';

interface Method {
  readonly HttpMethod: string;
  readonly ResourceId: { readonly Ref?: string };
  readonly Integration: {
    readonly Uri: unknown;
    readonly ResponseTransferMode?: string;
    readonly TimeoutInMillis: number;
  };
}

describe.each(await stageTemplates())('in the stack of %s', (stage, template) => {
  const days = stage === 'demo' ? { logs: 90, audit: 90 } : { logs: 400, audit: 2192 };

  /** The properties of each resource of a type, by its path, without its tags. */
  const byPath = (type: string, describe: (properties: Record<string, unknown>, resource: Resource) => unknown) =>
    Object.fromEntries(
      ofType(template, type).map((resource) => {
        const { Tags: _tags, ...properties } = resource.Properties ?? {};
        return [pathOf(resource), describe(properties, resource)];
      }),
    );

  it('a durable execution may last, and its history is kept under the key of exports, exactly this long', () => {
    const durable = Object.entries(
      byPath('AWS::Lambda::Function', ({ DurableConfig: config }) => {
        const { KMSKeyArn: key, ...times } = (config ?? {}) as Record<string, unknown>;
        return key === undefined ? undefined : { ...times, key: nameOf(template, key) };
      }),
    ).filter(([, config]) => config !== undefined);

    const day = 86_400;
    expect(Object.fromEntries(durable)).toEqual({
      'Exports/ExportJob/Function': { ExecutionTimeout: 7 * day, RetentionPeriodInDays: 7, key: 'Keys/Exports' },
      'Exports/Sweep/Function': { ExecutionTimeout: 3 * day, RetentionPeriodInDays: 1, key: 'Keys/Exports' },
      'Events/Deliver/Function': { ExecutionTimeout: 5 * day, RetentionPeriodInDays: 30, key: 'Keys/Exports' },
    });
  });

  // "If your function is invoked approximately 16 times in the same chain of requests, then Lambda automatically stops the next":
  // https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
  it('a function may start itself over and over only where its role lets it, which is the job of exports', () => {
    const startsItself = ofType(template, 'AWS::IAM::ManagedPolicy').flatMap((policy) =>
      pathOf(policy).endsWith('/Executions') && JSON.stringify(policy.Properties).includes('"lambda:InvokeFunction"')
        ? [pathOf(policy).replace('Executions', 'Function')]
        : [],
    );
    const loops = Object.entries(byPath('AWS::Lambda::Function', ({ RecursiveLoop: value }) => value));
    const allowed = loops.filter(([, value]) => value !== undefined);

    expect(startsItself).toEqual(['Exports/ExportJob/Function']);
    expect(Object.fromEntries(allowed)).toEqual({ 'Exports/ExportJob/Function': 'Allow' });
  });

  // "If you configure a dead-letter queue (DLQ) for the function, Lambda sends the triggering event to the DLQ", which it may
  // only with the right of the function's role: https://docs.aws.amazon.com/lambda/latest/dg/durable-execution-sdk-retries.html
  it('the events of each durable function that Lambda gives up go to its own encrypted queue, for the most days that SQS keeps', () => {
    const queues = byPath('AWS::SQS::Queue', ({ KmsMasterKeyId: key, ...properties }) => ({
      ...properties,
      key: nameOf(template, key),
    }));
    const gives = ofType(template, 'AWS::Lambda::Function').flatMap((lambda) => {
      const { TargetArn: target } = (lambda.Properties?.['DeadLetterConfig'] ?? {}) as { TargetArn?: unknown };
      return lambda.Properties?.['DurableConfig'] === undefined ? [] : [[pathOf(lambda), nameOf(template, target)]];
    });

    const kept = { key: 'Keys/Exports', MessageRetentionPeriod: 14 * 86_400 };
    expect(queues).toEqual({
      'Exports/ExportJobDeadLetters': kept,
      'Exports/SweepDeadLetters': kept,
      'Events/DeliverDeadLetters': kept,
    });
    expect(Object.fromEntries(gives)).toEqual({
      'Exports/ExportJob/Function': 'Exports/ExportJobDeadLetters',
      'Exports/Sweep/Function': 'Exports/SweepDeadLetters',
      'Events/Deliver/Function': 'Events/DeliverDeadLetters',
    });
  });

  // "Lambda doesn't publish a version if the function's configuration and code haven't changed since the last version"
  // (https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html), so if a rollback left one behind, the same code
  // could never be deployed again. UpdateReplacePolicy has no such value
  // (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatereplacepolicy.html).
  it('every version that an execution may have begun with stays, but none of a deployment that was undone', () => {
    const versions = byPath('AWS::Lambda::Version', (_properties, { DeletionPolicy, UpdateReplacePolicy }) => [
      DeletionPolicy,
      UpdateReplacePolicy,
    ]);

    const kept = ['RetainExceptOnCreate', 'Retain'];
    expect(versions).toEqual({
      'Events/Deliver/Function/CurrentVersion': kept,
      'Exports/ExportJob/Function/CurrentVersion': kept,
      'Exports/Sweep/Function/CurrentVersion': kept,
      ...(stage === 'demo' ? {} : { 'Edge/OriginResponse/Function/CurrentVersion': kept }),
    });
  });

  it('a stream is read from its beginning, a record is tried until it succeeds, and only its own part of a batch again', () => {
    const mappings = byPath(
      'AWS::Lambda::EventSourceMapping',
      ({ EventSourceArn: stream, FunctionName: called, FilterCriteria: filter, ...properties }) => ({
        ...properties,
        reads: nameOf(template, stream).replace('Tables/', '').replace('.StreamArn', ''),
        calls: nameOf(template, called).replace('/Function', ''),
        events: (filter as { Filters: { Pattern: string }[] }).Filters.map(
          ({ Pattern }) => JSON.parse(Pattern) as object,
        ),
      }),
    );

    // If omitted, MaximumRetryAttempts and MaximumRecordAgeInSeconds are unlimited:
    // https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
    const always = {
      StartingPosition: 'TRIM_HORIZON',
      BatchSize: 100,
      BisectBatchOnFunctionError: true,
      // Without it, the alarm that the stream is not read could never recover.
      MetricsConfig: { Metrics: ['EventCount'] },
    };
    const audit = { ...always, calls: 'Audit/Audit', MaximumBatchingWindowInSeconds: 5 };
    // Without it, Lambda ignores which records the function names as failed, and they are lost.
    const followUp = { ...always, calls: 'Events/FollowUp', FunctionResponseTypes: ['ReportBatchItemFailures'] };
    const withoutExpiry = [{ eventName: ['INSERT', 'MODIFY'] }];
    const every = [{ eventName: ['INSERT', 'MODIFY', 'REMOVE'] }];
    expect(mappings).toEqual({
      'Audit/GrantsSource': { ...audit, reads: 'Grants', events: withoutExpiry },
      'Audit/AuditEventsSource': { ...audit, reads: 'AuditEvents', events: withoutExpiry },
      'Audit/RegistrySource': { ...audit, reads: 'Registry', events: every },
      'Events/GrantsSource': { ...followUp, reads: 'Grants', events: every, MaximumBatchingWindowInSeconds: 1 },
      'Events/ExportsSource': { ...followUp, reads: 'Exports', events: every, MaximumBatchingWindowInSeconds: 0 },
    });
  });

  it('a scheduled call waits this long, and is never repeated', () => {
    const calls = byPath('AWS::Lambda::EventInvokeConfig', ({ FunctionName: called, ...properties }) => ({
      ...properties,
      calls: nameOf(template, called),
    }));

    const once = { MaximumRetryAttempts: 0, Qualifier: '$LATEST' };
    expect(calls).toEqual({
      'Audit/Audit/Function/EventInvokeConfig': {
        ...once,
        calls: 'Audit/Audit/Function',
        MaximumEventAgeInSeconds: 120,
      },
      'Canary/Canary/Function/EventInvokeConfig': {
        ...once,
        calls: 'Canary/Canary/Function',
        MaximumEventAgeInSeconds: 300,
      },
    });
  });

  it('a bucket keeps objects, earlier versions and parts of uploads exactly this long', () => {
    const kept = byPath('AWS::S3::Bucket', (properties) => [
      (properties['VersioningConfiguration'] as { Status?: string } | undefined)?.Status,
      (properties['LifecycleConfiguration'] as { Rules: unknown }).Rules,
    ]);

    // "If the current object version is not a delete marker, Amazon S3 adds a delete marker": then it is noncurrent, and kept
    // on (https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-expire-general-considerations.html).
    const removed = (after: string, expiration: number) => [
      'Enabled',
      [
        {
          Id: after,
          Status: 'Enabled',
          ExpirationInDays: expiration,
          NoncurrentVersionExpiration: { NoncurrentDays: 1 },
          AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
        },
        { Id: 'Markers', Status: 'Enabled', ExpiredObjectDeleteMarker: true },
      ],
    ];
    expect(kept).toEqual({
      'Audit/AccessLogs': removed('AfterTheAudit', days.audit),
      // Not a day before the lock ends.
      'Audit/Bucket': removed('AfterTheLock', days.audit + 1),
      // Without versions, what is deleted is gone.
      'Exports/Files': [
        undefined,
        [
          {
            Id: 'AfterTheFiles',
            Status: 'Enabled',
            ExpirationInDays: 11,
            AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
          },
        ],
      ],
    });
  });

  it('each path calls its own function, streams FHIR and files for 15 minutes, and has 29 seconds for the rest', () => {
    const resources = template.Resources;
    const pathTo = (id: string | undefined): string => {
      const { PathPart: part, ParentId: parent } = (id === undefined ? {} : (resources[id]?.Properties ?? {})) as {
        PathPart?: string;
        ParentId?: { Ref?: string };
      };
      return part === undefined ? '' : `${pathTo(parent?.Ref)}/${part}`;
    };
    const routes = ofType(template, 'AWS::ApiGateway::Method').map(({ Properties }) => {
      const { HttpMethod: method, ResourceId: resource, Integration: integration } = Properties as unknown as Method;
      const [, called, how] = /functions\/(.*)\/Function\/(.*)$/.exec(nameOf(template, integration.Uri)) ?? [];
      const { ResponseTransferMode: mode = 'BUFFERED', TimeoutInMillis: timeout } = integration;
      return [`${method} ${pathTo(resource.Ref) || '/'}`, `${called} ${mode} by ${how} in ${timeout} ms`];
    });

    const streamed = 'STREAM by response-streaming-invocations';
    const buffered = 'BUFFERED by invocations';
    const discovery = `Functions/Discovery ${streamed} in 29000 ms`;
    const token = `Functions/Token ${buffered} in 29000 ms`;
    const fetch = `Functions/Fetch ${streamed} in 900000 ms`;
    const files = `Exports/Export ${streamed} in 900000 ms`;
    expect(Object.fromEntries(routes)).toEqual({
      'ANY /': discovery,
      'ANY /brands': discovery,
      'ANY /connect': discovery,
      'ANY /connect/payers': discovery,
      'ANY /oauth2/jwks/{payer}': discovery,
      'ANY /.well-known/oauth-authorization-server/r4/{payer}': discovery,
      'ANY /r4/{payer}/.well-known/smart-configuration': discovery,
      'ANY /r4/{payer}/.well-known/oauth-authorization-server': discovery,
      'ANY /r4/{payer}/metadata': discovery,
      'ANY /oauth2/authorize/{payer}': `Functions/Authorize ${buffered} in 29000 ms`,
      'ANY /oauth2/callback/{payer}': `Functions/Callback ${buffered} in 29000 ms`,
      'ANY /connections/{payer}': `Functions/Connections ${buffered} in 29000 ms`,
      'ANY /oauth2/token': token,
      'ANY /oauth2/revoke': token,
      'ANY /oauth2/introspect': token,
      'ANY /r4/{payer}': fetch,
      'ANY /r4/{payer}/{proxy+}': fetch,
      'ANY /exports/{payer}/{export}': files,
      'ANY /exports/{payer}/{export}/{file}': files,
    });
  });
});

describe.each(await stageTemplates())('what waits for another in the stack of %s', (_stage, template) => {
  const secondsOf = (name: string): number => property(at(template, `${name}/Function`), 'Timeout');
  const executionOf = (name: string): number => {
    const { ExecutionTimeout: seconds }: { ExecutionTimeout: number } = property(
      at(template, `${name}/Function`),
      'DurableConfig',
    );
    return seconds;
  };

  it('an execution of an export outlasts the longest export', () => {
    expect(executionOf('Exports/ExportJob')).toBeGreaterThan(longestExportSeconds);
  });

  it("an export's files outlast the longest export and the days for their download", () => {
    const bucket = at(template, 'Exports/Files');
    const { Rules: rules }: { Rules: { ExpirationInDays: number }[] } = property(bucket, 'LifecycleConfiguration');
    const { Variables: variables }: { Variables: Record<string, string> } = property(
      at(template, 'Exports/ExportJob/Function'),
      'Environment',
    );

    const kept = longestExportSeconds + Number(variables['EXPORT_FILE_SECONDS']);
    expect(rules.map(({ ExpirationInDays: days }) => days * 86_400 > kept)).toEqual([true]);
  });

  it('an execution of a sweep outlasts both of its steps, with all retries at their longest', () => {
    const random = jest.spyOn(Math, 'random').mockReturnValue(1);
    let retries = 0;
    let longest = 0;
    for (;;) {
      retries += 1;
      const { shouldRetry, delay } = sweepRetries(new Error('no bucket'), retries);
      if (!shouldRetry) break;
      longest += (delay as { seconds: number }).seconds;
    }
    random.mockRestore();

    expect([retries, longest / 3600]).toEqual([30, expect.closeTo(20, 0)]);
    const step = longest + retries * secondsOf('Exports/Sweep');
    expect(executionOf('Exports/Sweep')).toBeGreaterThan(2 * step + againMinutes * 60);
  });

  it('an execution of a delivery outlasts all waits at their longest, and all tries at the time of their function', () => {
    const waits = Array.from({ length: mostTries - 1 }, (_, made) => waitSeconds(made + 1, 1) ?? Number.NaN);
    const longest = waits.reduce((sum, wait) => sum + wait, mostTries * secondsOf('Events/Deliver'));

    expect(executionOf('Events/Deliver')).toBeGreaterThan(longest);
  });

  it('a run of the canary ends before the next begins, and has time for the slowest payer', () => {
    expect(property(at(template, 'Canary/Schedule'), 'ScheduleExpression')).toBe('rate(5 minutes)');
    expect(secondsOf('Canary/Canary')).toBeLessThan(5 * 60);
    expect(longestCheckMs).toBeLessThan(secondsOf('Canary/Canary') * 1000);
  });

  it('a function that streams ends before API Gateway hangs up, and a read is not closed while its function runs', () => {
    for (const name of ['Functions/Fetch', 'Exports/Export']) {
      expect(secondsOf(name)).toBeLessThan(900);
      expect(secondsOf(name)).toBeLessThanOrEqual(longestReadSeconds);
    }
  });
});

describe('a stage whose exchanges are taken out', () => {
  // What stays with a name of its own is in the way of the next: docs/upgrade.md, "Take exchanges out, and put them back".
  it.each([
    ['retain', 'stack', ['Tables/Exchanges Retain', 'PayerSecrets/Exchange-northwind Retain p2p/…']],
    ['retain', 'tool', ['Tables/Exchanges Retain']],
    ['destroy', 'stack', ['Tables/Exchanges Delete', 'PayerSecrets/Exchange-northwind Delete p2p/…']],
  ] as const)('with %s and secrets of the %s loses these that hold data', async (removalPolicy, payerSecrets, lost) => {
    const changes = { production: removalPolicy === 'retain', removalPolicy, payerSecrets };
    const before = await stageTemplate('production-example', changes);
    const after = await stageTemplate('production-example', {
      ...(await withoutExchanges('production-example')),
      ...changes,
    });

    const gone = Object.keys(before.Resources).filter((id) => after.Resources[id] === undefined);
    const holding = gone
      .map((id) => before.Resources[id]!)
      .filter(({ Type }) => !/^AWS::(?:IAM|Lambda)::/.test(Type))
      .map((resource) => {
        const name = property(resource, 'Name') ?? property(resource, 'TableName');
        const ofStage =
          name === undefined ? '' : ` ${String(name).replace('production-example/exchanges/northwind', '…')}`;
        return `${pathOf(resource)} ${resource.UpdateReplacePolicy}${ofStage}`;
      });

    expect(holding.sort()).toEqual([...lost].sort());
  });
});
