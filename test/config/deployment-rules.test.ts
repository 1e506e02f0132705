import * as rules from '../../config/checks/deployment-rules.ts';
import { words } from '../support/words.ts';
import { holds, ok } from './rule-table.ts';

const letters = (many: number): string => 'a'.repeat(many);
const noUrl = 'is not a URL; write an absolute one, such as "https://plan.example.org/path"';
const noAddress = 'is not an e-mail address; write one such as "oncall@example.org"';

holds(
  'an account',
  rules.account,
  [ok, '111122223333', '012345678901'],
  [
    'is not an AWS account id; write its 12 digits in quotes, such as "111122223333"',
    '11112222333',
    '1111222233334',
    'x111122223333',
    '111122223333 ',
    '1111-2222-3333',
  ],
);

describe('a region', () => {
  holds(
    'a region',
    rules.region,
    [ok, ...words('us-east-1 ca-central-1 ap-southeast-2 us-gov-west-1 us-iso-east-1 us-isob-east-1')],
    ['is an availability zone; write its region, "us-east-1"', 'us-east-1a'],
    [
      'is not an AWS region; write a region code, such as "us-east-1"',
      ...words('us-east us-east-12 us-east-9 ap-west-1 US-EAST-1 us-isobb-east-1 xus-east-1 eu-middle-1'),
      ...words('us-east-1ab xus-east-1a eu-middle-1a'),
    ],
  );
});

const longest = `${`${letters(63)}.`.repeat(3)}${letters(61)}`;
holds(
  'a DNS name',
  rules.dnsName,
  [ok, 'gateway.example.org', 'a.b', '1-a.example', `${letters(63)}.example`, `example.${letters(63)}`, longest],
  [
    'is not a DNS name; write one such as "gateway.example.org"',
    `${longest}a`,
    `${letters(64)}.example`,
    `example.${letters(64)}`,
    '',
    ...words('gateway Gateway 10.0.0.1 *.example.org -a.example.org a-.example.org a..example.org a_b.example.org'),
  ],
  [
    'is not a plain, lower-case DNS name; write "gateway.example.org"',
    ' gateway.example.org\t',
    ...words('Gateway.Example.ORG gateway.example.org. gateway.example.org:443 gateway.example.org/r4/'),
    ...words('HTTPS://gateway.example.org:443/r4 gateway.example.org://r4'),
  ],
);

const certificate = 'arn:aws:acm:us-east-1:111122223333:certificate';
holds(
  'the ARN of a certificate',
  rules.certificateArn,
  [ok, `${certificate}/0f1e2d3c-4b5a`, 'arn:aws-us-gov:acm:us-gov-west-1:111122223333:certificate/0'],
  [
    'is not the ARN of an ACM certificate; write one such as "arn:aws:acm:us-east-1:111122223333:certificate/…"',
    `${certificate}/`,
    `${certificate}/0 `,
    `x-${certificate}/0`,
    ...words('us-east-1:11112222333 us-east-1:1111222233334 :111122223333').map(
      (place) => `arn:aws:acm:${place}:certificate/0`,
    ),
    'arn:aws:iam:us-east-1:111122223333:certificate/0',
  ],
);

holds(
  'the id of a hosted zone',
  rules.hostedZoneId,
  [ok, 'Z0', `Z${'0'.repeat(31)}`],
  [
    'is not a hosted zone id; write it as Route 53 shows it, such as "Z0123456789ABCDEFGHIJ"',
    `Z${'0'.repeat(32)}`,
    ...words('Z AZ0ABC Z0ABC/ z0abc a/hostedzone/Z0ABC /hostedzone/Z0ABC/ /hostedzone/'),
  ],
  ['is more than a hosted zone id; write "Z0ABC"', '/hostedzone/Z0ABC', 'hostedzone/Z0ABC'],
);

holds(
  'an e-mail address',
  rules.emailAddress,
  [ok, 'oncall@example.org', 'a.b+p2p@Mail.example.org'],
  [
    noAddress,
    ...words(
      'oncall oncall@ on..call@example.org .oncall@example.org oncall.@example.org @example.org oncall@localhost oncall@10.0.0.1 oncall@example.org. oncall@example.org@',
    ),
    'oncall@example.org@example.org',
    'on call@example.org',
    'On Call <oncall@example.org>',
    ' oncall@example.org',
    'oncall@example.org ',
  ],
);

holds(
  'where members get help',
  rules.support,
  [ok, 'mailto:help@plan.example.org', 'https://plan.example.org/help'],
  [noAddress, 'mailto:help'],
  [noUrl, 'help@plan.example.org'],
);

holds(
  'the location of the runbook',
  rules.runbookUrl,
  [ok, 'https://runbooks.example.org/operate'],
  [ok, 'operate.md', 'docs/operate.md', 'docs/our-plan/v1.2/operate.md', 'docs/o.md'],
  [noUrl, 'operate', 'docs/operate.mdx', 'docs/operate.md#payer-down', '../operate.md'],
  [noUrl, 'docs/../../operate.md', 'docs/.md', '/docs/operate.md'],
  [
    'uses plain http; write https:// (http is allowed only for localhost, 127.0.0.1 and [::1])',
    'http://runbooks.example.org/',
  ],
  ['has a fragment; write the URL without "#" and everything after it', 'https://runbooks.example.org/#a'],
);

const size = (length: number): string => `is a /${length}; write a block between /16 and /24, such as "10.20.0.0/20"`;
const inside = (first: string): string => `does not begin at the first address of its block; write "${first}"`;
holds(
  'a block of addresses',
  rules.cidr,
  [ok, '10.20.0.0/16', '192.168.7.0/24', '172.31.240.0/20'],
  [
    'is not an IPv4 block; write one such as "10.20.0.0/20"',
    ...words('10.20.0.0 256.20.0.0/20 10.20.0.256/20 1010.20.0.0/20 x10.20.0.0/20 10.20.0.0/200 10.20.0.0/20x'),
    'fd00::/16',
    '10.20.0.0/33',
  ],
  [size(32), '10.20.0.0/32'],
  [size(25), '10.20.0.0/25'],
  [size(15), '10.20.0.0/15'],
  [size(0), '0.0.0.0/0'],
  [inside('10.20.0.0/20'), '10.20.0.128/20', '10.20.15.255/20', '010.20.0.0/20'],
  [inside('10.20.0.0/16'), '10.20.1.0/16'],
  [inside('192.168.255.0/24'), '192.168.255.1/24'],
  // RFC 1918 and RFC 6598: the first and the last block of each range, and those beside it.
  [ok, ...words('10.0.0.0/16 10.255.0.0/16 172.16.0.0/16 172.31.0.0/16 192.168.0.0/16 100.64.0.0/16 100.127.0.0/16')],
  [
    'is no private range, so hosts elsewhere could not be reached; write one, such as "10.20.0.0/20"',
    ...words('9.255.0.0/16 11.0.0.0/16 172.15.0.0/16 172.32.0.0/16 192.167.0.0/16 192.169.0.0/16 100.63.0.0/16'),
    ...words('100.128.0.0/16 8.8.0.0/20 127.0.0.0/20 169.254.0.0/20 224.0.0.0/20'),
  ],
);

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
