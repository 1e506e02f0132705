import type { AwsAnswer, AwsRequest } from './service.ts';

/** Status and message by S3's error code (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html). */
const errors = {
  AccessDenied: [403, 'Access Denied'],
  BadDigest: [400, 'The checksum you specified did not match what we received.'],
  IncompleteBody: [400, 'You did not provide the number of bytes specified by the Content-Length HTTP header.'],
  InvalidArgument: [400, 'The continuation token provided is incorrect'],
  NoSuchBucket: [404, 'The specified bucket does not exist'],
  NoSuchKey: [404, 'The specified key does not exist.'],
  NoSuchVersion: [404, 'The specified version does not exist.'],
  NotImplemented: [501, 'The local stack does not support this S3 operation.'],
  PreconditionFailed: [412, 'At least one of the pre-conditions you specified did not hold'],
} as const;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};

/** Text in an element. */
export const escapeXml = (text: string): string => text.replaceAll(/[&<>"\r]/g, (found) => entities[found] ?? found);

/** An XML document as S3 sends it. */
export const xml = (status: number, content: string): AwsAnswer => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n${content}`,
});

/** An S3 error. An answer to `HEAD` has no body. */
export const s3Error = (code: keyof typeof errors, { method, path }: AwsRequest): AwsAnswer => {
  const [status, message] = errors[code];
  const content = `<Error><Code>${code}</Code><Message>${message}</Message><Resource>${escapeXml(path)}</Resource></Error>`;
  return method === 'HEAD' ? { status, headers: {}, body: '' } : xml(status, content);
};
