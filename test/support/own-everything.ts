/** Stages of accounts that bring everything of their own. */
import { checkStage } from '../../config/checks/check-stage.ts';
import { loadStage } from '../../config/checks/load.ts';
import type { Existing } from '../../config/existing.ts';
import type { StageConfig } from '../../config/stage.ts';

const account = '111122223333';
const key = (digit: number): string =>
  `arn:aws:kms:us-east-1:${account}:key/${String(digit).repeat(8)}-1111-2222-3333-444455556666`;

/** Everything that an account can bring to a stage without an edge. */
export const everything: Existing = {
  vpc: {
    id: 'vpc-0a1b2c3d4e5f60718',
    subnets: [
      { id: 'subnet-0a1b2c3d4e5f60711', availabilityZone: 'us-east-1a' },
      { id: 'subnet-0a1b2c3d4e5f60712', availabilityZone: 'us-east-1b' },
    ],
    securityGroupId: 'sg-0a1b2c3d4e5f60718',
    awsEndpoints: ['dynamodb', 'kms', 'lambda', 's3', 'secretsmanager'],
  },
  keys: { data: key(1), audit: key(2), exports: key(3), memberIndex: key(4) },
  logDestination: {
    arn: `arn:aws:firehose:us-east-1:${account}:deliverystream/siem`,
    roleArn: `arn:aws:iam::${account}:role/logs-to-siem`,
  },
  alarmTopicArn: `arn:aws:sns:us-east-1:${account}:oncall`,
  ticketTopicArn: `arn:aws:sns:us-east-1:${account}:tickets`,
  webAclArn: `arn:aws:wafv2:us-east-1:${account}:regional/webacl/api/0f1e2d3c`,
};

/** The web ACL in front of CloudFront. */
export const edgeWebAclArn = `arn:aws:wafv2:us-east-1:${account}:global/webacl/edge/0f1e2d3c`;

const accountRules = {
  tags: { 'cost-center': '4711', DataClass: 'phi' },
  permissionsBoundaryArn: `arn:aws:iam::${account}:policy/boundary`,
  bootstrapQualifier: 'gateway1',
};

/** The stage with every option, in such an account; with `edge: false`, the API is in front. */
export const ownEverything = async ({ edge = true } = {}): Promise<StageConfig> => {
  const production = await loadStage('production-example');
  const existing = edge ? { ...everything, webAclArn: edgeWebAclArn } : everything;
  return checkStage(
    { ...production, ...accountRules, edge, network: 'none', alarmAddresses: [], ticketAddresses: [], existing },
    'own-everything',
  );
};
