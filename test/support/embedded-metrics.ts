import { words } from './words.ts';

/** A value that CloudWatch would extract from a log line. */
export interface MetricValue {
  readonly namespace: string;
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly dimensions: Readonly<Record<string, string>>;
}

interface Line {
  readonly _aws?: {
    readonly Timestamp: number;
    readonly CloudWatchMetrics: readonly {
      readonly Namespace: string;
      readonly Dimensions: readonly (readonly string[])[];
      readonly Metrics: readonly { readonly Name: string; readonly Unit: string }[];
    }[];
  };
  readonly [member: string]: unknown;
}

/**
 * Reads a log line's metrics as CloudWatch does ("Specification: Embedded metric format").
 * @throws Error if CloudWatch would drop one
 */
export const metricsOf = (text: string): MetricValue[] => {
  const line = JSON.parse(text) as Line;
  if (line._aws === undefined) return [];
  if (!Number.isInteger(line._aws.Timestamp)) throw new Error('Timestamp is not an integer');
  return line._aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) => {
    if (!/^[\w./#:-]{1,255}$/.test(Namespace)) throw new Error(`namespace ${Namespace}`);
    if (Dimensions.length === 0 || Metrics.length === 0) throw new Error('a directive without content');
    return Dimensions.flatMap((keys) =>
      Metrics.map(({ Name, Unit }) => {
        const value = line[Name];
        if (typeof value !== 'number') throw new Error(`${Name} is not a number in the line`);
        if (!/^(?:Count|Milliseconds|Bytes)$/.test(Unit)) throw new Error(`${Name} is in ${Unit}`);
        const dimensions = Object.fromEntries(
          keys.map((key) => {
            const named = line[key];
            if (typeof named !== 'string' || named === '') throw new Error(`${key} is not a text in the line`);
            return [key, named];
          }),
        );
        return { namespace: Namespace, name: Name, unit: Unit, value, dimensions };
      }),
    );
  });
};

/** The values of one metric by its dimensions, such as `{ 'step=fetch outcome=ok': 1 }`. */
export const metric = (text: string, name: string): Record<string, number> =>
  Object.fromEntries(
    metricsOf(text)
      .filter((one) => one.name === name)
      .map(({ dimensions, value }) => [
        Object.entries(dimensions)
          .map((pair) => pair.join('='))
          .join(' '),
        value,
      ]),
  );

const signals = new Set(
  words(`
  payerDown refreshFailed refreshRepeated reuseDetected auditNotWritten auditTimesDiffer secretMissing codeRefused answerTooLarge
  limitsDown registryDown registryDamaged breakerOpened
`),
);

/** The signals that a log line raises. */
export const signalsOf = (text = '{}'): string[] => [
  ...new Set(metricsOf(text).flatMap(({ name }) => (signals.has(name) ? [name] : []))),
];
