/* What reads log lines and errors in the tests' stead: it must complain where CloudWatch, or a person, would. */
import { metricsOf } from './embedded-metrics.ts';
import { reference, withoutReference } from './reference.ts';

describe('the metrics of a log line', () => {
  const directive = (change: object = {}) => ({
    Namespace: 'p2p-gateway/test',
    Dimensions: [['step'], []],
    Metrics: [{ Name: 'ms', Unit: 'Milliseconds' }],
    ...change,
  });
  const line = (change: object = {}, ...directives: object[]) =>
    JSON.stringify({
      _aws: { Timestamp: 1, CloudWatchMetrics: directives.length === 0 ? [directive()] : directives },
      step: 'fetch',
      ms: 12,
      ...change,
    });

  it('are one for each set of dimensions', () => {
    const ms = { namespace: 'p2p-gateway/test', name: 'ms', unit: 'Milliseconds', value: 12 };
    expect(metricsOf(line())).toEqual([
      { ...ms, dimensions: { step: 'fetch' } },
      { ...ms, dimensions: {} },
    ]);
    expect(metricsOf('{"ms":12}')).toEqual([]);
  });

  it.each([
    ['a value that is no number', line({ ms: '12' }), 'ms is not a number'],
    ['a value that is missing', line({ ms: undefined }), 'ms is not a number'],
    ['a dimension that is no text', line({ step: 1 }), 'step is not a text'],
    ['an empty dimension', line({ step: '' }), 'step is not a text'],
    ['a namespace with a blank', line({}, directive({ Namespace: 'a b' })), 'namespace a b'],
    ['no dimensions', line({}, directive({ Dimensions: [] })), 'without content'],
    ['no metrics', line({}, directive({ Metrics: [] })), 'without content'],
    ['a time that is no integer', line({ _aws: { Timestamp: 1.5, CloudWatchMetrics: [] } }), 'Timestamp'],
  ])('are refused with %s', (_what, text, message) => {
    expect(() => metricsOf(text)).toThrow(message);
  });
});

describe("an error's sentence", () => {
  it('is read without the reference that it must end with', () => {
    expect(withoutReference(`Try again. (reference ${reference})`)).toBe('Try again.');
    for (const text of ['Try again.', `(reference ${reference}) Try again.`, 'Try again. (reference other)']) {
      expect(() => withoutReference(text)).toThrow('No reference at the end');
    }
  });
});
