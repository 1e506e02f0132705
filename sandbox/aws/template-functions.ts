import { dataVersionResource } from '../../functions/shared/registry/data-version.ts';
import { constructName, propertiesOf, type Named, type Reading } from './cloudformation.ts';

/** A function as the template describes it. */
export interface FunctionSpec {
  /** The construct's name with a lower-case first letter, such as `fetch`. */
  readonly name: string;
  /** Its name in Lambda. */
  readonly physicalName: string;
  readonly assetDir: string;
  readonly handler: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  /** The log group of its lines. */
  readonly logGroup: string;
  /** Reserved concurrency, which is also its maximum; omitted if it shares the account's. */
  readonly reservedConcurrency?: number | undefined;
  /** Set for a durable function. */
  readonly durable?: DurableSpec | undefined;
  /** A published version's number. @default `$LATEST` */
  readonly version?: string;
}

/** The settings of a durable function's executions. */
interface DurableSpec {
  readonly executionTimeoutSeconds: number;
  readonly retentionDays: number;
  /** The ARN of the key that encrypts their payloads. */
  readonly keyArn?: string | undefined;
}

/** A method of a path, and the function behind it. */
export interface RouteSpec {
  /** In API Gateway's notation: `/r4/{payer}/{proxy+}`. */
  readonly path: string;
  /** `ANY` or one method. */
  readonly method: string;
  /** {@link FunctionSpec.physicalName} */
  readonly functionName: string;
  readonly streaming: boolean;
  readonly timeoutMs: number;
}

/** A resource that a function of the stack makes, during a deployment. */
export interface CustomResourceSpec {
  readonly logicalId: string;
  /** Such as `Custom::RegistryFill`. */
  readonly type: string;
  /** {@link FunctionSpec.physicalName} */
  readonly functionName: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** The types that the local stack makes. The CDK's own prepare AWS for what is not local. */
const customTypes: ReadonlySet<string> = new Set([dataVersionResource, 'Custom::RegistryFill']);

interface Distribution {
  readonly DistributionConfig?: {
    readonly DefaultCacheBehavior?: {
      readonly LambdaFunctionAssociations?: readonly { EventType: string; LambdaFunctionARN: unknown }[];
    };
  };
}

interface LambdaFunction {
  readonly Code: { readonly S3Key?: unknown };
  readonly Handler: string;
  readonly Environment?: { readonly Variables?: Readonly<Record<string, unknown>> };
  readonly Timeout?: number;
  readonly MemorySize?: number;
  readonly LoggingConfig?: { readonly LogGroup?: unknown };
  readonly ReservedConcurrentExecutions?: number;
  readonly DurableConfig?: {
    readonly ExecutionTimeout: number;
    readonly RetentionPeriodInDays?: number;
    readonly KMSKeyArn?: unknown;
  };
}

const durableOf = (
  { DurableConfig: config }: LambdaFunction,
  { resolve }: Reading['intrinsics'],
): DurableSpec | undefined =>
  config && {
    executionTimeoutSeconds: config.ExecutionTimeout,
    retentionDays: config.RetentionPeriodInDays ?? 14,
    keyArn: config.KMSKeyArn === undefined ? undefined : resolve(config.KMSKeyArn),
  };

/**
 * The function's name in an ARN or an integration's URI. A version or alias after it is ignored, since it is the same
 * code here.
 */
export const functionNameIn = (text: string): string => {
  const name = /:function:([^:/]+)/.exec(text)?.[1];
  if (name === undefined) throw new Error(`The local stack serves functions only, not ${text}`);
  return name;
};

/** Physical names of the functions that run at the edge, by the event they run on. */
export const edgeFunctions = ({ ofType, intrinsics }: Reading): ReadonlyMap<string, string> =>
  new Map(
    ofType('AWS::CloudFront::Distribution')
      .flatMap((named) => (propertiesOf(named) as Distribution).DistributionConfig?.DefaultCacheBehavior ?? [])
      .flatMap(({ LambdaFunctionAssociations = [] }) => LambdaFunctionAssociations)
      .map(({ EventType, LambdaFunctionARN }) => [EventType, functionNameIn(intrinsics.resolve(LambdaFunctionARN))]),
  );

/**
 * Functions that only CloudFormation calls, during a deployment, and that the local stack does not run: those of custom
 * resources of other types.
 */
const unusedProviders = ({ template, intrinsics }: Reading): ReadonlySet<string> =>
  new Set(
    Object.values(template.Resources)
      .filter(({ Type, Properties }) => Properties?.['ServiceToken'] !== undefined && !customTypes.has(Type))
      .map(({ Properties }) => /:function:([^:/]+)/.exec(intrinsics.resolve(Properties?.['ServiceToken']))?.[1] ?? ''),
  );

/** The custom resources that the local stack makes. */
export const customResourcesOf = ({ ofType, intrinsics: { resolve } }: Reading): CustomResourceSpec[] =>
  [...customTypes].flatMap(ofType).map(([logicalId, { Type, Properties = {} }]) => ({
    logicalId,
    type: Type,
    functionName: functionNameIn(resolve(Properties['ServiceToken'])),
    properties: Object.fromEntries(Object.entries(Properties).map(([name, value]) => [name, resolve(value)])),
  }));

const physicalNameOf = ({ intrinsics }: Reading, [logicalId]: Named): string => intrinsics.resolve({ Ref: logicalId });

/** The stack's URLs in AWS, which the local gateway's URL replaces. */
const ownUrls = ({ intrinsics, ofType }: Reading): readonly string[] => [
  ...intrinsics.apiUrls,
  ...ofType('AWS::CloudFront::Distribution').map(
    ([logicalId]) => `https://${intrinsics.resolve({ 'Fn::GetAtt': [logicalId, 'DomainName'] })}`,
  ),
];

/** As Lambda does, which measures all of a function's variables as JSON. */
const refuseTooLarge = (name: string, environment: Readonly<Record<string, string>>): void => {
  const bytes = Buffer.byteLength(JSON.stringify(environment));
  if (bytes > 4096) throw new Error(`${name}: the environment variables exceeded the 4KB limit: ${bytes} bytes`);
};

/** The functions that the local stack runs. @throws Error that names what it can't resolve */
export const functionsOf = (reading: Reading): FunctionSpec[] => {
  const { intrinsics, options, ofType } = reading;
  const notOurs = new Set([...edgeFunctions(reading).values(), ...unusedProviders(reading)]);
  const urls = ownUrls(reading);
  const atHome = (value: string): string => urls.reduce((text, url) => text.replaceAll(url, options.origin), value);
  return ofType('AWS::Lambda::Function')
    .filter((named) => !notOurs.has(physicalNameOf(reading, named)))
    .map((named) => {
      const properties = propertiesOf(named) as LambdaFunction;
      const { Code, Handler, Environment, Timeout, MemorySize, LoggingConfig } = properties;
      const environment = Object.fromEntries(
        Object.entries(Environment?.Variables ?? {}).map(([name, value]) => [name, atHome(intrinsics.resolve(value))]),
      );
      refuseTooLarge(constructName(named), environment);
      return {
        name: constructName(named),
        physicalName: physicalNameOf(reading, named),
        assetDir: options.assetDir(intrinsics.resolve(Code.S3Key)),
        handler: Handler,
        environment,
        timeoutMs: (Timeout ?? 3) * 1000,
        memoryMb: MemorySize ?? 128,
        logGroup: intrinsics.resolve(LoggingConfig?.LogGroup ?? `/aws/lambda/${physicalNameOf(reading, named)}`),
        reservedConcurrency: properties.ReservedConcurrentExecutions,
        durable: durableOf(properties, intrinsics),
      };
    });
};

const pathOf = (reading: Reading, resourceId: unknown): string => {
  const ref = (resourceId as { Ref?: string }).Ref;
  const resource = ref === undefined ? undefined : reading.template.Resources[ref];
  // The root is an attribute of the API, not a resource.
  if (resource === undefined) return '';
  return `${pathOf(reading, resource.Properties?.['ParentId'])}/${String(resource.Properties?.['PathPart'])}`;
};

/** The API's methods. @throws Error if one is served by anything but a function */
export const routesOf = (reading: Reading): RouteSpec[] =>
  reading.ofType('AWS::ApiGateway::Method').map((named) => {
    const { HttpMethod, ResourceId, Integration } = propertiesOf(named) as {
      HttpMethod: string;
      ResourceId: unknown;
      Integration: { Uri: unknown; ResponseTransferMode?: string; TimeoutInMillis?: number };
    };
    return {
      path: pathOf(reading, ResourceId) || '/',
      method: HttpMethod,
      functionName: functionNameIn(reading.intrinsics.resolve(Integration.Uri)),
      streaming: Integration.ResponseTransferMode === 'STREAM',
      timeoutMs: Integration.TimeoutInMillis ?? 29_000,
    };
  });
