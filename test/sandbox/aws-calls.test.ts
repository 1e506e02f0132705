import { callLog } from '../../sandbox/aws/calls.ts';
import { resolverOf } from '../../sandbox/aws/intrinsics.ts';
import type { AwsRequest } from '../../sandbox/aws/service.ts';

describe('the log of AWS calls', () => {
  const call = (method: string, url: string): AwsRequest => ({
    method,
    path: url.replace(/\?.*/, ''),
    query: new URLSearchParams(url.replace(/^[^?]*/, '')),
    headers: { authorization: 'AWS4-HMAC-SHA256 Credential=audit/20260101/us-east-1/s3/aws4_request, Signature=0' },
    body: Buffer.alloc(0),
  });
  const noted = (...requests: readonly AwsRequest[]) => {
    const log = callLog();
    for (const request of requests) log.note(request);
    return log.calls();
  };

  it.each([
    ['PUT', '/bucket/a/b%20c', 's3:PutObject', 'bucket/a/b c'],
    ['GET', '/bucket/a', 's3:GetObject', 'bucket/a'],
    ['HEAD', '/bucket/a', 's3:GetObject', 'bucket/a'],
    ['DELETE', '/bucket/a', 's3:DeleteObject', 'bucket/a'],
    ['GET', '/bucket', 's3:ListBucket', 'bucket'],
    ['GET', '/bucket/', 's3:ListBucket', 'bucket'],
    ['GET', '/bucket?versions=&prefix=a', 's3:ListBucketVersions', 'bucket'],
    ['GET', '/bucket/a?versionId=1', 's3:GetObjectVersion', 'bucket/a'],
    ['GET', '/', 's3:ListAllMyBuckets', '*'],
    ['POST', '/bucket/?delete=', 's3:DeleteObject', 'bucket/*'],
    ['POST', '/bucket?delete=', 's3:DeleteObject', 'bucket/*'],
  ])('records for %s %s the right %s on %s', (method, path, action, resource) => {
    expect(noted(call(method, path))).toEqual([{ function: 'audit', action, resource }]);
  });

  it('keeps the newest ten thousand calls', () => {
    const all = Array.from({ length: 20_500 }, (_none, index) => call('GET', `/bucket/${index + 1}`));
    const kept = noted(...all).map(({ resource }) => resource);
    expect(kept).toHaveLength(10_000);
    expect([kept[0], kept.at(-1)]).toEqual(['bucket/10501', 'bucket/20500']);
    expect(noted(...all.slice(0, 15_000))).toHaveLength(10_000);
  });
});

describe('intrinsic functions', () => {
  const template = { Resources: { Table: { Type: 'AWS::DynamoDB::Table', Properties: { TableName: 'grants' } } } };
  const { resolve } = resolverOf(template, 'stack');

  it.each([
    [{ 'Fn::Join': ['-', ['a', { Ref: 'Table' }, 'c']] }, 'a-grants-c'],
    [{ 'Fn::Join': ['', ['a', 'b']] }, 'ab'],
    [{ 'Fn::Sub': 'x-${Table}-${AWS::Region}' }, 'x-grants-us-east-1'],
    [{ 'Fn::Sub': '${Table.Arn}' }, 'arn:aws:dynamodb:us-east-1:000000000000:table/grants'],
    // `${!` is literal text.
    [{ 'Fn::Sub': ['${Name} ${!Literal}', { Name: 'n' }] }, 'n ${Literal}'],
    [{ 'Fn::Select': ['1', { 'Fn::Split': ['/', 'a/b/c'] }] }, 'b'],
    [7, '7'],
    [true, 'true'],
  ])('%j is %s', (value, text) => {
    expect(resolve(value)).toBe(text);
  });
});
