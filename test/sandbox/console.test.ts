import { localStage } from '../../config/local.ts';
import { functionLogLine, welcome } from '../../sandbox/console.ts';
import type { LocalStack } from '../../sandbox/stack.ts';

const metrics = { Timestamp: 1, CloudWatchMetrics: [{ Namespace: 'p2p-gateway/local', Metrics: [{ Name: 'ms' }] }] };

describe("a function's log line, for a person", () => {
  it('says what went wrong, without the metrics beside it', () => {
    const record = {
      level: 'error',
      error: 'temporarily_unavailable',
      payer: 'northwind',
      step: 'fetch',
      ms: 3,
      _aws: metrics,
    };
    expect(functionLogLine('fetch', JSON.stringify(record))).toBe(
      '  fetch          ! temporarily_unavailable (northwind) fetch',
    );
  });

  it('is empty if all went well, or if there are only metrics', () => {
    expect(functionLogLine('fetch', JSON.stringify({ level: 'info', ms: 3, _aws: metrics }))).toBeUndefined();
    expect(functionLogLine('audit', JSON.stringify({ auditEvents: 3, _aws: metrics }))).toBeUndefined();
  });

  it('is cut if it is a whole bundle', () => {
    expect(functionLogLine('fetch', 'x'.repeat(100_000))?.length).toBeLessThan(400);
    expect(functionLogLine('fetch', 'x'.repeat(1000))?.length).toBeLessThan(400);
  });

  it('is unchanged if it is not a record', () => {
    expect(functionLogLine('fetch', 'Error: x')).toBe('  fetch          | Error: x');
    expect(functionLogLine('fetch', ' ')).toBeUndefined();
  });
});

describe('what npm start prints when everything listens', () => {
  const urls = { gateway: 'http://localhost:3000', aws: 'http://127.0.0.1:4', live: 'http://localhost:5' };
  const stackWith = (clients: LocalStack['clients'], awsPort = 3004) =>
    welcome({
      origin: urls.gateway,
      ports: { aws: awsPort },
      urls,
      config: localStage(),
      withSandbox: true,
      clients,
    } as unknown as LocalStack);

  it('has for each app what it must know, its webhook and the secrets included, and how to try them', () => {
    const webhook = { url: 'http://localhost:8080/', secrets: ['whsec_new', 'whsec_old'] };
    const text = stackWith([{ clientId: 'my-app', redirectUris: ['http://localhost:1/'], webhook }], 4);

    expect(text).toMatch(/^\n {2}Ready\. Begin at http:\/\/localhost:3000\n/);
    expect(text).toMatch(/^ {2}Webhook +http:\/\/localhost:8080\/$/m);
    expect(text).toMatch(/^ {2}Webhook secret +whsec_new whsec_old$/m);
    expect(text).toMatch(/^ {2}Documents +http:\/\/localhost:5\/docs$/m);
    const elsewhere = 'AWS_ENDPOINT_URL=http://127.0.0.1:4 ';
    expect(text).toContain(`  ${elsewhere}npm run audit -- --partner my-app --since 20`);
    expect(text).toContain(`  ${elsewhere}npm run partners -- webhook my-app --test --stage local\n`);
  });

  it('names the demo partner where no app was given, and no webhook', () => {
    const text = stackWith([]);
    expect(text).toContain('  npm run audit -- --partner demo-partner --since 20');
    expect(text).not.toMatch(/webhook/i);
  });
});
