import { causeOf } from '../shared/errors.ts';
import { type LinkRewriter, createLinkRewriter } from '../shared/fhir/rewrite-links.ts';
import { writeRecord } from '../shared/request-record.ts';
import type { PayerAnswer } from './answer-from-payer.ts';
import type { FetchDeps } from './handler.ts';

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function* pass(body: AsyncIterable<Uint8Array>, rewriter: LinkRewriter | undefined): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    if (rewriter === undefined) yield chunk;
    else yield* rewriter.push(chunk);
  }
  if (rewriter !== undefined) yield* rewriter.end();
}

/**
 * The body as it leaves. It owns its deadline, and its record: after the first byte an error can only cut the stream,
 * so it is logged here and rethrown bare. The end hook is awaited before the answer finishes, however it ends.
 * @throws Error without any content of the answer
 */
export async function* streamBody(
  deps: FetchDeps,
  { response, payer, base, deadline, record }: PayerAnswer,
  { rewrite }: { rewrite: boolean },
): AsyncGenerator<Uint8Array> {
  const from = [payer.fhirBaseUrl, ...payer.fhirBaseUrlAliases];
  const rewriter = rewrite ? createLinkRewriter({ from, to: base }) : undefined;
  let ended = false;
  record.bytes = 0;
  try {
    for await (const piece of pass(response.body ?? nothing(), rewriter)) {
      record.bytes += piece.length;
      yield piece;
    }
    ended = true;
  } catch (error) {
    record.error = deadline.remainingMs() <= 0 ? 'payer_timeout' : 'payer_error';
    record.detail = `cut after ${record.bytes} bytes: ${causeOf(error)}`;
    throw new Error('The answer was cut');
  } finally {
    deadline.end();
    if (!ended && record.error === undefined) record.detail = `the caller left after ${record.bytes} bytes`;
    record.status = 200;
    if (rewriter !== undefined) record.foreignLinks = rewriter.foreignLinks;
    await deps.onEnd(record);
    writeRecord(record, deps.clock, deps.writeLog);
  }
}
