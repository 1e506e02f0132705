import * as rules from '../../config/deployment-rules.ts';

/** A value, and what is wrong with it: the whole message, since a platform engineer sees nothing else. */
type Row = [value: string, message: string | undefined];

const letters = (many: number): string => 'a'.repeat(many);

describe('an account', () => {
  const none = 'is not an AWS account id; write its 12 digits in quotes, such as "111122223333"';

  it.each<Row>([
    ['111122223333', undefined],
    ['012345678901', undefined],
    ['11112222333', none],
    ['1111222233334', none],
    ['x111122223333', none],
    ['111122223333 ', none],
    ['1111-2222-3333', none],
  ])('%j: %s', (value, message) => {
    expect(rules.account(value)).toBe(message);
  });
});

describe('a region', () => {
  const none = 'is not an AWS region; write a region code, such as "us-east-1"';

  it.each<Row>([
    ['us-east-1', undefined],
    ['ca-central-1', undefined],
    ['ap-southeast-2', undefined],
    ['us-gov-west-1', undefined],
    ['us-iso-east-1', undefined],
    ['us-isob-east-1', undefined],
    ['us-east', none],
    ['us-east-12', none],
    ['us-east-9', none],
    ['ap-west-1', none],
    ['US-EAST-1', none],
    ['us-isobb-east-1', none],
    ['xus-east-1', none],
    ['eu-middle-1', none],
    ['us-east-1a', 'is an availability zone; write its region, "us-east-1"'],
    ['us-east-1ab', none],
    ['xus-east-1a', none],
    ['eu-middle-1a', none],
  ])('%j: %s', (value, message) => {
    expect(rules.region(value)).toBe(message);
  });

  it('may be any region that the CDK knows', async () => {
    const { RegionInfo } = await import('aws-cdk-lib/region-info');
    const names = RegionInfo.regions.map(({ name }) => name);
    expect(names.length).toBeGreaterThan(30);
    expect(names.filter((name) => rules.region(name) !== undefined)).toEqual([]);
  });
});

describe('a DNS name', () => {
  const none = 'is not a DNS name; write one such as "gateway.example.org"';
  const more = 'is not a plain, lower-case DNS name; write "gateway.example.org"';
  const longest = `${`${letters(63)}.`.repeat(3)}${letters(61)}`;

  it.each<Row>([
    ['gateway.example.org', undefined],
    ['a.b', undefined],
    ['1-a.example', undefined],
    [`${letters(63)}.example`, undefined],
    [`example.${letters(63)}`, undefined],
    [longest, undefined],
    [`${longest}a`, none],
    [`${letters(64)}.example`, none],
    [`example.${letters(64)}`, none],
    ['gateway', none],
    ['Gateway', none],
    ['10.0.0.1', none],
    ['*.example.org', none],
    ['-a.example.org', none],
    ['a-.example.org', none],
    ['a..example.org', none],
    ['a_b.example.org', none],
    ['', none],
    ['Gateway.Example.ORG', more],
    [' gateway.example.org\t', more],
    ['gateway.example.org.', more],
    ['gateway.example.org:443', more],
    ['gateway.example.org/r4/', more],
    ['HTTPS://gateway.example.org:443/r4', more],
    ['gateway.example.org://r4', more],
  ])('%j: %s', (value, message) => {
    expect(rules.dnsName(value)).toBe(message);
  });
});

describe('the ARN of a certificate', () => {
  const none =
    'is not the ARN of an ACM certificate; write one such as "arn:aws:acm:us-east-1:111122223333:certificate/…"';

  it.each<Row>([
    ['arn:aws:acm:us-east-1:111122223333:certificate/0f1e2d3c-4b5a', undefined],
    ['arn:aws-us-gov:acm:us-gov-west-1:111122223333:certificate/0', undefined],
    ['arn:aws:acm:us-east-1:11112222333:certificate/0', none],
    ['arn:aws:acm:us-east-1:1111222233334:certificate/0', none],
    ['arn:aws:acm::111122223333:certificate/0', none],
    ['arn:aws:iam:us-east-1:111122223333:certificate/0', none],
    ['arn:aws:acm:us-east-1:111122223333:certificate/', none],
    ['arn:aws:acm:us-east-1:111122223333:certificate/0 ', none],
    ['x-arn:aws:acm:us-east-1:111122223333:certificate/0', none],
  ])('%j: %s', (value, message) => {
    expect(rules.certificateArn(value)).toBe(message);
  });
});

describe('the id of a hosted zone', () => {
  const none = 'is not a hosted zone id; write it as Route 53 shows it, such as "Z0123456789ABCDEFGHIJ"';
  const more = 'is more than a hosted zone id; write "Z0ABC"';

  it.each<Row>([
    ['Z0', undefined],
    [`Z${'0'.repeat(31)}`, undefined],
    [`Z${'0'.repeat(32)}`, none],
    ['Z', none],
    ['AZ0ABC', none],
    ['Z0ABC/', none],
    ['z0abc', none],
    ['/hostedzone/Z0ABC', more],
    ['hostedzone/Z0ABC', more],
    ['a/hostedzone/Z0ABC', none],
    ['/hostedzone/Z0ABC/', none],
    ['/hostedzone/', none],
  ])('%j: %s', (value, message) => {
    expect(rules.hostedZoneId(value)).toBe(message);
  });
});

describe('an e-mail address', () => {
  const none = 'is not an e-mail address; write one such as "oncall@example.org"';

  it.each<Row>([
    ['oncall@example.org', undefined],
    ['a.b+p2p@Mail.example.org', undefined],
    ['oncall', none],
    ['oncall@', none],
    ['@example.org', none],
    ['oncall@localhost', none],
    ['oncall@10.0.0.1', none],
    ['oncall@example.org.', none],
    ['oncall@example.org@', none],
    ['oncall@example.org@example.org', none],
    ['on call@example.org', none],
    ['On Call <oncall@example.org>', none],
    [' oncall@example.org', none],
    ['oncall@example.org ', none],
  ])('%j: %s', (value, message) => {
    expect(rules.emailAddress(value)).toBe(message);
  });
});

it.each<Row>([
  ['mailto:help@plan.example.org', undefined],
  ['https://plan.example.org/help', undefined],
  ['mailto:help', 'is not an e-mail address; write one such as "oncall@example.org"'],
  ['help@plan.example.org', 'is not a URL; write an absolute one, such as "https://plan.example.org/path"'],
])('where members get help, %j: %s', (value, message) => {
  expect(rules.support(value)).toBe(message);
});

describe('the location of the runbook', () => {
  const noUrl = 'is not a URL; write an absolute one, such as "https://plan.example.org/path"';

  it.each<Row>([
    ['operate.md', undefined],
    ['docs/operate.md', undefined],
    ['docs/our-plan/v1.2/operate.md', undefined],
    ['https://runbooks.example.org/operate', undefined],
    ['operate', noUrl],
    ['docs/operate.mdx', noUrl],
    ['docs/operate.md#payer-down', noUrl],
    ['../operate.md', noUrl],
    ['docs/../../operate.md', noUrl],
    ['docs/.md', noUrl],
    ['docs/o.md', undefined],
    ['/docs/operate.md', noUrl],
    [
      'http://runbooks.example.org/',
      'uses plain http; write https:// (http is allowed only for localhost, 127.0.0.1 and [::1])',
    ],
    ['https://runbooks.example.org/#a', 'has a fragment; write the URL without "#" and everything after it'],
  ])('%j: %s', (value, message) => {
    expect(rules.runbookUrl(value)).toBe(message);
  });
});

describe('a block of addresses', () => {
  const none = 'is not an IPv4 block; write one such as "10.20.0.0/20"';
  const size = (length: number): string => `is a /${length}; write a block between /16 and /24, such as "10.20.0.0/20"`;
  const publicRange =
    'is a public range, so the hosts that own it could not be reached; write a private one, such as "10.20.0.0/20"';
  const inside = (first: string): string => `does not begin at the first address of its block; write "${first}"`;

  it.each<Row>([
    ['10.20.0.0/16', undefined],
    ['192.168.7.0/24', undefined],
    ['172.31.240.0/20', undefined],
    ['10.20.0.0', none],
    ['256.20.0.0/20', none],
    ['10.20.0.256/20', none],
    ['1010.20.0.0/20', none],
    ['x10.20.0.0/20', none],
    ['10.20.0.0/200', none],
    ['10.20.0.0/20x', none],
    ['fd00::/16', none],
    ['10.20.0.0/33', none],
    ['10.20.0.0/32', size(32)],
    ['10.20.0.0/25', size(25)],
    ['10.20.0.0/15', size(15)],
    ['0.0.0.0/0', size(0)],
    ['10.20.0.128/20', inside('10.20.0.0/20')],
    ['10.20.15.255/20', inside('10.20.0.0/20')],
    ['10.20.1.0/16', inside('10.20.0.0/16')],
    ['192.168.255.1/24', inside('192.168.255.0/24')],
    ['010.20.0.0/20', inside('10.20.0.0/20')],
    // RFC 1918 and RFC 6598: the first and the last block of each range, and those beside it.
    ...['10.0.0.0/16', '10.255.0.0/16', '172.16.0.0/16', '172.31.0.0/16', '192.168.0.0/16', '100.64.0.0/16'].map(
      (block): Row => [block, undefined],
    ),
    ['100.127.0.0/16', undefined],
    ...['9.255.0.0/16', '11.0.0.0/16', '172.15.0.0/16', '172.32.0.0/16', '192.167.0.0/16', '192.169.0.0/16'].map(
      (block): Row => [block, publicRange],
    ),
    ...['100.63.0.0/16', '100.128.0.0/16', '8.8.0.0/20', '127.0.0.0/20', '169.254.0.0/20', '224.0.0.0/20'].map(
      (block): Row => [block, publicRange],
    ),
  ])('%j: %s', (value, message) => {
    expect(rules.cidr(value)).toBe(message);
  });
});

describe('the number of days that logs are kept', () => {
  it.each([
    [91, 120],
    [0, 1],
    [-1, 1],
    [3652, 3653],
    [3654, 3653],
  ])('cannot be %d, and %d is suggested', (value, nearest) => {
    expect(rules.logDays(value)).toBe(
      `is not a retention period of CloudWatch Logs; write ${nearest}, or another of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653`,
    );
  });

  it('may be each that the CDK knows', async () => {
    const { RetentionDays } = await import('aws-cdk-lib/aws-logs');
    const numbers = Object.values(RetentionDays).filter(
      (value) => typeof value === 'number' && value !== RetentionDays.INFINITE,
    );
    expect(numbers.length).toBeGreaterThan(20);
    expect(numbers.filter((value) => rules.logDays(value) !== undefined)).toEqual([]);
  });
});
