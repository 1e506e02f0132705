import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ApiEvent, ApiResponse } from '../shared/http/api.ts';
import type { RequestContext } from '../shared/record/request-record.ts';

/** Sends whole answers as streams: a buffered one may have 6 MB at most, and the brands of 5,000 payers have more. */
export const streamAnswers = (
  handle: (event: ApiEvent, context: RequestContext<'discovery'>) => Promise<ApiResponse>,
) =>
  awslambda.streamifyResponse<ApiEvent>(async (event, stream, context) => {
    // The handler's own middleware adds the record to Lambda's context.
    const { body = '', ...head } = await handle(event, context as RequestContext<'discovery'>);
    const to = awslambda.HttpResponseStream.from(stream, { ...head });
    // The head is sent with the first write, and an answer may have no body.
    to.write('');
    await pipeline(body instanceof Readable ? body : Readable.from([body]), to);
  });
