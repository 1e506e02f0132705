/** Rules for single values of the deployment: names and numbers in the formats of AWS and DNS. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { regions } from './regions.ts';
import { webUrl, type Rule } from './rules.ts';

/** An AWS account id. */
export const account: Rule = (value) =>
  /^\d{12}$/.test(value)
    ? undefined
    : 'is not an AWS account id; write its 12 digits in quotes, such as "111122223333"';

const isRegion = (value: string): boolean => regions.includes(value);

/** A region's code. */
export const region: Rule = (value) => {
  if (isRegion(value)) return undefined;
  const withoutZone = value.replace(/[a-z]$/, '');
  return isRegion(withoutZone)
    ? `is an availability zone; write its region, "${withoutZone}"`
    : 'is not an AWS region; write a region code, such as "us-east-1"';
};

/** At least two labels (RFC 1035 §2.3.1, digits first allowed by RFC 1123 §2.1), the last not a number. */
const isDnsName = (value: string): boolean =>
  value.length <= 253 && /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(value);

/** A DNS host name: lower case, no scheme, port, path or trailing dot. */
export const dnsName: Rule = (value) => {
  if (isDnsName(value)) return undefined;
  const nearest = value
    .trim()
    .toLowerCase()
    .replace(/^[a-z]+:\/\//, '')
    .replace(/[:/].*|\.$/, '');
  if (isDnsName(nearest)) return `is not a plain, lower-case DNS name; write "${nearest}"`;
  return 'is not a DNS name; write one such as "gateway.example.org"';
};

/** The ARN of a certificate in AWS Certificate Manager. */
export const certificateArn: Rule = (value) =>
  /^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[A-Za-z0-9-]+$/.test(value)
    ? undefined
    : 'is not the ARN of an ACM certificate; write one such as "arn:aws:acm:us-east-1:111122223333:certificate/…"';

/** The id of a Route 53 hosted zone. */
export const hostedZoneId: Rule = (value) => {
  if (/^Z[A-Z0-9]{1,31}$/.test(value)) return undefined;
  const bare = /^\/?hostedzone\/(Z[A-Z0-9]{1,31})$/.exec(value)?.[1];
  return bare === undefined
    ? 'is not a hosted zone id; write it as Route 53 shows it, such as "Z0123456789ABCDEFGHIJ"'
    : `is more than a hosted zone id; write "${bare}"`;
};

/** An e-mail address for notifications: no display name, no comment. */
export const emailAddress: Rule = (value) => {
  // Letters outside ASCII need a mail server that supports them (RFC 6531), and some look just like ASCII letters.
  const strange = /[^\x21-\x7e]/.exec(value)?.[0];
  if (strange !== undefined && strange.trim() !== '')
    return `has "${strange}", which no plain e-mail address has; write it in ASCII letters`;
  // A local part is words between single dots (RFC 5322 §3.4.1).
  const host = /^[^\s@<>"(),:;.]+(?:\.[^\s@<>"(),:;.]+)*@([^@]+)$/.exec(value)?.[1];
  return host !== undefined && isDnsName(host.toLowerCase())
    ? undefined
    : 'is not an e-mail address; write one such as "oncall@example.org"';
};

/** Where members get help. */
export const support: Rule = (value) =>
  value.startsWith('mailto:') ? emailAddress(value.slice('mailto:'.length)) : webUrl(value);

/** Where the runbook is: a URL to which `#anchor` can be appended, or a path in the repository. */
export const runbookUrl: Rule = (value) => (isPath(value) ? undefined : webUrl(value));

const isPath = (value: string): boolean => /^[\w-]+(\/\w[\w.-]*)*\.md$/.test(value);

const repository = join(import.meta.dirname, '../..');

/** Whether a runbook's path names a file that this repository does not have. Bundled code is outside the repository, so there the answer is always false. */
export const leadsNowhere = (value: string): boolean =>
  isPath(value) && existsSync(join(repository, 'cdk.json')) && !existsSync(join(repository, value));

const asNumber = (octets: readonly number[]): number => octets.reduce((sum, octet) => sum * 256 + octet, 0);
const asAddress = (value: number): string =>
  [2 ** 24, 2 ** 16, 2 ** 8, 1].map((unit) => Math.floor(value / unit) % 256).join('.');

/** Blocks that no one on the internet owns (RFC 1918, and RFC 6598, which AWS also accepts for VPCs). */
const privateBlocks = [
  [[10, 0, 0, 0], 8],
  [[172, 16, 0, 0], 12],
  [[192, 168, 0, 0], 16],
  [[100, 64, 0, 0], 10],
] as const;

const isPrivate = (address: number): boolean =>
  privateBlocks.some(([octets, length]) => {
    const first = asNumber(octets);
    return address >= first && address < first + 2 ** (32 - length);
  });

/**
 * A block of private IPv4 addresses for a VPC; under /24 its subnets would be too small for functions and endpoints.
 */
export const cidr: Rule = (value) => {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(value)?.slice(1).map(Number);
  if (parts === undefined || parts.some((octet) => octet > 255) || parts[4]! > 32) {
    return 'is not an IPv4 block; write one such as "10.20.0.0/20"';
  }
  const [octets, length] = [parts.slice(0, 4), parts[4]!];
  if (length < 16 || length > 24) return `is a /${length}; write a block between /16 and /24, such as "10.20.0.0/20"`;
  const address = asNumber(octets);
  if (!isPrivate(address)) {
    return 'is no private range, so hosts elsewhere could not be reached; write one, such as "10.20.0.0/20"';
  }
  const first = asAddress(address - (address % 2 ** (32 - length)));
  return `${first}/${length}` === value
    ? undefined
    : `does not begin at the first address of its block; write "${first}/${length}"`;
};

/** The retention periods that CloudWatch Logs accepts (PutRetentionPolicy). */
const logRetentions = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** Days that CloudWatch Logs can keep a log group. */
export const logDays = (value: number): string | undefined =>
  logRetentions.includes(value)
    ? undefined
    : `is not a retention period of CloudWatch Logs; write ${logRetentions.find((days) => days > value) ?? logRetentions.at(-1)}, or another of ${logRetentions.join(', ')}`;
