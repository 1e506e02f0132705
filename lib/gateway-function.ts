import { buildSync } from 'esbuild';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AssetHashType, type Duration } from 'aws-cdk-lib';
import { Effect, PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { RegistryData } from '../config/stage.ts';

export interface GatewayFunctionProps {
  /** Folder under `functions/`, which holds `index.ts`. */
  readonly folder: string;
  /** Put beside the bundle as `registry.json`. */
  readonly registry: RegistryData;
  readonly environment: Readonly<Record<string, string>>;
  /** All that the function may do beside writing its log. */
  readonly statements: readonly PolicyStatement[];
  readonly timeout: Duration;
}

const functionsFolder = join(import.meta.dirname, '..', 'functions');

/**
 * `index.js` and `registry.json`. CommonJS with the `module` builds of dependencies and the SDK inside starts fastest.
 * The registry is data, not code: a change of it makes a new asset, and so reaches every function at once.
 */
const bundle = (folder: string, registry: RegistryData): Code =>
  Code.fromAsset(join(functionsFolder, folder), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // Never started: esbuild runs here, in this process. `NodejsFunction` would start npm for each function.
      image: Runtime.NODEJS_24_X.bundlingImage,
      local: {
        tryBundle: (outputDir) => {
          buildSync({
            entryPoints: [join(functionsFolder, folder, 'index.ts')],
            outfile: join(outputDir, 'index.js'),
            bundle: true,
            platform: 'node',
            target: 'node24',
            format: 'cjs',
            mainFields: ['module', 'main'],
            minify: true,
          });
          writeFileSync(join(outputDir, 'registry.json'), JSON.stringify(registry));
          return true;
        },
      },
    },
  });

/** A function with its own role and its own log group, and no right that is not spelled out. */
export class GatewayFunction extends Construct {
  readonly lambda: LambdaFunction;

  constructor(scope: Construct, id: string, props: GatewayFunctionProps) {
    super(scope, id);
    const logGroup = new LogGroup(this, 'Logs', { retention: RetentionDays.THREE_MONTHS });
    this.lambda = new LambdaFunction(this, 'Function', {
      description: `Payer-to-payer gateway: ${props.folder}`,
      code: bundle(props.folder, props.registry),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: 1024,
      timeout: props.timeout,
      environment: { ...props.environment },
      role: this.role(logGroup, props.statements),
      logGroup,
    });
  }

  /** Inline policies: they live and die with the role, and no helper widens them. */
  private role(logGroup: LogGroup, statements: readonly PolicyStatement[]): Role {
    const log = new PolicyStatement({
      effect: Effect.ALLOW,
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [logGroup.logGroupArn],
    });
    return new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: { Function: new PolicyDocument({ statements: [log, ...statements] }) },
    });
  }
}
