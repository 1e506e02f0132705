import type { VpcEndpoint } from '@aws-sdk/client-ec2';
import { endpointCalls } from '../../config/account/endpoint-calls.ts';
import type { PolicyStatement } from '../../config/account/policy-needs.ts';
import { calledServices, type CalledService, type ExistingVpc } from '../../config/existing.ts';
import { verdictOn, type PolicyDocument } from './judge-policy.ts';
import { unclear, wrong, type Finding } from './question.ts';
import { coversPort, tableOf, type SeenVpc } from './seen-vpc.ts';

const judgeGateway = ({ RouteTableIds: ids = [] }: VpcEndpoint, { tables }: SeenVpc, vpc: ExistingVpc): string[] =>
  vpc.subnets.flatMap(({ id }) => {
    const table = tableOf(tables, id)?.RouteTableId;
    return table !== undefined && ids.includes(table)
      ? []
      : [`is not in the route table of subnet ${id}; add it there`];
  });

const judgeInterface = ({ PrivateDnsEnabled, Groups = [] }: VpcEndpoint, { groups, hasDns }: SeenVpc): string[] => {
  const ids = new Set(Groups.map(({ GroupId }) => GroupId));
  const rules = groups.filter(({ GroupId }) => ids.has(GroupId)).flatMap(({ IpPermissions = [] }) => IpPermissions);
  return [
    ...(PrivateDnsEnabled === true ? [] : ['has no private DNS, so functions do not find it; enable it']),
    ...(hasDns ? [] : ['needs DNS in the VPC; set enableDnsSupport and enableDnsHostnames']),
    ...(rules.some((rule) => coversPort(rule, 443)) ? [] : ['lets nothing in on port 443; let the functions in']),
  ];
};

const judgePolicy = (name: CalledService, { PolicyDocument: text }: VpcEndpoint): readonly Finding[] => {
  if (text === undefined || text === '') return [];
  const need: PolicyStatement = {
    Sid: 'Endpoint',
    Effect: 'Allow',
    Principal: { AWS: '*' },
    Action: endpointCalls[name],
    Resource: '*',
  };
  const { refused, unclear: open } = verdictOn(JSON.parse(text) as PolicyDocument, need);
  if (refused.length > 0) {
    return [wrong(`the policy of its endpoint for ${name} does not allow ${refused.join(', ')}; add them`)];
  }
  return open.length === 0
    ? []
    : [unclear(`the policy of its endpoint for ${name} allows ${open.join(', ')} under conditions; look at them`)];
};

const judgeService = (name: CalledService, seen: SeenVpc, vpc: ExistingVpc): readonly Finding[] => {
  const endpoint = seen.endpoints.find(({ ServiceName }) => ServiceName?.endsWith(`.${name}`));
  if (endpoint === undefined) {
    return [
      wrong(`has no endpoint for ${name}, so every call to it would time out; make one, or write awsEndpoints: 'nat'`),
    ];
  }
  const { State: state, VpcEndpointType: type } = endpoint;
  if (state?.toLowerCase() !== 'available')
    return [wrong(`its endpoint for ${name} is ${state}; wait, or make it again`)];
  const problems = type === 'Gateway' ? judgeGateway(endpoint, seen, vpc) : judgeInterface(endpoint, seen);
  return [...problems.map((problem) => wrong(`its endpoint for ${name} ${problem}`)), ...judgePolicy(name, endpoint)];
};

/** Whether a VPC has the endpoints that the stage says it has. */
export const judgeEndpoints = (seen: SeenVpc, vpc: ExistingVpc): readonly Finding[] =>
  vpc.awsEndpoints === 'nat' ? [] : calledServices.flatMap((name) => judgeService(name, seen, vpc));
