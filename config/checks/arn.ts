/** Amazon Resource Names (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html). */
import type { Rule } from './rules.ts';

/** The parts of an ARN. Region and account are empty where AWS leaves them out. */
export interface Arn {
  readonly partition: string;
  readonly service: string;
  readonly region: string;
  readonly account: string;
  readonly resource: string;
}

/** Splits an ARN; undefined for anything else. */
export const parseArn = (value: string): Arn | undefined => {
  const parts = /^arn:(aws[a-z-]*):([a-z0-9-]+):([a-z0-9-]*):(\d{12}|aws|):(\S+)$/.exec(value);
  return parts === null
    ? undefined
    : { partition: parts[1]!, service: parts[2]!, region: parts[3]!, account: parts[4]!, resource: parts[5]! };
};

interface ArnKind {
  /** Such as `an SNS topic`. */
  readonly what: string;
  /** What to write. */
  readonly such: string;
  /** The service, and the form of the resource in it. */
  readonly resources: Readonly<Record<string, RegExp>>;
}

const isKind = ({ resources }: ArnKind, value: string): boolean => {
  const arn = parseArn(value);
  return arn !== undefined && resources[arn.service]?.test(arn.resource) === true;
};

const arnOf =
  (kind: ArnKind): Rule =>
  (value) =>
    isKind(kind, value) ? undefined : `is not the ARN of ${kind.what}; write one such as "${kind.such}"`;

const uuid = String.raw`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`;

const isKey = arnOf({
  what: 'a KMS key',
  such: 'arn:aws:kms:us-east-1:111122223333:key/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0',
  resources: { kms: new RegExp(`^key/(?:${uuid}|mrk-[0-9a-f]{32})$`) },
});

/** The ARN of a key, not of an alias, which can be moved to another key. */
export const keyArn: Rule = (value) =>
  /^arn:[^:]+:kms:[^:]*:[^:]*:alias\//.test(value)
    ? 'is an alias, which can be moved to another key; write the ARN of the key itself'
    : isKey(value);

export const topicArn = arnOf({
  what: 'a standard SNS topic',
  such: 'arn:aws:sns:us-east-1:111122223333:gateway-alarms',
  resources: { sns: /^[\w-]{1,256}$/ },
});

export const webAclArn = arnOf({
  what: 'a web ACL of AWS WAF',
  such: 'arn:aws:wafv2:us-east-1:111122223333:regional/webacl/NAME/ID',
  resources: { wafv2: /^(?:regional|global)\/webacl\/[\w-]{1,128}\/[\w-]{1,36}$/ },
});

export const logDestinationArn = arnOf({
  what: 'a Kinesis stream, a Firehose stream, a function or a destination of CloudWatch Logs',
  such: 'arn:aws:logs:us-east-1:111122223333:destination:siem',
  resources: {
    kinesis: /^stream\/[\w.-]{1,128}$/,
    firehose: /^deliverystream\/[\w.-]{1,64}$/,
    lambda: /^function:[\w-]{1,64}(?::[\w$-]{1,128})?$/,
    logs: /^destination:[^:*]{1,512}$/,
  },
});

export const roleArn = arnOf({
  what: 'an IAM role',
  such: 'arn:aws:iam::111122223333:role/logs-to-siem',
  resources: { iam: /^role\/[\w+=,.@/-]{1,512}$/ },
});

export const policyArn = arnOf({
  what: 'a managed policy',
  such: 'arn:aws:iam::111122223333:policy/boundary',
  resources: { iam: /^policy\/[\w+=,.@/-]{1,512}$/ },
});
