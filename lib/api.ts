import { Aws, Duration, Fn } from 'aws-cdk-lib';
import { EndpointType, LambdaIntegration, ResponseTransferMode, RestApi } from 'aws-cdk-lib/aws-apigateway';
import { Construct } from 'constructs';
import type { GatewayFunction } from './gateway-function.ts';
import type { GatewayFunctions } from './functions.ts';

export interface GatewayApiProps {
  /** Name of the stage; the API's stage has it too. */
  readonly stage: string;
  /**
   * The public origin, without a trailing slash.
   * @default the API's own URL
   */
  readonly origin?: string | undefined;
}

const bufferedPaths = {
  authorize: ['/oauth2/authorize/{payer}'],
  callback: ['/oauth2/callback/{payer}'],
  token: ['/oauth2/token', '/oauth2/revoke', '/oauth2/introspect'],
  discovery: [
    '/oauth2/jwks/{payer}',
    '/.well-known/oauth-authorization-server/r4/{payer}',
    '/r4/{payer}/.well-known/smart-configuration',
    '/r4/{payer}/.well-known/oauth-authorization-server',
    '/r4/{payer}/metadata',
  ],
} as const;
const streamedPaths = ['/r4/{payer}', '/r4/{payer}/{proxy+}'];

const buffered = (target: GatewayFunction): LambdaIntegration =>
  new LambdaIntegration(target.lambda, { allowTestInvoke: false, timeout: Duration.seconds(29) });

/** Streaming lifts the limits of 6 MB and 29 s: a bundle may be large, and a payer slow. */
const streamed = (target: GatewayFunction): LambdaIntegration =>
  new LambdaIntegration(target.lambda, {
    allowTestInvoke: false,
    responseTransferMode: ResponseTransferMode.STREAM,
    timeout: Duration.minutes(15),
  });

/**
 * A regional REST API. Only REST APIs stream a function's answer, keep repeated query parameters apart, and leave the
 * path as it was sent. Every path takes every method: 405, OPTIONS and CORS are the functions' own.
 */
export class GatewayApi extends Construct {
  /** The public origin, without a trailing slash. */
  readonly origin: string;
  /** The API's own URL, with the stage's path and without a trailing slash. */
  readonly url: string;
  private readonly api: RestApi;

  constructor(scope: Construct, id: string, props: GatewayApiProps) {
    super(scope, id);
    this.api = new RestApi(this, 'RestApi', {
      restApiName: `p2p-gateway-${props.stage}`,
      description: 'Payer-to-payer gateway',
      endpointConfiguration: { types: [EndpointType.REGIONAL] },
      deployOptions: { stageName: props.stage },
    });
    // Its value is the same as the ApiUrl output of the stack.
    this.api.node.tryRemoveChild('Endpoint');
    // Built from the id alone: `api.url` leads to the stage, then the deployment, the methods and back to the functions.
    this.url = Fn.join('', [
      'https://',
      this.api.restApiId,
      '.execute-api.',
      Aws.REGION,
      '.',
      Aws.URL_SUFFIX,
      '/',
      props.stage,
    ]);
    this.origin = props.origin ?? this.url;
  }

  /** Lets each path reach its function. */
  route(functions: GatewayFunctions): void {
    for (const [name, paths] of Object.entries(bufferedPaths)) {
      this.serve(paths, buffered(functions[name as keyof typeof bufferedPaths]));
    }
    this.serve(streamedPaths, streamed(functions.fetch));
  }

  private serve(paths: readonly string[], integration: LambdaIntegration): void {
    for (const path of paths) this.api.root.resourceForPath(path).addMethod('ANY', integration);
  }
}
