import {
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVpcAttributeCommand,
  DescribeVpcEndpointsCommand,
  type EC2Client,
  type IpPermission,
  type RouteTable,
  type SecurityGroup,
  type Subnet,
  type VpcEndpoint,
} from '@aws-sdk/client-ec2';
import type { ExistingVpc } from '../../config/existing.ts';

/** What EC2 says of a VPC. */
export interface SeenVpc {
  readonly subnets: readonly Subnet[];
  readonly tables: readonly RouteTable[];
  readonly endpoints: readonly VpcEndpoint[];
  /** The functions' own, if the account brings one, and those of the endpoints. */
  readonly groups: readonly SecurityGroup[];
  readonly hasDns: boolean;
}

/** Whether names of endpoints resolve in a VPC; undefined if there is no such VPC. */
const readDns = async (client: EC2Client, VpcId: string): Promise<boolean | undefined> => {
  const answers = await Promise.all(
    (['enableDnsSupport', 'enableDnsHostnames'] as const).map((Attribute) =>
      client.send(new DescribeVpcAttributeCommand({ VpcId, Attribute })),
    ),
  ).catch((error: unknown) => {
    if (error instanceof Error && error.name === 'InvalidVpcID.NotFound') return undefined;
    throw error;
  });
  if (answers === undefined) return undefined;
  const [support, names] = answers;
  return support?.EnableDnsSupport?.Value === true && names?.EnableDnsHostnames?.Value === true;
};

const readGroups = async (client: EC2Client, ids: readonly string[]): Promise<readonly SecurityGroup[]> => {
  if (ids.length === 0) return [];
  // Use a filter: an unknown ID would be an error.
  const Filters = [{ Name: 'group-id', Values: [...new Set(ids)] }];
  return (await client.send(new DescribeSecurityGroupsCommand({ Filters }))).SecurityGroups ?? [];
};

/** Reads what matters of a VPC; undefined if there is no such VPC. */
export const readVpc = async (
  client: EC2Client,
  { id, subnets, securityGroupId }: ExistingVpc,
): Promise<SeenVpc | undefined> => {
  const Filters = [{ Name: 'vpc-id', Values: [id] }];
  const ids = subnets.map((subnet) => subnet.id);
  const [seen, tables, endpoints, hasDns] = await Promise.all([
    client.send(new DescribeSubnetsCommand({ Filters: [{ Name: 'subnet-id', Values: ids }] })),
    client.send(new DescribeRouteTablesCommand({ Filters })),
    client.send(new DescribeVpcEndpointsCommand({ Filters })),
    readDns(client, id),
  ]);
  if (hasDns === undefined) return undefined;
  const found = endpoints.VpcEndpoints ?? [];
  const ofEndpoints = found.flatMap(({ Groups = [] }) => Groups.flatMap(({ GroupId }) => GroupId ?? []));
  return {
    subnets: seen.Subnets ?? [],
    tables: tables.RouteTables ?? [],
    endpoints: found,
    groups: await readGroups(client, [...ofEndpoints, ...(securityGroupId === undefined ? [] : [securityGroupId])]),
    hasDns,
  };
};

/** The table of a subnet's own, or else the VPC's main one. */
export const tableOf = (tables: readonly RouteTable[], subnetId: string): RouteTable | undefined => {
  const has = (test: (association: NonNullable<RouteTable['Associations']>[number]) => boolean) =>
    tables.find(({ Associations = [] }) => Associations.some(test));
  return has((association) => association.SubnetId === subnetId) ?? has(({ Main }) => Main === true);
};

/** Whether a rule is about a TCP port. */
export const coversPort = ({ IpProtocol: protocol, FromPort: from, ToPort: to }: IpPermission, port: number): boolean =>
  protocol === '-1' || (protocol === 'tcp' && from !== undefined && to !== undefined && from <= port && port <= to);
