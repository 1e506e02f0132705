import { Peer, Port, SecurityGroup, type ISecurityGroup, type IVpc, type SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { outgoingPorts } from '../config/account/outgoing-ports.ts';
import type { StageConfig } from '../config/stage.ts';

/** Where a function in a VPC runs. */
export interface FunctionNetwork {
  readonly vpc: IVpc;
  readonly vpcSubnets: SubnetSelection;
  readonly securityGroups: ISecurityGroup[];
}

/** The functions' security group: nothing in, TLS out to the ports of payers and webhooks. */
export const functionsGroup = (
  scope: Construct,
  vpc: IVpc,
  called: Pick<StageConfig, 'payers' | 'partners' | 'identityProviders'>,
): SecurityGroup => {
  const group = new SecurityGroup(scope, 'FunctionsGroup', {
    vpc,
    description: 'Functions: nothing in, TLS out to payers and AWS',
    allowAllOutbound: false,
  });
  for (const port of outgoingPorts(called)) {
    group.addEgressRule(Peer.anyIpv4(), Port.tcp(port), 'Payers, and AWS by its endpoints');
  }
  return group;
};
