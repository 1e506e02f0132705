import { Annotations } from 'aws-cdk-lib';
import { SecurityGroup, Subnet, Vpc, type ISecurityGroup, type IVpc } from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import type { ExistingVpc } from '../config/existing.ts';
import type { StageConfig } from '../config/stage.ts';
import { functionsGroup, type FunctionNetwork } from './functions-group.ts';

export interface ExistingNetworkProps {
  readonly config: Pick<StageConfig, 'partners' | 'payers'>;
  readonly vpc: ExistingVpc;
}

/**
 * A VPC of the account. Functions run in its private subnets. Routes, gateways, endpoints and addresses are the
 * account's, and so are the default security group and the flow log.
 */
export class ExistingNetwork extends Construct {
  /** For the functions' own settings. */
  readonly functions: FunctionNetwork;
  /** What payers see calls come from is not known here. */
  readonly addresses: readonly string[] = [];

  constructor(scope: Construct, id: string, { config, vpc: given }: ExistingNetworkProps) {
    super(scope, id);
    const zones = [...new Set(given.subnets.map(({ availabilityZone }) => availabilityZone))];
    const vpc = Vpc.fromVpcAttributes(this, 'Vpc', { vpcId: given.id, availabilityZones: zones });
    const subnets = given.subnets.map(({ id: subnetId, availabilityZone }, index) =>
      Subnet.fromSubnetAttributes(this, `Subnet${index + 1}`, { subnetId, availabilityZone }),
    );
    // Nothing asks for the subnets' route tables.
    Annotations.of(this).acknowledgeWarning('@aws-cdk/aws-ec2:noSubnetRouteTableId');
    this.functions = { vpc, vpcSubnets: { subnets }, securityGroups: [this.securityGroup(vpc, given, config)] };
  }

  private securityGroup(
    vpc: IVpc,
    { securityGroupId }: ExistingVpc,
    config: ExistingNetworkProps['config'],
  ): ISecurityGroup {
    return securityGroupId === undefined
      ? functionsGroup(this, vpc, config)
      : SecurityGroup.fromSecurityGroupId(this, 'FunctionsGroup', securityGroupId, { mutable: false });
  }
}
