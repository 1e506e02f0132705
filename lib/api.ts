import { Aws, Duration, Fn, Validations } from 'aws-cdk-lib';
import {
  CfnClientCertificate,
  EndpointType,
  LambdaIntegration,
  MethodLoggingLevel,
  ResponseTransferMode,
  RestApi,
  type StageOptions,
} from 'aws-cdk-lib/aws-apigateway';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnPermission } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { StageConfig } from '../config/stage.ts';
import { AccessLog } from './access-log.ts';
import type { GatewayFunctions } from './functions.ts';
import type { GatewayFunction } from './gateway-function.ts';
import { addGatewayResponses } from './gateway-responses.ts';

export interface GatewayApiProps {
  readonly config: StageConfig;
  /** Encrypts the access log. */
  readonly key: IKey;
}

const bufferedPaths = {
  authorize: ['/oauth2/authorize/{payer}'],
  callback: ['/oauth2/callback/{payer}'],
  connections: ['/connections/{payer}'],
  token: ['/oauth2/token', '/oauth2/revoke', '/oauth2/introspect'],
} as const;
const discoveryPaths = [
  '/',
  '/brands',
  '/connect',
  '/connect/payers',
  '/oauth2/jwks/{payer}',
  '/.well-known/oauth-authorization-server/r4/{payer}',
  '/r4/{payer}/.well-known/smart-configuration',
  '/r4/{payer}/.well-known/oauth-authorization-server',
  '/r4/{payer}/metadata',
];
const fhirPaths = ['/r4/{payer}', '/r4/{payer}/{proxy+}'];
const exportPaths = ['/exports/{payer}/{export}', '/exports/{payer}/{export}/{file}'];

/** API Gateway waits no longer for a buffered answer. */
const bufferedTimeout = Duration.seconds(29);

const buffered = (target: GatewayFunction): LambdaIntegration =>
  new LambdaIntegration(target.lambda, { allowTestInvoke: false, timeout: bufferedTimeout });

/** Streaming lifts the limits of 6 MB and 29 s: a Bundle or a file may be large, and a payer slow. */
const streamed = (target: GatewayFunction, timeout = Duration.minutes(15)): LambdaIntegration =>
  new LambdaIntegration(target.lambda, {
    allowTestInvoke: false,
    responseTransferMode: ResponseTransferMode.STREAM,
    timeout,
  });

/** The cdk-nag rules that this API breaks on purpose, and why. */
const acknowledgements = [
  {
    id: 'AwsSolutions-APIG2',
    reason:
      "Each function checks every parameter and answers in its protocol's format (page, redirect, RFC 6749 error, " +
      "OperationOutcome); API Gateway's request validation would answer first, in a format of its own.",
  },
  ...['AwsSolutions-APIG4', 'AwsSolutions-COG4'].map((id) => ({
    id,
    reason:
      'The API is itself an OAuth 2.0 authorization server and resource server: members and partners have no AWS ' +
      'credentials, and the functions check client, code or access token against the grant on every call.',
  })),
  ...['AwsSolutions-APIG6', 'HIPAA.Security-APIGWExecutionLoggingEnabled'].map((id) => ({
    id,
    reason:
      'Execution logs print paths and queries, and with them patient ids, codes and states, to a log group without our ' +
      'key. The access log and the functions’ own lines record every request, from an allow-list of fields.',
  })),
  {
    id: 'HIPAA.Security-APIGWXrayEnabled',
    reason:
      "API Gateway's trace segments store the whole URL and the caller's address, and with them codes, states and patient " +
      'ids, in a service without our key. Lambda traces the functions in segments without URLs; the access log has the times.',
  },
  {
    id: 'HIPAA.Security-APIGWCacheEnabledAndEncrypted',
    reason: 'There is no cache: responses hold tokens and health records, which must not be stored.',
  },
];

/**
 * A regional REST API. Only REST APIs stream a function's response, keep repeated query parameters separate, and pass
 * the path on as it was sent. Every path accepts every method: functions answer 405, OPTIONS and CORS themselves.
 */
export class GatewayApi extends Construct {
  /** The public origin, without a trailing slash. */
  readonly origin: string;
  /** The API's own URL, with the stage's path and without a trailing slash. */
  readonly url: string;
  /** The API itself. */
  readonly restApi: RestApi;
  /** ARN of the API's stage. */
  readonly stageArn: string;
  private readonly stageName: string;

  constructor(scope: Construct, id: string, { config, key }: GatewayApiProps) {
    super(scope, id);
    this.stageName = config.stage;
    const accessLog = new AccessLog(this, 'AccessLog', { config, key });
    this.restApi = new RestApi(this, 'RestApi', {
      restApiName: `p2p-gateway-${config.stage}`,
      description: 'Payer-to-payer gateway',
      endpointConfiguration: { types: [EndpointType.REGIONAL] },
      // With a domain there is one way in, through everything in front of it.
      disableExecuteApiEndpoint: config.domain !== undefined,
      deployOptions: this.stageOptions(config, accessLog),
    });
    // The stack's output ApiUrl has the same value.
    this.restApi.node.tryRemoveChild('Endpoint');
    if (accessLog.account !== undefined) this.restApi.deploymentStage.node.addDependency(accessLog.account);
    addGatewayResponses(this, this.restApi, config.errorsUrl);
    Validations.of(this.restApi).acknowledge(...acknowledgements);
    this.stageArn = this.restApi.deploymentStage.stageArn;
    this.url = this.ownUrl(config.stage);
    this.origin = config.origin ?? this.url;
  }

  /** Connects each path with its function. */
  route(functions: GatewayFunctions, exports: GatewayFunction): void {
    for (const [name, paths] of Object.entries(bufferedPaths)) {
      this.serve(paths, buffered(functions[name as keyof typeof bufferedPaths]));
    }
    this.serve(discoveryPaths, streamed(functions.discovery, bufferedTimeout));
    this.serve(fhirPaths, streamed(functions.fetch));
    this.serve(exportPaths, streamed(exports));
  }

  private stageOptions({ stage, throttling }: StageConfig, accessLog: AccessLog): StageOptions {
    return {
      stageName: stage,
      accessLogDestination: accessLog.destination,
      accessLogFormat: accessLog.format,
      loggingLevel: MethodLoggingLevel.OFF,
      dataTraceEnabled: false,
      // It adds paid metrics per method. Metrics per API and stage exist without it.
      metricsEnabled: false,
      // API Gateway's segments hold whole URLs and the caller's address, and with them codes, states and patient ids
      // (https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-understanding-xray-traces.html).
      tracingEnabled: false,
      throttlingRateLimit: throttling.perSecond,
      throttlingBurstLimit: throttling.burst,
      // API Gateway would present it to an HTTP backend. Lambda identifies API Gateway by IAM and never asks for it, so
      // nothing breaks when it expires after a year.
      clientCertificateId: new CfnClientCertificate(this, 'ClientCertificate').ref,
    };
  }

  /**
   * Built from the API's id: `restApi.url` would make functions depend on the stage, which depends on the functions.
   */
  private ownUrl(stage: string): string {
    const host = ['https://', this.restApi.restApiId, '.execute-api.', Aws.REGION, '.', Aws.URL_SUFFIX];
    return Fn.join('', [...host, '/', stage]);
  }

  /**
   * The CDK's permission to call the function refers to the API's stage, so that the stage would lead callers to a new
   * function before it may be called. Here the permission names the stage, and the stage's deployment waits for it.
   */
  private serve(paths: readonly string[], integration: LambdaIntegration): void {
    for (const path of paths) {
      const method = this.restApi.root.resourceForPath(path).addMethod('ANY', integration);
      for (const permission of method.node.children.filter((child) => child instanceof CfnPermission)) {
        permission.sourceArn = this.restApi.arnForExecuteApi('ANY', path.replaceAll(/\{[^}]+\}/g, '*'), this.stageName);
        this.restApi.latestDeployment?.node.addDependency(permission);
      }
    }
  }
}
