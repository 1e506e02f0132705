import { functionLogLine } from '../../sandbox/console.ts';

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
