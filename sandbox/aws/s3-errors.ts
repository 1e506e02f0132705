import type { AwsAnswer, AwsRequest } from './service.ts';

/** Status and message by S3's error code (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html). */
const errors = {
  AccessDenied: [403, 'Access Denied'],
  BadDigest: [400, 'The checksum you specified did not match what we received.'],
  IncompleteBody: [400, 'You did not provide the number of bytes specified by the Content-Length HTTP header.'],
  InternalError: [500, 'We encountered an internal error. Please try again.'],
  InvalidArgument: [400, 'The continuation token provided is incorrect'],
  InvalidRange: [416, 'The requested range is not satisfiable'],
  InvalidRequest: [400, 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*'],
  KeyTooLongError: [400, 'Your key is too long'],
  'KMS.DisabledException': [400, 'The KMS key is disabled.'],
  MalformedXML: [400, 'The XML you provided was not well-formed or did not validate against our published schema'],
  NoSuchBucket: [404, 'The specified bucket does not exist'],
  NoSuchKey: [404, 'The specified key does not exist.'],
  NoSuchVersion: [404, 'The specified version does not exist.'],
  NotImplemented: [501, 'The local stack does not support this S3 operation.'],
  PreconditionFailed: [412, 'At least one of the pre-conditions you specified did not hold'],
  SlowDown: [503, 'Please reduce your request rate.'],
} as const;

export type S3ErrorCode = keyof typeof errors;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};

/** Text in an element. */
export const escapeXml = (text: string): string => text.replaceAll(/[&<>"\r]/g, (found) => entities[found] ?? found);

export const unescapeXml = (text: string): string =>
  text.replaceAll(/&(?:#(\d+)|#x([\da-f]+)|(amp|lt|gt|quot|apos));/gi, (_found, decimal, hex, name: string) => {
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(String(hex), 16));
    return { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }[name] ?? '';
  });

/** An XML document as S3 sends it. */
export const xml = (status: number, content: string): AwsAnswer => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n${content}`,
});

/** An S3 error. An answer to `HEAD` has no body. */
export const s3Error = (code: S3ErrorCode, { method, path }: AwsRequest): AwsAnswer => {
  const [status, message] = errors[code];
  const content = `<Error><Code>${code}</Code><Message>${message}</Message><Resource>${escapeXml(path)}</Resource></Error>`;
  return method === 'HEAD' ? { status, headers: {}, body: '' } : xml(status, content);
};
