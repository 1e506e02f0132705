import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { CompositePrincipal, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, Runtime, type IVersion } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { bundle } from './bundle.ts';

/**
 * The Lambda@Edge function of `functions/edge`. CloudFront copies it to its regions, where logs would land in groups
 * without our key and our retention: so it logs nothing, and its role may do nothing. A failure shows in CloudFront's
 * metric `LambdaExecutionError`.
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-at-edge-function-restrictions.html
 */
export class EdgeFunction extends Construct {
  /** CloudFront takes a numbered version only; new code makes a new one. */
  readonly version: IVersion;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    // Without it the CDK makes a log group that nothing could write to.
    this.node.setContext('@aws-cdk/aws-lambda:useCdkManagedLogGroup', false);
    const lambda = new LambdaFunction(this, 'Function', {
      description: 'Payer-to-payer gateway: edge',
      code: Code.fromAsset(bundle(this, ['edge']).edge),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      // Lambda@Edge has no other.
      architecture: Architecture.X86_64,
      memorySize: 128,
      timeout: Duration.seconds(5),
      role: new Role(this, 'Role', {
        assumedBy: new CompositePrincipal(
          new ServicePrincipal('lambda.amazonaws.com'),
          new ServicePrincipal('edgelambda.amazonaws.com'),
        ),
      }),
      currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
    });
    // CloudFront takes hours to remove its copies, and until then neither can be deleted.
    lambda.applyRemovalPolicy(RemovalPolicy.RETAIN);
    Validations.of(lambda).acknowledge({
      id: 'HIPAA.Security-LambdaInsideVPC',
      reason: 'Lambda@Edge runs at CloudFront, in no VPC, and this function calls nothing.',
    });
    this.version = lambda.currentVersion;
  }
}
