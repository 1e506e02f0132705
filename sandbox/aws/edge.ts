import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { CloudFrontHeaders, CloudFrontResponseEvent } from 'aws-lambda';
import { handler } from '../../functions/edge/index.ts';
import type { ResponseHead } from './proxy-response.ts';

/** Changes the head of an answer, as an edge in front of the API does. */
export type Edge = (request: IncomingMessage, head: ResponseHead) => Promise<ResponseHead>;

/** Without an edge, an answer is sent as API Gateway made it. */
export const noEdge: Edge = (_request, head) => Promise.resolve(head);

const toCloudFront = (headers: OutgoingHttpHeaders | IncomingMessage['headers']): CloudFrontHeaders =>
  Object.fromEntries(
    Object.entries(headers).map(([key, values]) => [
      key.toLowerCase(),
      [values ?? []].flat().map((value) => ({ key, value: String(value) })),
    ]),
  );

const fromCloudFront = (headers: CloudFrontHeaders): OutgoingHttpHeaders =>
  Object.fromEntries(
    Object.entries(headers).map(([name, values]) => [
      name,
      values.length === 1 ? values[0]?.value : values.map(({ value }) => value),
    ]),
  );

const eventOf = (request: IncomingMessage, { status, headers }: ResponseHead): CloudFrontResponseEvent => {
  const [uri = '/', querystring = ''] = (request.url ?? '/').split(/\?(.*)/s);
  const config = {
    distributionId: 'LOCAL',
    distributionDomainName: 'localhost',
    eventType: 'origin-response',
    requestId: 'local',
  } as const;
  const cfRequest = {
    clientIp: request.socket.remoteAddress ?? '',
    headers: toCloudFront(request.headers),
    method: request.method ?? 'GET',
    querystring,
    uri,
  };
  const response = { headers: toCloudFront(headers), status: String(status), statusDescription: '' };
  return { Records: [{ cf: { config, request: cfRequest, response } }] };
};

/** CloudFront with the gateway's own Lambda@Edge function on `origin-response`. It sees only heads. */
export const gatewayEdge: Edge = async (request, head) => {
  const { status, headers } = await handler(eventOf(request, head));
  return { status: Number(status), headers: fromCloudFront(headers) };
};
