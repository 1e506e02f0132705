import type { IncomingHttpHeaders } from 'node:http';

/** A request to the AWS endpoint, with its body. */
export interface AwsRequest {
  readonly method: string;
  /** As sent, still percent-encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The answer as sent over the wire. */
export interface AwsAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** A stand-in for one AWS service. */
export type AwsService = (request: AwsRequest) => AwsAnswer | Promise<AwsAnswer>;

/** An answer of one of the JSON services. */
export const jsonAnswer = (value: unknown): AwsAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/x-amz-json-1.1' },
  body: JSON.stringify(value),
});

/** An error from one of the JSON services. */
export const jsonError = (type: string, message: string): AwsAnswer => ({
  status: 400,
  headers: { 'content-type': 'application/x-amz-json-1.1' },
  // DynamoDB clients read `message`, Secrets Manager clients `Message`.
  body: JSON.stringify({ __type: type, message, Message: message }),
});
