import type { IncomingHttpHeaders } from 'node:http';

/** A request to the AWS endpoint, its body read. */
export interface AwsRequest {
  readonly method: string;
  /** As sent, still percent-encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What goes back, as it goes over the wire. */
export interface AwsAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** A stand-in for one of AWS's services. */
export type AwsService = (request: AwsRequest) => AwsAnswer | Promise<AwsAnswer>;

/** An error of the services that speak JSON. */
export const jsonError = (type: string, message: string): AwsAnswer => ({
  status: 400,
  headers: { 'content-type': 'application/x-amz-json-1.1' },
  // DynamoDB's clients read `message`, Secrets Manager's `Message`.
  body: JSON.stringify({ __type: type, message, Message: message }),
});
