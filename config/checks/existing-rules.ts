/** Rules for single values of what an account brings: ids of EC2, tags, and the qualifier of its bootstrap. */
import { regions } from './regions.ts';
import type { Rule } from './rules.ts';

const ec2Id =
  (prefix: string, what: string): Rule =>
  (value) =>
    new RegExp(`^${prefix}-(?:[0-9a-f]{8}|[0-9a-f]{17})$`).test(value)
      ? undefined
      : `is not the id of ${what}; write one such as "${prefix}-0a1b2c3d4e5f60718"`;

export const vpcId = ec2Id('vpc', 'a VPC');
export const subnetId = ec2Id('subnet', 'a subnet');
export const securityGroupId = ec2Id('sg', 'a security group');

/** The region of an availability zone: `us-east-1` of `us-east-1a`. */
export const regionOfZone = (zone: string): string => zone.replace(/[a-z]$/, '');

/** The name of an availability zone. Functions cannot run in local zones. */
export const availabilityZone: Rule = (value) => {
  if (/\d[a-z]$/.test(value) && regions.includes(regionOfZone(value))) return undefined;
  return /^[a-z]{3,4}\d-az\d$/.test(value)
    ? 'is the id of a zone; write its name in your account, such as "us-east-1a"'
    : 'is not an availability zone; write its name, such as "us-east-1a"';
};

/** The qualifier of a CDK bootstrap. It is part of the name of a bucket. */
export const bootstrapQualifier: Rule = (value) =>
  /^[a-z0-9](?:[a-z0-9-]{0,8}[a-z0-9])?$/.test(value)
    ? undefined
    : 'is not a qualifier; write 1 to 10 lower-case letters, digits and hyphens, such as "gateway1"';

/** The characters that every service of AWS accepts in a tag. */
const tagText = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** Tags that the stack sets itself. */
const ownTags = new Set(['project', 'stage']);

/** A tag's key. */
export const tagKey: Rule = (key) => {
  if (/^aws:/i.test(key)) return 'begins with "aws:", which AWS keeps to itself; write another key';
  if (ownTags.has(key.toLowerCase())) return 'is a tag that the stack sets itself; remove it';
  if (key.length > 128) return `has ${key.length} characters; write at most 128`;
  return key.trim() === '' || !tagText.test(key)
    ? 'has characters that AWS refuses in a tag; write letters, digits, spaces and _ . : / = + - @'
    : undefined;
};

/** A tag's value. */
export const tagValue: Rule = (value) => {
  if (value.length > 256) return `has ${value.length} characters; write at most 256`;
  return tagText.test(value)
    ? undefined
    : 'has characters that AWS refuses in a tag; write letters, digits, spaces and _ . : / = + - @';
};
