/**
 * What an account brings to a stage: things of its own that the stack uses, and never changes. What each of them must
 * allow is in `docs/bring-your-own.md`; `npm run existing -- needs NAME` prints it for a stage.
 */

/** The services that functions in a VPC call. Logs and traces do not go through the VPC. */
export const calledServices = ['dynamodb', 'kms', 'lambda', 's3', 'secretsmanager'] as const;

/** A service of AWS, as the names of VPC endpoints end. */
export type CalledService = (typeof calledServices)[number];

/** A VPC in which functions run. The stack creates no address, route, gateway or endpoint in it. */
export interface ExistingVpc {
  /** Such as `vpc-0a1b2c3d4e5f60718`. */
  readonly id: string;
  /**
   * Private subnets with a way out to payers: functions have no public address. Production requires two zones.
   */
  readonly subnets: readonly { readonly id: string; readonly availabilityZone: string }[];
  /**
   * Lets functions out to payers and to AWS's endpoints.
   * @default the stack makes one: nothing in, TLS out
   */
  readonly securityGroupId?: string;
  /**
   * How functions reach AWS: `nat`, as they reach payers, or the services for which the VPC has endpoints. Without a
   * way, every call to AWS ends in a time-out.
   */
  readonly awsEndpoints: 'nat' | readonly CalledService[];
}

/** The keys that the stack makes unless the account brings them. */
export const keyNames = ['data', 'audit', 'exports', 'memberIndex', 'alarms'] as const;

/** What a key is for. */
export type KeyName = (typeof keyNames)[number];

/** Where CloudWatch Logs sends every line of every log group. */
export interface LogDestination {
  /** ARN of a Kinesis stream, a Firehose stream, a function, or a destination of CloudWatch Logs in any account. */
  readonly arn: string;
  /** ARN of the role with which CloudWatch Logs writes there. Required for a stream. */
  readonly roleArn?: string;
}

/** Everything is optional: the stack makes what is absent. */
export interface Existing {
  readonly vpc?: ExistingVpc;
  /** ARNs of keys in the stage's region and account: symmetric ones, and for `memberIndex` one of kind HMAC_256. */
  readonly keys?: Readonly<Partial<Record<KeyName, string>>>;
  readonly logDestination?: LogDestination;
  /** ARN of the SNS topic where alarms are published, instead of a topic with `alarmAddresses`. The stack then makes no topic. */
  readonly alarmTopicArn?: string;
  /** ARN of the SNS topic for alarms that can wait. @default `alarmTopicArn`, or a topic with `ticketAddresses` */
  readonly ticketTopicArn?: string;
  /**
   * ARN of the web ACL in front of the API; with `edge`, of the one in front of CloudFront (scope CLOUDFRONT). The
   * API's own then stays, since it refuses what does not come from CloudFront.
   */
  readonly webAclArn?: string;
}

/** The keys that the stack makes: one for alarms only with a topic of its own. */
export const ownKeys = ({ keys, alarmTopicArn }: Existing = {}): readonly KeyName[] =>
  keyNames.filter((name) => keys?.[name] === undefined && (name !== 'alarms' || alarmTopicArn === undefined));
