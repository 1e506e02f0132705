import { type Intrinsics, resolverOf } from './intrinsics.ts';

/** A function as the template describes it. */
export interface FunctionSpec {
  /** The construct's name in lower case, such as `fetch`. */
  readonly name: string;
  /** What Lambda calls it. */
  readonly physicalName: string;
  readonly assetDir: string;
  readonly handler: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly memoryMb: number;
}

/** A method of a path, and the function behind it. */
export interface RouteSpec {
  /** As API Gateway writes it: `/r4/{payer}/{proxy+}`. */
  readonly path: string;
  /** `ANY` or one method. */
  readonly method: string;
  /** {@link FunctionSpec.physicalName} */
  readonly functionName: string;
  readonly streaming: boolean;
  readonly timeoutMs: number;
}

export interface TableSpec {
  /** The construct's name with a small first letter, such as `loginAttempts`. */
  readonly name: string;
  readonly physicalName: string;
  readonly keySchema: readonly { readonly AttributeName: string; readonly KeyType: 'HASH' | 'RANGE' }[];
  readonly attributeDefinitions: readonly {
    readonly AttributeName: string;
    readonly AttributeType: 'S' | 'N' | 'B';
  }[];
}

/** What the local stack serves. */
export interface LocalTemplate {
  readonly functions: readonly FunctionSpec[];
  readonly routes: readonly RouteSpec[];
  readonly tables: readonly TableSpec[];
  readonly secretNames: readonly string[];
  readonly stageName: string;
  readonly binaryMediaTypes: readonly string[];
}

export interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly Metadata?: Readonly<Record<string, unknown>>;
}

/** As much of a CloudFormation template as is read here. */
export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
}

export interface TemplateOptions {
  /** Stands in for the API's own URL. */
  readonly origin: string;
  /** The folder of the asset with this S3 key. */
  readonly assetDir: (s3Key: string) => string;
}

type Named = readonly [logicalId: string, resource: Resource];

const ofType = (template: Template, type: string): Named[] =>
  Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);

const properties = ([, resource]: Named): unknown => resource.Properties ?? {};

/** `p2p-gateway-local/Functions/Fetch/Function/Resource` → `fetch`; without a path the logical id. */
const constructName = ([logicalId, resource]: Named): string => {
  const path = resource.Metadata?.['aws:cdk:path'];
  const parts = typeof path === 'string' ? path.split('/').filter((part) => !/^(Resource|Function)$/.test(part)) : [];
  const name = parts.at(-1) ?? logicalId;
  return name.charAt(0).toLowerCase() + name.slice(1);
};

const functionsOf = (template: Template, { resolve, apiUrls }: Intrinsics, options: TemplateOptions): FunctionSpec[] =>
  ofType(template, 'AWS::Lambda::Function').map((named) => {
    const { Code, Handler, Environment, Timeout, MemorySize } = properties(named) as {
      Code: { S3Key: unknown };
      Handler: string;
      Environment?: { Variables?: Record<string, unknown> };
      Timeout?: number;
      MemorySize?: number;
    };
    const atHome = (value: string): string =>
      apiUrls.reduce((text, apiUrl) => text.replaceAll(apiUrl, options.origin), value);
    return {
      name: constructName(named),
      physicalName: resolve({ Ref: named[0] }),
      assetDir: options.assetDir(resolve(Code.S3Key)),
      handler: Handler,
      environment: Object.fromEntries(
        Object.entries(Environment?.Variables ?? {}).map(([name, value]) => [name, atHome(resolve(value))]),
      ),
      timeoutMs: (Timeout ?? 3) * 1000,
      memoryMb: MemorySize ?? 128,
    };
  });

const pathOf = (template: Template, resourceId: unknown): string => {
  const ref = (resourceId as { Ref?: string }).Ref;
  const resource = ref === undefined ? undefined : template.Resources[ref];
  // The root is an attribute of the API, not a resource.
  if (resource === undefined) return '';
  return `${pathOf(template, resource.Properties?.['ParentId'])}/${String(resource.Properties?.['PathPart'])}`;
};

/** The function's name in an integration's URI; a version or an alias behind it (`:live`) is the same code here. */
const functionNameIn = (uri: string): string => {
  const name = /:function:([^:/]+)/.exec(uri)?.[1];
  if (name === undefined) throw new Error(`The local stack serves functions only, not ${uri}`);
  return name;
};

const routesOf = (template: Template, { resolve }: Intrinsics): RouteSpec[] =>
  ofType(template, 'AWS::ApiGateway::Method').map((named) => {
    const { HttpMethod, ResourceId, Integration } = properties(named) as {
      HttpMethod: string;
      ResourceId: unknown;
      Integration: { Uri: unknown; ResponseTransferMode?: string; TimeoutInMillis?: number };
    };
    return {
      path: pathOf(template, ResourceId) || '/',
      method: HttpMethod,
      functionName: functionNameIn(resolve(Integration.Uri)),
      streaming: Integration.ResponseTransferMode === 'STREAM',
      timeoutMs: Integration.TimeoutInMillis ?? 29_000,
    };
  });

const tablesOf = (template: Template, { resolve }: Intrinsics): TableSpec[] =>
  ofType(template, 'AWS::DynamoDB::Table').map((named) => {
    const table = properties(named) as {
      KeySchema: TableSpec['keySchema'];
      AttributeDefinitions: TableSpec['attributeDefinitions'];
    };
    return {
      name: constructName(named),
      physicalName: resolve({ Ref: named[0] }),
      keySchema: table.KeySchema,
      attributeDefinitions: table.AttributeDefinitions,
    };
  });

/** Reads what is served from a synthesised template, so that the local stack follows whatever the stack becomes. */
export const readTemplate = (template: Template, options: TemplateOptions): LocalTemplate => {
  const intrinsics = resolverOf(template);
  const [api] = ofType(template, 'AWS::ApiGateway::RestApi');
  const [stage] = ofType(template, 'AWS::ApiGateway::Stage');
  return {
    functions: functionsOf(template, intrinsics, options),
    routes: routesOf(template, intrinsics),
    tables: tablesOf(template, intrinsics),
    secretNames: ofType(template, 'AWS::SecretsManager::Secret').map((named) =>
      intrinsics.resolve((properties(named) as { Name: unknown }).Name),
    ),
    stageName:
      stage === undefined ? 'local' : intrinsics.resolve((properties(stage) as { StageName: unknown }).StageName),
    binaryMediaTypes:
      api === undefined ? [] : ((properties(api) as { BinaryMediaTypes?: string[] }).BinaryMediaTypes ?? []),
  };
};
