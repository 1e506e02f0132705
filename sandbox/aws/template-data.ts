import { constructName, propertiesOf, type Named, type Reading } from './cloudformation.ts';
import type { KeyKind } from './kms.ts';
import { statementsOf } from './policy.ts';
import { functionNameIn } from './template-functions.ts';

/** A table's stream. */
interface StreamSpec {
  readonly arn: string;
  readonly viewType: 'KEYS_ONLY' | 'NEW_IMAGE' | 'OLD_IMAGE' | 'NEW_AND_OLD_IMAGES';
}

export interface TableSpec {
  /** The construct's name with a lower-case first letter, such as `loginAttempts`. */
  readonly name: string;
  readonly physicalName: string;
  readonly keySchema: readonly { readonly AttributeName: string; readonly KeyType: 'HASH' | 'RANGE' }[];
  readonly attributeDefinitions: readonly {
    readonly AttributeName: string;
    readonly AttributeType: 'S' | 'N' | 'B';
  }[];
  /** Its global secondary indexes, as in the template. */
  readonly indexes?: readonly object[] | undefined;
  readonly stream?: StreamSpec | undefined;
  /** The ARN of the key that it is encrypted with. */
  readonly keyArn?: string | undefined;
}

export interface BucketSpec {
  /** The construct's name with a lower-case first letter, such as `bucket`. */
  readonly name: string;
  readonly physicalName: string;
  /** Whether older versions of its objects are kept. */
  readonly versioned: boolean;
  /** The ARN of the key that its objects are encrypted with. */
  readonly keyArn?: string | undefined;
  /** The names of the functions that may not list its objects. */
  readonly notListedBy: ReadonlySet<string>;
}

/** A KMS key. */
export interface KeySpec {
  /** The construct's name with a lower-case first letter, such as `exports`. */
  readonly name: string;
  readonly arn: string;
  readonly kind: KeyKind;
  /** Each begins with `alias/`. */
  readonly aliases: readonly string[];
}

/** A function that reads a table's stream. */
export interface MappingSpec {
  readonly streamArn: string;
  /** Physical name. */
  readonly functionName: string;
  /** Patterns as JSON texts. Without one, every record passes. */
  readonly filters: readonly string[];
  readonly batchSize: number;
  /** Whether a failed batch is split. */
  readonly bisect: boolean;
  /** Whether the function's answer names the records that failed. */
  readonly namesFailures: boolean;
}

/** API Gateway's own answer in one case. */
export interface GatewayResponseSpec {
  /** Such as `THROTTLED`, or `DEFAULT_4XX` for all types without their own. */
  readonly type: string;
  /** If omitted, the case's default. */
  readonly status?: number | undefined;
  /** By lower-case name: `'literal'` with its quotes, `context.…` or `method.request.header.…`. */
  readonly headers: Readonly<Record<string, string>>;
  /** By content type, with `$context.…` in the text. */
  readonly templates: Readonly<Record<string, string>>;
}

interface Table {
  readonly KeySchema: TableSpec['keySchema'];
  readonly AttributeDefinitions: TableSpec['attributeDefinitions'];
  readonly GlobalSecondaryIndexes?: readonly object[];
  readonly StreamSpecification?: { readonly StreamViewType: StreamSpec['viewType'] };
  readonly SSESpecification?: { readonly KMSMasterKeyId?: unknown };
}

export const tablesOf = ({ ofType, intrinsics: { resolve } }: Reading): TableSpec[] =>
  ofType('AWS::DynamoDB::Table').map((named) => {
    const { KeySchema, AttributeDefinitions, GlobalSecondaryIndexes, StreamSpecification, SSESpecification } =
      propertiesOf(named) as Table;
    const key = SSESpecification?.KMSMasterKeyId;
    const stream = StreamSpecification;
    const arn = { 'Fn::GetAtt': [named[0], 'StreamArn'] };
    return {
      name: constructName(named),
      physicalName: resolve({ Ref: named[0] }),
      keySchema: KeySchema,
      attributeDefinitions: AttributeDefinitions,
      indexes: GlobalSecondaryIndexes,
      stream: stream && { arn: resolve(arn), viewType: stream.StreamViewType },
      keyArn: key === undefined ? undefined : resolve(key),
    };
  });

interface S3Bucket {
  readonly VersioningConfiguration?: { readonly Status: string };
  readonly BucketEncryption?: {
    readonly ServerSideEncryptionConfiguration: readonly {
      readonly ServerSideEncryptionByDefault?: { readonly KMSMasterKeyID?: unknown };
    }[];
  };
}

/** Whether a policy of a function's role lets it list a bucket. */
const mayList = (reading: Reading, lambda: Named, bucketArn: string): boolean =>
  statementsOf(reading, lambda).some(
    ({ effect, actions, resources }) =>
      effect === 'Allow' && actions.includes('s3:ListBucket') && resources.includes(bucketArn),
  );

export const bucketsOf = (reading: Reading): BucketSpec[] => {
  const {
    ofType,
    intrinsics: { resolve },
  } = reading;
  return ofType('AWS::S3::Bucket').map((named) => {
    const bucketArn = resolve({ 'Fn::GetAtt': [named[0], 'Arn'] });
    const functions = ofType('AWS::Lambda::Function').filter((lambda) => !mayList(reading, lambda, bucketArn));
    const { VersioningConfiguration, BucketEncryption } = propertiesOf(named) as S3Bucket;
    const [rule] = BucketEncryption?.ServerSideEncryptionConfiguration ?? [];
    const key = rule?.ServerSideEncryptionByDefault?.KMSMasterKeyID;
    return {
      name: constructName(named),
      physicalName: resolve({ Ref: named[0] }),
      versioned: VersioningConfiguration?.Status === 'Enabled',
      keyArn: key === undefined ? undefined : resolve(key),
      notListedBy: new Set(functions.map(constructName)),
    };
  });
};

export const keysOf = ({ ofType, intrinsics: { resolve } }: Reading): KeySpec[] => {
  const aliases = ofType('AWS::KMS::Alias').map((named) => {
    const { AliasName, TargetKeyId } = propertiesOf(named) as { AliasName: unknown; TargetKeyId: unknown };
    return { name: resolve(AliasName), target: resolve(TargetKeyId) };
  });
  return ofType('AWS::KMS::Key').map((named) => {
    const arn = resolve({ 'Fn::GetAtt': [named[0], 'Arn'] });
    const own = aliases.filter(({ target }) => target === arn || target === named[0]);
    const { KeySpec: kind = 'SYMMETRIC_DEFAULT' } = propertiesOf(named) as { KeySpec?: KeyKind };
    return { name: constructName(named), arn, kind, aliases: own.map(({ name }) => name) };
  });
};

interface EventSourceMapping {
  readonly EventSourceArn?: unknown;
  readonly FunctionName: unknown;
  readonly FilterCriteria?: { readonly Filters?: readonly { readonly Pattern: string }[] };
  readonly BatchSize?: number;
  readonly BisectBatchOnFunctionError?: boolean;
  readonly FunctionResponseTypes?: readonly string[];
  readonly Enabled?: boolean;
}

/** The mappings of the tables' streams. */
export const mappingsOf = ({ ofType, intrinsics: { resolve } }: Reading): MappingSpec[] =>
  ofType('AWS::Lambda::EventSourceMapping')
    .map((named) => propertiesOf(named) as EventSourceMapping)
    .filter(({ EventSourceArn, Enabled }) => EventSourceArn !== undefined && Enabled !== false)
    .map((mapping) => {
      const target = resolve(mapping.FunctionName);
      return {
        streamArn: resolve(mapping.EventSourceArn),
        functionName: target.startsWith('arn:') ? functionNameIn(target) : target,
        filters: (mapping.FilterCriteria?.Filters ?? []).map(({ Pattern }) => Pattern),
        batchSize: mapping.BatchSize ?? 100,
        bisect: mapping.BisectBatchOnFunctionError === true,
        namesFailures: mapping.FunctionResponseTypes?.includes('ReportBatchItemFailures') === true,
      };
    });

/** What API Gateway logs for each request, and where. */
export interface AccessLogSpec {
  readonly logGroup: string;
  /** With `$context.…` in the text. */
  readonly format: string;
}

interface ApiStage {
  readonly AccessLogSetting?: { readonly DestinationArn: unknown; readonly Format: string };
}

/** The access log of the API's stage, if it has one. */
export const accessLogOf = ({ ofType, intrinsics: { resolve } }: Reading): AccessLogSpec | undefined => {
  const [stage] = ofType('AWS::ApiGateway::Stage').map((named) => propertiesOf(named) as ApiStage);
  if (stage?.AccessLogSetting === undefined) return undefined;
  const { DestinationArn, Format } = stage.AccessLogSetting;
  return { logGroup: resolve(DestinationArn).replace(/^arn:.*:log-group:/, ''), format: Format };
};

interface GatewayResponse {
  readonly ResponseType: string;
  readonly StatusCode?: string;
  readonly ResponseParameters?: Readonly<Record<string, unknown>>;
  readonly ResponseTemplates?: Readonly<Record<string, unknown>>;
}

const headerPrefix = 'gatewayresponse.header.';

export const gatewayResponsesOf = ({ ofType, intrinsics: { resolve } }: Reading): GatewayResponseSpec[] =>
  ofType('AWS::ApiGateway::GatewayResponse').map((named) => {
    const response = propertiesOf(named) as GatewayResponse;
    const headers = Object.entries(response.ResponseParameters ?? {}).filter(([name]) => name.startsWith(headerPrefix));
    return {
      type: response.ResponseType,
      status: response.StatusCode === undefined ? undefined : Number(response.StatusCode),
      headers: Object.fromEntries(
        headers.map(([name, value]) => [name.slice(headerPrefix.length).toLowerCase(), resolve(value)]),
      ),
      templates: Object.fromEntries(
        Object.entries(response.ResponseTemplates ?? {}).map(([type, text]) => [type, resolve(text)]),
      ),
    };
  });
