import { Readable } from 'node:stream';
import { causeOf, GatewayError } from '../shared/errors.ts';
import { createLinkRewriter, type LinkRewriter } from '../shared/fhir/rewrite-links.ts';
import type { ApiResponse } from '../shared/http/api.ts';
import { embeddedMetrics } from '../shared/record/metrics.ts';
import { recordError, writeRecord, type RequestRecord } from '../shared/record/request-record.ts';
import { payerBases } from '../shared/registry/urls.ts';
import { mostStreamedBytes, tooLarge } from './answer-limit.ts';
import type { FetchDeps } from './deps.ts';
import { jsonDocument } from './json-document.ts';
import type { PayerAnswer } from './payer-answer.ts';
import { linkSealer } from './seal-links.ts';

const leaving = new Error('The caller left');

const nothing = async function* (): AsyncGenerator<Uint8Array> {};

/** Passes a document's bytes unchanged, and FHIR with its links rewritten and only with a complete end. */
const passOn = async function* (
  body: AsyncIterable<Uint8Array>,
  rewriter: LinkRewriter | undefined,
): AsyncGenerator<Uint8Array> {
  if (rewriter === undefined) return yield* body;
  const document = jsonDocument();
  for await (const chunk of body) {
    document.push(chunk);
    yield* rewriter.push(chunk);
  }
  document.end();
  yield* rewriter.end();
};

/**
 * Only an error of the function can cut an answer, so Lambda counts a crash, at the time when the call began. This
 * counts a cut that is not a crash at the same time, so that the alarm can subtract it. It needs a line of its own,
 * since all metrics of a line have one time.
 */
const countCut = ({ stage, time, requestId, function: name }: RequestRecord, writeLog: FetchDeps['writeLog']): void => {
  const answersCut = embeddedMetrics(stage, Date.parse(time), [
    { dimensions: [[]], metrics: { answersCut: [1, 'Count'] } },
  ]);
  writeLog(JSON.stringify({ level: 'info', time, requestId, function: name, ...answersCut }));
};

/** Waits for the end hook and writes the record. If the hook fails, the answer must not look complete. */
const writeEnd = async (
  deps: FetchDeps,
  { audit, record }: PayerAnswer,
  end: { readonly callerLeft: boolean },
): Promise<void> => {
  try {
    await audit.end(end);
  } catch {
    record.error ??= 'server_error';
    throw new Error('The answer was cut');
  } finally {
    writeRecord(record, deps.clock, deps.writeLog);
    if (record.error !== undefined) countCut(record, deps.writeLog);
  }
};

/** The counts of links; unsealed ones only if there are any. */
const linksOf = ({
  foreignLinks,
  unsealedLinks,
}: LinkRewriter): Pick<RequestRecord, 'foreignLinks' | 'unsealedLinks'> => ({
  foreignLinks,
  ...(unsealedLinks > 0 ? { unsealedLinks } : {}),
});

/** Notes why an answer was cut: an operator's stop that ended the deadline, or what failed. */
const noteCut = (
  record: RequestRecord,
  bytes: number,
  { reason, error }: { readonly reason: unknown; readonly error: unknown },
): void => {
  const stop = reason instanceof GatewayError ? reason : undefined;
  const known = stop ?? (error instanceof GatewayError ? error : undefined);
  if (known !== undefined) recordError(record, known);
  else {
    const isLate = [reason, error].some((cause) => causeOf(cause).startsWith('TimeoutError'));
    record.error = isLate ? 'payer_timeout' : 'payer_error';
  }
  record.detail = `cut after ${bytes} bytes: ${stop?.detail ?? causeOf(error)}`;
};

const piecesOf = async function* (
  deps: FetchDeps,
  answer: PayerAnswer,
  { rewrite }: { rewrite: boolean },
): AsyncGenerator<Uint8Array> {
  const { mostBytes = mostStreamedBytes } = deps;
  const { response, payer, base, deadline, record } = answer;
  const rewriter = rewrite
    ? createLinkRewriter({ from: payerBases(payer), to: base, seal: linkSealer(deps, answer) })
    : undefined;
  let bytes = 0;
  let ended = false;
  try {
    for await (const piece of passOn(response.body ?? nothing(), rewriter)) {
      if (bytes + piece.length > mostBytes) throw tooLarge();
      bytes += piece.length;
      yield piece;
    }
    ended = true;
  } catch (error) {
    if (deadline.signal.reason !== leaving) {
      noteCut(record, bytes, { reason: deadline.signal.reason, error });
      throw new Error('The answer was cut');
    }
  } finally {
    deadline.end();
    const callerLeft = !ended && record.error === undefined;
    if (callerLeft) record.detail = `the caller left after ${bytes} bytes`;
    record.status = 200;
    record.bytes = bytes;
    if (rewriter !== undefined) Object.assign(record, linksOf(rewriter));
    await writeEnd(deps, answer, { callerLeft });
  }
};

/**
 * The body of the answer. It owns its deadline and its record: after the first byte an error can only cut the stream,
 * so it is logged here, and an error without details is thrown on. The end hook is awaited before the answer finishes,
 * whether it is complete, cut, or the caller left, even before the first byte.
 */
export const streamBody = (deps: FetchDeps, answer: PayerAnswer, options: { rewrite: boolean }): Readable => {
  const pieces = piecesOf(deps, answer, options);
  let started = false;
  const next = (): Promise<IteratorResult<Uint8Array>> => {
    started = true;
    return pieces.next();
  };
  const end = async (): Promise<IteratorResult<Uint8Array>> => {
    // A read that waits for the payer would delay the end.
    answer.deadline.end(leaving);
    if (!started) await next().catch(() => undefined);
    return pieces.return(undefined);
  };
  return Readable.from({ [Symbol.asyncIterator]: () => ({ next, return: end }) }, { objectMode: false });
};

/**
 * Resolves when a body and its end hook have ended, in any way. Lambda freezes the function as soon as its handler has
 * returned, and a caller who leaves makes it return early.
 */
export const endBody = (body: ApiResponse['body']): Promise<void> =>
  new Promise((resolve) => {
    if (!(body instanceof Readable) || body.closed) return resolve();
    body.once('close', resolve);
    body.destroy();
  });
