/** What an account brings must fit the rest of the stage. */
import { keyNames } from '../existing.ts';
import type { StageConfig } from '../stage.ts';
import * as arns from './arn.ts';
import { problem, type Context } from './fields.ts';
import { checkZone, placeOf } from './place.ts';
import type { Rule } from './rules.ts';

interface Placed {
  readonly path: readonly PropertyKey[];
  readonly arn: string | undefined;
  readonly rule: Rule;
  /** Such as `a topic`. */
  readonly what: string;
}

/** ARNs that must be of the stage's region and account, whatever AWS would make of others. */
const placed = ({ existing = {}, permissionsBoundaryArn }: StageConfig): readonly Placed[] => [
  ...keyNames.map((name) => ({
    path: ['existing', 'keys', name],
    arn: existing.keys?.[name],
    rule: arns.keyArn,
    what: 'a key',
  })),
  { path: ['existing', 'alarmTopicArn'], arn: existing.alarmTopicArn, rule: arns.topicArn, what: 'a topic' },
  { path: ['existing', 'ticketTopicArn'], arn: existing.ticketTopicArn, rule: arns.topicArn, what: 'a topic' },
  { path: ['existing', 'webAclArn'], arn: existing.webAclArn, rule: arns.webAclArn, what: 'a web ACL' },
  {
    path: ['existing', 'logDestination', 'arn'],
    arn: existing.logDestination?.arn,
    rule: arns.logDestinationArn,
    what: 'a destination',
  },
  {
    path: ['existing', 'logDestination', 'roleArn'],
    arn: existing.logDestination?.roleArn,
    rule: arns.roleArn,
    what: 'a role',
  },
  { path: ['permissionsBoundaryArn'], arn: permissionsBoundaryArn, rule: arns.policyArn, what: 'a policy' },
];

const checkPlaces = (config: StageConfig, context: Context): void => {
  const { region, account } = placeOf(config, context);
  for (const { path, arn: value, rule, what } of placed(config)) {
    const arn = value === undefined || rule(value) !== undefined ? undefined : arns.parseArn(value);
    if (arn === undefined) continue;
    if (region !== undefined && arn.region !== '' && arn.region !== region) {
      problem(context, path, `is in ${arn.region}; write the ARN of ${what} in ${region}, the stage's region`);
      // A destination of CloudWatch Logs may be in any account.
    } else if (account !== undefined && arn.service !== 'logs' && /^\d/.test(arn.account) && arn.account !== account) {
      problem(
        context,
        path,
        `is in account ${arn.account}; write the ARN of ${what} in ${account}, the stage's account`,
      );
    }
  }
};

const checkVpc = (config: StageConfig, context: Context): void => {
  const { existing, network } = config;
  if (existing?.vpc === undefined) return;
  if (network !== 'none') {
    problem(context, ['network'], 'makes a VPC, but existing.vpc names one; remove one of them');
  }
  const { region } = placeOf(config, context);
  for (const [index, { availabilityZone }] of existing.vpc.subnets.entries()) {
    checkZone(context, ['existing', 'vpc', 'subnets', index, 'availabilityZone'], availabilityZone, region);
  }
};

const checkWebAcl = ({ existing, waf, edge }: StageConfig, context: Context): void => {
  const path = ['existing', 'webAclArn'];
  if (existing?.webAclArn === undefined || arns.webAclArn(existing.webAclArn) !== undefined) return;
  if (waf === 'none')
    problem(context, ['waf'], 'is "none", but existing.webAclArn names a web ACL; remove one of them');
  const isGlobal = arns.parseArn(existing.webAclArn)?.resource.startsWith('global/') === true;
  if (edge !== false && !isGlobal) {
    problem(
      context,
      path,
      'has the scope REGIONAL, but edge puts it in front of CloudFront; write one with the scope CLOUDFRONT',
    );
  }
  if (edge === false && isGlobal) {
    problem(
      context,
      path,
      'has the scope CLOUDFRONT, but it is for an API; write one with the scope REGIONAL, or edge: true',
    );
  }
};

const checkTopics = ({ existing = {}, ...addresses }: StageConfig, context: Context): void => {
  const { alarmTopicArn, ticketTopicArn } = existing;
  const instead = {
    alarmAddresses: alarmTopicArn === undefined ? undefined : 'alarmTopicArn',
    ticketAddresses: ticketTopicArn !== undefined ? 'ticketTopicArn' : alarmTopicArn && 'alarmTopicArn',
  } as const;
  for (const name of ['alarmAddresses', 'ticketAddresses'] as const) {
    if (addresses[name].length === 0 || instead[name] === undefined) continue;
    problem(
      context,
      [name],
      `would be subscribed to a topic of the stack, but existing.${instead[name]} names yours; subscribe them there, and remove them`,
    );
  }
};

const checkKeys = ({ existing }: StageConfig, context: Context): void => {
  if (existing?.keys?.alarms !== undefined && existing.alarmTopicArn !== undefined) {
    const message = 'would encrypt a topic of the stack, but existing.alarmTopicArn names yours; remove it';
    problem(context, ['existing', 'keys', 'alarms'], message);
  }
  const given = keyNames.filter((name) => existing?.keys?.[name] !== undefined);
  for (const [index, name] of given.entries()) {
    const same = given.slice(0, index).find((other) => existing?.keys?.[other] === existing?.keys?.[name]);
    if (same === undefined) continue;
    const message = `is also the key for ${same}, so who may use one could use the other; write another key`;
    problem(context, ['existing', 'keys', name], message);
  }
};

/** Reports what an account brings that does not fit the stage. */
export const checkExisting = (config: StageConfig, context: Context): void => {
  checkPlaces(config, context);
  checkVpc(config, context);
  checkWebAcl(config, context);
  checkTopics(config, context);
  checkKeys(config, context);
};
