import type { EC2Client, Route } from '@aws-sdk/client-ec2';
import { outgoingPorts } from '../../config/account/outgoing-ports.ts';
import type { ExistingVpc } from '../../config/existing.ts';
import type { StageConfig } from '../../config/stage.ts';
import { judgeEndpoints } from './endpoints.ts';
import { ok, wrong, type Finding, type Question } from './question.ts';
import { coversPort, readVpc, tableOf, type SeenVpc } from './seen-vpc.ts';

/** Where a route goes, if traffic of functions can go that way: they have no public address. */
const wayOut = (route: Route): string | undefined =>
  route.NatGatewayId ??
  route.TransitGatewayId ??
  route.NetworkInterfaceId ??
  route.VpcPeeringConnectionId ??
  (route.GatewayId?.startsWith('igw-') === true ? undefined : route.GatewayId);

const judgeRoute = ({ subnets, tables }: SeenVpc, id: string): readonly Finding[] => {
  if (!subnets.some(({ SubnetId }) => SubnetId === id)) return [];
  const routes = tableOf(tables, id)?.Routes ?? [];
  const out = routes.find(({ DestinationCidrBlock: block }) => block === '0.0.0.0/0');
  const advice = 'route 0.0.0.0/0 to a NAT gateway, a transit gateway or a firewall';
  if (out === undefined)
    return [wrong(`subnet ${id} has no way out, so functions could not reach any payer; ${advice}`)];
  if (out.State === 'blackhole') return [wrong(`subnet ${id} has a way out whose target is gone; ${advice}`)];
  return wayOut(out) === undefined
    ? [wrong(`subnet ${id} is public, and functions have no public address there; write private subnets, or ${advice}`)]
    : [];
};

const judgeSubnet = ({ subnets }: SeenVpc, vpc: ExistingVpc): readonly Finding[] =>
  vpc.subnets.flatMap(({ id, availabilityZone }) => {
    const subnet = subnets.find(({ SubnetId }) => SubnetId === id);
    if (subnet === undefined)
      return [wrong(`there is no subnet ${id} in this account and region; write one that exists`)];
    if (subnet.VpcId !== vpc.id) return [wrong(`subnet ${id} is in ${subnet.VpcId}; write a subnet of ${vpc.id}`)];
    return subnet.AvailabilityZone === availabilityZone
      ? []
      : [wrong(`subnet ${id} is in ${subnet.AvailabilityZone}; write that as its availabilityZone`)];
  });

const judgeGroup = ({ groups }: SeenVpc, vpc: ExistingVpc, ports: readonly number[]): readonly Finding[] => {
  const { securityGroupId: id } = vpc;
  if (id === undefined) return [];
  const group = groups.find(({ GroupId }) => GroupId === id);
  if (group === undefined)
    return [wrong(`there is no security group ${id} in this account and region; write one that exists`)];
  if (group.VpcId !== vpc.id) return [wrong(`security group ${id} is in ${group.VpcId}; write one of ${vpc.id}`)];
  const closed = ports.filter((port) => !group.IpPermissionsEgress?.some((rule) => coversPort(rule, port)));
  return closed.length === 0
    ? []
    : [wrong(`security group ${id} lets nothing out on port ${closed.join(', ')}, where payers are; add a rule`)];
};

/** Asks whether functions in a VPC can reach payers and AWS: in a deployment that works, they would only time out. */
export const askVpc = (
  client: EC2Client,
  called: Pick<StageConfig, 'partners' | 'payers' | 'identityProviders'>,
  vpc: ExistingVpc,
): Question => ({
  field: 'existing.vpc',
  name: vpc.id,
  service: 'EC2',
  rights:
    'ec2:DescribeSubnets, ec2:DescribeRouteTables, ec2:DescribeVpcEndpoints, ec2:DescribeVpcAttribute and ec2:DescribeSecurityGroups',
  ask: async () => {
    const seen = await readVpc(client, vpc);
    if (seen === undefined) return [wrong('there is no such VPC in this account and region; write one that exists')];
    const found = [
      ...judgeSubnet(seen, vpc),
      ...judgeGroup(seen, vpc, outgoingPorts(called)),
      ...vpc.subnets.flatMap(({ id }) => judgeRoute(seen, id)),
      ...judgeEndpoints(seen, vpc),
    ];
    return found.length === 0 ? [ok('its subnets have a way to payers and to AWS')] : found;
  },
});
