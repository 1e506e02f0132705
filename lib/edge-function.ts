import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { CompositePrincipal, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, Runtime, type IVersion } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { bundle } from './bundle.ts';
import { keptVersion } from './removal-policy.ts';

/**
 * The Lambda@Edge function of `functions/edge`. CloudFront copies it to its regions, where its logs would go to groups
 * without our key and our retention. So it logs nothing, and its role may do nothing. CloudFront's metric
 * `LambdaExecutionError` shows failures.
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-at-edge-function-restrictions.html
 */
export class EdgeFunction extends Construct {
  /** CloudFront accepts only a numbered version; new code makes a new one. */
  readonly version: IVersion;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    // Otherwise the CDK makes a log group that nothing can write to.
    this.node.setContext('@aws-cdk/aws-lambda:useCdkManagedLogGroup', false);
    const lambda = new LambdaFunction(this, 'Function', {
      description: 'Payer-to-payer gateway: edge',
      code: Code.fromAsset(bundle(this, ['edge']).edge),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      // The only one that Lambda@Edge supports.
      architecture: Architecture.X86_64,
      memorySize: 128,
      timeout: Duration.seconds(5),
      role: new Role(this, 'Role', {
        assumedBy: new CompositePrincipal(
          new ServicePrincipal('lambda.amazonaws.com'),
          new ServicePrincipal('edgelambda.amazonaws.com'),
        ),
      }),
      // A rollback leaves it too if CloudFront has copied it (docs/deploy.md, "Roll back").
      currentVersionOptions: { removalPolicy: keptVersion },
    });
    // CloudFront takes hours to remove its copies; until then neither function nor version can be deleted.
    lambda.applyRemovalPolicy(RemovalPolicy.RETAIN);
    Validations.of(lambda).acknowledge({
      id: 'HIPAA.Security-LambdaInsideVPC',
      reason: 'Lambda@Edge runs in CloudFront, outside any VPC, and this function makes no calls.',
    });
    this.version = lambda.currentVersion;
  }
}
