/** The shape of what an account brings to a stage. */
import * as z from 'zod';
import {
  calledServices,
  keyNames,
  type CalledService,
  type Existing,
  type ExistingVpc,
  type LogDestination,
} from '../existing.ts';
import * as arns from './arn.ts';
import * as rules from './existing-rules.ts';
import { checkUnique, problem, text, type Fields } from './fields.ts';
import { inWords } from './in-words.ts';

/** Lambda accepts no more for a function. */
const mostSubnets = 16;

const isCalled = (name: unknown): name is CalledService => (calledServices as readonly unknown[]).includes(name);

/** What is wrong with a list of services that have endpoints. */
const endpointProblem = (value: unknown): string | undefined => {
  const list = `write "nat" if the subnets have a way out to AWS, or list the VPC's endpoints: ${inWords(calledServices)}`;
  if (value === undefined) return `is missing, so functions might not reach AWS's services; ${list}`;
  if (value === 'nat') return undefined;
  if (!Array.isArray(value)) return `is neither "nat" nor a list; ${list}`;
  const unknown = value.filter((name) => !isCalled(name));
  if (unknown.length > 0)
    return `names ${inWords(unknown.map((name) => JSON.stringify(name)))}, which is not called; ${list}`;
  const missing = calledServices.filter((name) => !value.includes(name));
  return missing.length === 0
    ? undefined
    : `lacks ${inWords(missing)}, which functions call; make these endpoints and add them, or write "nat" if the subnets have a way out to AWS`;
};

const awsEndpoints = z.custom<ExistingVpc['awsEndpoints']>().superRefine((value, context) => {
  const message = endpointProblem(value);
  if (message !== undefined) problem(context, [], message);
});

const vpc = z.strictObject({
  id: text(rules.vpcId),
  subnets: z
    .array(z.strictObject({ id: text(rules.subnetId), availabilityZone: text(rules.availabilityZone) }))
    .min(1, 'is empty; write at least one private subnet')
    .max(mostSubnets, `has too many for Lambda; write at most ${mostSubnets}`)
    .superRefine((subnets, context) =>
      checkUnique(
        context,
        [],
        subnets.map(({ id }) => id),
        'id',
      ),
    ),
  securityGroupId: text(rules.securityGroupId).optional(),
  awsEndpoints,
} satisfies Fields<ExistingVpc>);

const keys = z.strictObject(
  Object.fromEntries(keyNames.map((name) => [name, text(arns.keyArn).optional()])) as Record<
    (typeof keyNames)[number],
    z.ZodOptional<ReturnType<typeof text>>
  >,
);

/** Streams are written to with a role, functions by their own policy. */
const roleProblem = ({ arn, roleArn }: LogDestination): string | undefined => {
  const service = arns.parseArn(arn)?.service;
  const isStream = service === 'kinesis' || service === 'firehose';
  if (isStream && roleArn === undefined) {
    return 'is missing, but CloudWatch Logs writes to a stream only with a role; write the ARN of one that it may assume';
  }
  return service === 'lambda' && roleArn !== undefined
    ? 'is set, but CloudWatch Logs calls a function without a role; remove it, and let logs.amazonaws.com invoke the function'
    : undefined;
};

const logDestination = z
  .strictObject({
    arn: text(arns.logDestinationArn),
    roleArn: text(arns.roleArn).optional(),
  } satisfies Fields<LogDestination>)
  .superRefine((value, context) => {
    const message = roleProblem(value);
    if (message !== undefined) problem(context, ['roleArn'], message);
  });

/** AWS allows 50 tags a resource; two are the stack's. */
const mostTags = 40;

const tags = z.record(z.string(), text(rules.tagValue)).superRefine((all, context) => {
  const names = Object.keys(all);
  for (const [index, key] of names.entries()) {
    const message = rules.tagKey(key);
    if (message !== undefined) problem(context, [], `${JSON.stringify(key)} ${message}`);
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
    const same = names.slice(0, index).find((other) => other.toLowerCase() === key.toLowerCase());
    if (same !== undefined)
      problem(
        context,
        [],
        `${JSON.stringify(key)} is ${JSON.stringify(same)} for IAM, in other case; write one of them`,
      );
  }
  if (names.length > mostTags) problem(context, [], `has too many tags; write at most ${mostTags}`);
});

/** The fields of a stage that fit it into an account. */
export const accountFields = {
  existing: z
    .strictObject({
      vpc: vpc.optional(),
      keys: keys.optional(),
      logDestination: logDestination.optional(),
      alarmTopicArn: text(arns.topicArn).optional(),
      ticketTopicArn: text(arns.topicArn).optional(),
      webAclArn: text(arns.webAclArn).optional(),
    } satisfies Fields<Existing>)
    .optional(),
  tags: tags.optional(),
  permissionsBoundaryArn: text(arns.policyArn).optional(),
  bootstrapQualifier: text(rules.bootstrapQualifier).optional(),
};
