import { boundaryActions } from '../../config/account/boundary-actions.ts';
import { endpointCalls } from '../../config/account/endpoint-calls.ts';
import { outgoingPorts } from '../../config/account/outgoing-ports.ts';
import { alarmsMayPublish, keyNeeds, type Place, type PolicyStatement } from '../../config/account/policy-needs.ts';
import { parseArn } from '../../config/checks/arn.ts';
import { keyNames, type ExistingVpc, type LogDestination } from '../../config/existing.ts';
import type { StageConfig } from '../../config/stage.ts';

/** What one brought thing must allow. */
export interface Need {
  /** The field that names it. */
  readonly field: string;
  /** What AWS calls it. */
  readonly name: string;
  /** Sentences. */
  readonly says: readonly string[];
  /** Statements that its policy must have. @default none */
  readonly statements?: readonly PolicyStatement[];
}

/** The place of an ARN that the check of the stage has accepted. */
export const placeOf = (arn: string): Place => {
  const parts = parseArn(arn);
  if (parts === undefined) throw new Error(`${arn} is not an ARN`);
  return parts;
};

const ofKeys = (config: StageConfig): Need[] =>
  keyNames.flatMap((name) => {
    const arn = config.existing?.keys?.[name];
    return arn === undefined
      ? []
      : [
          {
            field: `existing.keys.${name}`,
            name: arn,
            says: ['The policy of the key must have these statements.'],
            statements: keyNeeds(name, placeOf(arn)),
          },
        ];
  });

const reachAws = ({ awsEndpoints }: ExistingVpc): string[] =>
  awsEndpoints === 'nat'
    ? []
    : [
        'The VPC needs enableDnsSupport and enableDnsHostnames, gateway endpoints for dynamodb and s3 in the route tables of the ' +
          'subnets, and interface endpoints with private DNS for kms, lambda and secretsmanager, whose security groups let ' +
          'the functions in on port 443.',
        `The policies of the endpoints must allow: ${Object.values(endpointCalls).flat().join(', ')}.`,
      ];

const ofVpc = (config: StageConfig): Need[] => {
  const vpc = config.existing?.vpc;
  if (vpc === undefined) return [];
  const ports = outgoingPorts(config).join(', ');
  return [
    {
      field: 'existing.vpc',
      name: vpc.id,
      says: [
        'Each subnet is private and has a route for 0.0.0.0/0 to a NAT gateway, a transit gateway or a firewall, by which functions reach payers.',
        ...(vpc.securityGroupId === undefined
          ? []
          : [`The security group ${vpc.securityGroupId} lets TCP out on ${ports}, and needs to let nothing in.`]),
        ...reachAws(vpc),
      ],
    },
  ];
};

/** The topics that the account brings. */
export const topicsOf = ({ existing = {} }: Pick<StageConfig, 'existing'>) =>
  (['alarmTopicArn', 'ticketTopicArn'] as const).flatMap((name) => {
    const arn = existing[name];
    return arn === undefined ? [] : [{ field: `existing.${name}`, arn }];
  });

const ofTopics = (config: StageConfig): Need[] =>
  topicsOf(config).map(({ field, arn }) => ({
    field,
    name: arn,
    says: [
      'The policy of the topic must have this statement, unless it is still the one that SNS made.',
      'If the topic is encrypted, the policy of its key must let cloudwatch.amazonaws.com do kms:Decrypt and kms:GenerateDataKey. The key alias/aws/sns does not, and cannot be changed.',
    ],
    statements: [alarmsMayPublish(arn, config, placeOf(arn))],
  }));

/** What the role that writes to a stream may do. */
const writes: Readonly<Record<string, string>> = {
  kinesis: 'kinesis:PutRecord and kinesis:PutRecords',
  firehose: 'firehose:PutRecord and firehose:PutRecordBatch',
};

const saysOfDestination = ({ arn, roleArn }: LogDestination): string => {
  const { service } = parseArn(arn) ?? { service: '' };
  if (service === 'lambda') {
    return 'The policy of the function must let logs.amazonaws.com do lambda:InvokeFunction, with aws:SourceAccount as this account.';
  }
  return service === 'logs'
    ? 'The access policy of the destination must let this account do logs:PutSubscriptionFilter.'
    : `The role ${roleArn} must trust logs.amazonaws.com, and may do ${writes[service]} on the stream.`;
};

const ofLogDestination = ({ existing }: StageConfig): Need[] =>
  existing?.logDestination === undefined
    ? []
    : [
        {
          field: 'existing.logDestination',
          name: existing.logDestination.arn,
          says: [
            saysOfDestination(existing.logDestination),
            'A log group can have two subscription filters, and the stack makes one in each.',
          ],
        },
      ];

const ofWebAcl = ({ existing, exchanges }: StageConfig): Need[] =>
  existing?.webAclArn === undefined
    ? []
    : [
        {
          field: 'existing.webAclArn',
          name: existing.webAclArn,
          says: [
            'Of AWSManagedRulesCommonRuleSet these rules must only count: GenericRFI_QUERYARGUMENTS, GenericRFI_BODY, SizeRestrictions_QUERYSTRING, SizeRestrictions_BODY, NoUserAgent_HEADER. They block sign-ins of apps on the member’s own machine, page links, long forms and some clients.',
            ...(exchanges === undefined
              ? []
              : [
                  'With exchanges, a body of 4 MB must pass where the path, URL-decoded, ends in /Group/$bulk-member-match, and there CrossSiteScripting_BODY must only count too: FHIR resources bring narratives in XHTML. A body of 64 KB must pass where it ends in /$davinci-data-export.',
                ]),
            'Its log must leave out the query, the path, and the headers authorization, cookie and referer.',
          ],
        },
      ];

const ofBoundary = (config: StageConfig): Need[] =>
  config.permissionsBoundaryArn === undefined
    ? []
    : [
        {
          field: 'permissionsBoundaryArn',
          name: config.permissionsBoundaryArn,
          says: [`The boundary must allow: ${boundaryActions(config).join(', ')}.`],
        },
      ];

/** What everything that the account brings to a stage must allow. */
export const needsOf = (config: StageConfig): readonly Need[] =>
  [ofVpc, ofKeys, ofLogDestination, ofTopics, ofWebAcl, ofBoundary].flatMap((needs) => needs(config));

/** As a person reads it, with statements to copy. */
export const tellNeed = ({ field, name, says, statements }: Need): string =>
  [
    `${field}: ${name}`,
    ...says.map((sentence) => `  ${sentence}`),
    ...(statements === undefined ? [] : [JSON.stringify(statements, undefined, 2)]),
    '',
  ].join('\n');
