import { Aws, Fn, Validations } from 'aws-cdk-lib';
import {
  CfnEIP,
  CfnNatGateway,
  CfnVPCGatewayAttachment,
  FlowLogDestination,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpointAwsService,
  IpAddresses,
  NatProvider,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
  type SubnetSelection,
} from 'aws-cdk-lib/aws-ec2';
import { AnyPrincipal, ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { endpointCalls } from '../config/account/endpoint-calls.ts';
import type { CalledService } from '../config/existing.ts';
import type { StageConfig, VpcNetwork } from '../config/stage.ts';
import { closeDefaultSecurityGroup } from './default-security-group.ts';
import { functionsGroup, type FunctionNetwork } from './functions-group.ts';
import { logGroup } from './log-group.ts';
import { removalPolicyOf } from './removal-policy.ts';
import { allow } from './statements.ts';

export interface GatewayNetworkProps {
  readonly config: Pick<StageConfig, 'existing' | 'partners' | 'payers' | 'removalPolicy' | 'retention'>;
  readonly network: VpcNetwork;
  /** Encrypts the flow log. */
  readonly key: IKey;
}

/** How many zones a stage may use. Each has its address and its part of the block from the start. */
const mostZones = 3;

/** The region's first zones, by number, so that synth does not have to look them up in an account. */
export const zonesOfRegion = (count: number): string[] =>
  Array.from({ length: count }, (_zone, index) => Fn.select(index, Fn.getAzs()));

const prefixLength = (cidr: string): number => Number(cidr.split('/')[1]);

/**
 * A NAT gateway can be created only after the internet gateway is attached, but no reference in the template says so.
 */
const waitForAttachment = (vpc: Vpc): void => {
  const inside = vpc.node.findAll();
  const [attachment, ...others] = inside.filter((construct) => construct instanceof CfnVPCGatewayAttachment);
  if (attachment === undefined || others.length > 0) throw new Error(`${vpc.node.path} has no single internet gateway`);
  for (const gateway of inside) if (gateway instanceof CfnNatGateway) gateway.addResourceDependency(attachment);
};

/**
 * Lets this account's principals reach this account's resources only: stolen credentials of a function cannot move data
 * to another account. An endpoint policy's principal is always everyone; the conditions narrow it.
 */
const withinAccount = (actions: readonly string[]): PolicyStatement => {
  const statement = allow(actions, ['*'], {
    StringEquals: { 'aws:PrincipalAccount': Aws.ACCOUNT_ID, 'aws:ResourceAccount': Aws.ACCOUNT_ID },
  });
  statement.addPrincipals(new AnyPrincipal());
  return statement;
};

/**
 * A VPC for the functions: private subnets only, and one regional NAT gateway with an address in each zone, for payers
 * that allow known addresses only. It needs no subnet of its own, so nothing in the VPC has a route to the internet
 * gateway (https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateways-regional.html).
 *
 * There are endpoints for the five services that functions call. Tables, buckets and secrets use their keys themselves,
 * and Lambda writes logs and traces: none of that goes through the VPC.
 */
export class GatewayNetwork extends Construct {
  /** For the functions' own settings. */
  readonly functions: FunctionNetwork;
  /** The addresses that payers see calls come from. */
  readonly addresses: readonly string[];

  constructor(scope: Construct, id: string, props: GatewayNetworkProps) {
    super(scope, id);
    const { network, config } = props;
    const zones = [...(network.zones ?? zonesOfRegion(network.availabilityZones ?? 1))];
    // Payers put these addresses on their allow-lists, so adding a zone later must not add an address.
    const addresses = zonesOfRegion(mostZones).map((_zone, index) => {
      const address = new CfnEIP(this, `Address${index + 1}`, { domain: 'vpc' });
      address.applyRemovalPolicy(removalPolicyOf(config));
      return address;
    });
    const vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr(network.cidr),
      availabilityZones: zones,
      // A quarter of the block for each zone, whatever their number, since a subnet's block cannot change.
      subnetConfiguration: [
        {
          name: 'Functions',
          subnetType: SubnetType.PRIVATE_WITH_EGRESS,
          cidrMask: network.subnetPrefix ?? prefixLength(network.cidr) + 2,
        },
      ],
      natGatewayProvider: NatProvider.regionalGateway({
        availabilityZoneAddresses: zones.map((availabilityZone, index) => ({
          availabilityZone,
          allocationIds: [addresses[index]?.attrAllocationId ?? ''],
        })),
      }),
      restrictDefaultSecurityGroup: true,
    });
    waitForAttachment(vpc);
    if (network.zones !== undefined) {
      Validations.of(this).acknowledge({
        id: 'CloudFormation-Validate::W3010',
        reason:
          'The stage names its zones on purpose: AWS may list other zones first one day, and an update would then replace ' +
          'subnets, and with them the interfaces of every function.',
      });
    }
    closeDefaultSecurityGroup(this, props);
    this.addresses = addresses.map(({ attrPublicIp }) => attrPublicIp);
    const vpcSubnets: SubnetSelection = { subnetType: SubnetType.PRIVATE_WITH_EGRESS };
    this.functions = { vpc, vpcSubnets, securityGroups: [functionsGroup(this, vpc, config)] };
    this.endpoints(vpc, this.functions);
    this.flowLog(vpc, props);
  }

  private endpoints(vpc: Vpc, { vpcSubnets, securityGroups }: FunctionNetwork): void {
    const gateway = (id: string, name: CalledService, service: GatewayVpcEndpointAwsService): void => {
      const subnets: SubnetSelection[] = [vpcSubnets];
      vpc.addGatewayEndpoint(id, { service, subnets }).addToPolicy(withinAccount(endpointCalls[name]));
    };
    gateway('DynamoDb', 'dynamodb', GatewayVpcEndpointAwsService.DYNAMODB);
    gateway('S3', 's3', GatewayVpcEndpointAwsService.S3);
    const group = new SecurityGroup(this, 'EndpointsGroup', {
      vpc,
      description: 'Endpoints: TLS in from functions, nothing out',
      allowAllOutbound: false,
    });
    for (const from of securityGroups) group.addIngressRule(from, Port.tcp(443), 'Functions');
    const own = (id: string, name: CalledService, service: InterfaceVpcEndpointAwsService): void => {
      const endpoint = { service, subnets: vpcSubnets, securityGroups: [group], open: false };
      vpc.addInterfaceEndpoint(id, endpoint).addToPolicy(withinAccount(endpointCalls[name]));
    };
    own('SecretsManager', 'secretsmanager', InterfaceVpcEndpointAwsService.SECRETS_MANAGER);
    own('Kms', 'kms', InterfaceVpcEndpointAwsService.KMS);
    own('Lambda', 'lambda', InterfaceVpcEndpointAwsService.LAMBDA);
  }

  private flowLog(vpc: Vpc, props: GatewayNetworkProps): void {
    const logs = logGroup(this, 'FlowLogs', props);
    const policy = new ManagedPolicy(this, 'FlowLogsPolicy', {
      statements: [allow(['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'], [logs.logGroupArn])],
    });
    const role = new Role(this, 'FlowLogsRole', {
      assumedBy: new ServicePrincipal('vpc-flow-logs.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
      managedPolicies: [policy],
    });
    vpc.addFlowLog('FlowLog', {
      destination: FlowLogDestination.toCloudWatchLogs(logs, role.withoutPolicyUpdates()),
      trafficType: FlowLogTrafficType.ALL,
    });
  }
}
