/** Markup that a page must not show unescaped: the fuzzers mix it into everything that they send. */
export const markup = '"><svg onload=x>\'';

/** An answer as the caller sees it. */
interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | number | boolean>>;
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>>;
  readonly body?: unknown;
}

const stackTrace = /\n\s+at |node:internal|\.ts:\d+|node_modules|(?:Type|Range|Syntax|Reference|URI)Error/;
const unescaped = /<svg|<script|onload=x>/;

/**
 * What is wrong with an answer to nonsense: a 5xx while all dependencies work, a stack trace, a line break in a header,
 * or unescaped input in HTML.
 */
const faultsOf = ({ statusCode, headers, multiValueHeaders = {}, body }: Answer): string[] => {
  const text = typeof body === 'string' ? body : '';
  const lines = [...Object.values(headers), ...Object.values(multiValueHeaders).flat()].map(String);
  const isHtml = /html/.test(String(headers['Content-Type'] ?? headers['content-type']));
  return [
    ...(statusCode >= 200 && statusCode < 500 ? [] : [`status ${statusCode}`]),
    ...(stackTrace.test(text) ? [`stack trace: ${text}`] : []),
    ...lines.filter((line) => /[\r\n\0]/.test(line)).map((line) => `line break in a header: ${JSON.stringify(line)}`),
    ...(isHtml && unescaped.test(text) ? [`unescaped: ${text}`] : []),
  ];
};

/** Fails unless an answer is one that nonsense should get. */
export const expectSound = (answer: Answer): void => {
  const faults = faultsOf(answer);
  // `expect` would cost more than everything above.
  if (faults.length > 0) expect(faults).toEqual([]);
};
