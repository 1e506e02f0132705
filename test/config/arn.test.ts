import { parseArn } from '../../config/checks/arn.ts';
import { tagKey } from '../../config/checks/existing-rules.ts';

describe('an ARN', () => {
  it('is split, in any partition', () => {
    expect(parseArn('arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/a')).toEqual({
      partition: 'aws-us-gov',
      service: 'kms',
      region: 'us-gov-west-1',
      account: '111122223333',
      resource: 'key/a',
    });
  });

  it.each(['xarn:aws:kms:us-east-1:111122223333:key/a', 'arn:aws:kms:us-east-1:111122223333:key/a b', ''])(
    'is not %j',
    (text) => {
      expect(parseArn(text)).toBeUndefined();
    },
  );
});

describe('the key of a tag', () => {
  it.each(['x'.repeat(128), 'my-aws:thing'])('may be %s', (key) => {
    expect(tagKey(key)).toBeUndefined();
  });

  it.each([
    ['x'.repeat(129), 'has 129 characters; write at most 128'],
    ['', expect.stringMatching(/^has characters that AWS refuses in a tag; /)],
    [' ', expect.stringMatching(/^has characters that AWS refuses in a tag; /)],
    ['a<b', expect.stringMatching(/^has characters that AWS refuses in a tag; /)],
    ['AWS:x', expect.stringMatching(/^begins with "aws:"/)],
  ])('may not be %j', (key, message) => {
    expect(tagKey(key)).toEqual(message);
  });
});
