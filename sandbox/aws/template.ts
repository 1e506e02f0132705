import { propertiesOf, type Named, type Reading, type Template, type TemplateOptions } from './cloudformation.ts';
import { resolverOf } from './intrinsics.ts';
import type { DeployedStack } from './stack-service.ts';
import { tableRightsOf, type TableRights } from './table-rights.ts';
import {
  accessLogOf,
  bucketsOf,
  gatewayResponsesOf,
  keysOf,
  mappingsOf,
  tablesOf,
  type AccessLogSpec,
  type BucketSpec,
  type GatewayResponseSpec,
  type KeySpec,
  type MappingSpec,
  type TableSpec,
} from './template-data.ts';
import {
  customResourcesOf,
  edgeFunctions,
  functionsOf,
  routesOf,
  type CustomResourceSpec,
  type FunctionSpec,
  type RouteSpec,
} from './template-functions.ts';

/** What the local stack serves. */
export interface LocalTemplate {
  readonly functions: readonly FunctionSpec[];
  readonly routes: readonly RouteSpec[];
  readonly tables: readonly TableSpec[];
  readonly tableRights: TableRights;
  readonly buckets: readonly BucketSpec[];
  readonly keys: readonly KeySpec[];
  readonly mappings: readonly MappingSpec[];
  readonly customResources: readonly CustomResourceSpec[];
  readonly stageName: string;
  readonly binaryMediaTypes: readonly string[];
  readonly gatewayResponses: readonly GatewayResponseSpec[];
  readonly accessLog: AccessLogSpec | undefined;
  readonly stack: DeployedStack;
  /** Whether the API is behind a distribution with a function on its answers. */
  readonly edge: boolean;
}

const stackOf = ({ template, intrinsics, options }: Reading): DeployedStack => ({
  name: options.stackName,
  outputs: Object.fromEntries(
    Object.entries(template.Outputs ?? {}).map(([key, { Value }]) => [key, intrinsics.resolve(Value)]),
  ),
  resources: Object.entries(template.Resources).map(([logicalId, { Type: type }]) => ({
    logicalId,
    type,
    physicalId: intrinsics.resolve({ Ref: logicalId }),
  })),
});

/**
 * Reads from a synthesized template what to serve, so that the local stack follows every change to the stack. Resources
 * that the local stack does not need are ignored.
 */
export const readTemplate = (template: Template, options: TemplateOptions): LocalTemplate => {
  const intrinsics = resolverOf(template, options.stackName);
  const ofType = (type: string): Named[] =>
    Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);
  const reading = { ofType, template, intrinsics, options };
  const [api] = ofType('AWS::ApiGateway::RestApi');
  const [stage] = ofType('AWS::ApiGateway::Stage');
  return {
    functions: functionsOf(reading),
    routes: routesOf(reading),
    tables: tablesOf(reading),
    tableRights: tableRightsOf(reading),
    buckets: bucketsOf(reading),
    keys: keysOf(reading),
    mappings: mappingsOf(reading),
    customResources: customResourcesOf(reading),
    stageName:
      stage === undefined ? 'local' : intrinsics.resolve((propertiesOf(stage) as { StageName: unknown }).StageName),
    binaryMediaTypes:
      api === undefined ? [] : ((propertiesOf(api) as { BinaryMediaTypes?: string[] }).BinaryMediaTypes ?? []),
    gatewayResponses: gatewayResponsesOf(reading),
    accessLog: accessLogOf(reading),
    stack: stackOf(reading),
    edge: edgeFunctions(reading).has('origin-response'),
  };
};
