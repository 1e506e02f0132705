import { Readable } from 'node:stream';
import { causeOf, GatewayError, type ErrorCode } from '../errors.ts';
import type { ApiResponse } from '../http/api.ts';
import type { Deadline } from '../http/deadline.ts';
import { embeddedMetrics } from '../metrics/metrics.ts';
import type { ReadAudit } from './audit-read.ts';
import { recordError, writeRecord, type RecordDeps, type RequestRecord } from './request-record.ts';

/** A body to stream, and what its end needs. */
export interface StreamedBody {
  /** The bytes. An error that it throws cuts the answer. */
  readonly pieces: AsyncIterable<Uint8Array>;
  readonly deadline: Deadline;
  readonly record: RequestRecord;
  readonly audit: ReadAudit;
  /** The error codes of a cut without a GatewayError: `late` if time ran out, otherwise `broken`. */
  readonly blamed: { readonly late: ErrorCode; readonly broken: ErrorCode };
  /** Checks how many bytes it has with the next piece; throws to cut it before that piece. */
  readonly checkBytes?: (bytes: number) => void;
  /** Adds its figures to the record, however the body ended. */
  readonly onEnd?: () => void;
}

type StreamDeps = Pick<RecordDeps, 'clock' | 'writeLog'>;

/**
 * Lambda reads an answer to its end, whether or not its caller has left
 * (https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html), so only a defect closes one early.
 */
const closed = new GatewayError('server_error', 'The answer was cut');

const minuteMs = 60_000;
/**
 * How long before our handler Lambda may have begun the call: it gives a function this long to load
 * (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html).
 */
const loadingMs = 10_000;

/** The times at which to count a cut answer: one in each minute in which Lambda may have started the call. */
export const timesOfCut = (beganMs: number): number[] =>
  beganMs % minuteMs < loadingMs ? [beganMs, beganMs - loadingMs] : [beganMs];

/**
 * Only an error of the function can cut an answer, so Lambda counts a crash, at the time when the call began. This
 * counts a cut that is not a crash at the same time, so that the alarm on that function can subtract it. An alarm's periods
 * begin at any minute, and the call may have begun in the minute before, so the cut may count twice: the alarm subtracts no
 * more than it has. Each needs a line of its own, since all metrics of a line have one time.
 */
const countCut = (
  { stage, time, requestId, function: name }: RequestRecord,
  writeLog: StreamDeps['writeLog'],
): void => {
  for (const timeMs of timesOfCut(Date.parse(time))) {
    const answersCut = embeddedMetrics(stage, timeMs, [{ dimensions: [['function']], metrics: { answersCut: 1 } }]);
    writeLog(JSON.stringify({ level: 'info', time, requestId, function: name, ...answersCut }));
  }
};

/** Waits for the end hook and writes the record. If the hook fails, the answer must not look complete. */
const writeEnd = async (deps: StreamDeps, { audit, record }: StreamedBody): Promise<void> => {
  try {
    await audit.end();
  } catch {
    record.error ??= 'server_error';
    throw new Error('The answer was cut');
  } finally {
    writeRecord(record, deps.clock, deps.writeLog);
    if (record.error !== undefined) countCut(record, deps.writeLog);
  }
};

/** Records why an answer was cut: an operator's stop that ended the deadline, or what failed. */
const noteCut = ({ record, deadline, blamed }: StreamedBody, bytes: number, error: unknown): void => {
  const reason: unknown = deadline.signal.reason;
  const stop = reason instanceof GatewayError ? reason : undefined;
  const known = stop ?? (error instanceof GatewayError ? error : undefined);
  if (known !== undefined) recordError(record, known);
  else {
    const isLate = [reason, error].some((cause) => causeOf(cause).startsWith('TimeoutError'));
    record.error = isLate ? blamed.late : blamed.broken;
  }
  record.detail = `cut after ${bytes} bytes: ${stop?.detail ?? causeOf(error)}`;
};

const watched = async function* (deps: StreamDeps, body: StreamedBody): AsyncGenerator<Uint8Array> {
  const { pieces, deadline, record } = body;
  let bytes = 0;
  let ended = false;
  try {
    for await (const piece of pieces) {
      body.checkBytes?.(bytes + piece.length);
      bytes += piece.length;
      yield piece;
    }
    ended = true;
  } catch (error) {
    noteCut(body, bytes, error);
    throw new Error('The answer was cut');
  } finally {
    deadline.end();
    if (!ended && record.error === undefined) noteCut(body, bytes, closed);
    record.status = 200;
    record.bytes = bytes;
    body.onEnd?.();
    await writeEnd(deps, body);
  }
};

/**
 * The body of an answer as a stream. It owns its deadline and its record: after the first byte an error can only cut
 * the stream, so it is logged here, and an error without details is thrown on. The end hook is awaited before the
 * answer finishes, whether it is complete or cut, even before the first byte.
 */
export const streamAnswer = (deps: StreamDeps, body: StreamedBody): Readable => {
  const pieces = watched(deps, body);
  let started = false;
  const next = (): Promise<IteratorResult<Uint8Array>> => {
    started = true;
    return pieces.next();
  };
  const end = async (): Promise<IteratorResult<Uint8Array>> => {
    // A read that waits for the payer would delay the end.
    body.deadline.end(closed);
    if (!started) await next().catch(() => undefined);
    return pieces.return(undefined);
  };
  return Readable.from({ [Symbol.asyncIterator]: () => ({ next, return: end }) }, { objectMode: false });
};

/**
 * Resolves when a body and its end hook have ended, in any way. Lambda freezes the function as soon as its handler has
 * returned.
 */
export const endBody = (body: ApiResponse['body']): Promise<void> =>
  new Promise((resolve) => {
    if (!(body instanceof Readable) || body.closed) return resolve();
    body.once('close', resolve);
    body.destroy();
  });
