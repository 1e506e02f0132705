import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Duration } from 'aws-cdk-lib';
import { Effect, PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Runtime } from 'aws-cdk-lib/aws-lambda';
import { type BundlingOptions, LogLevel, NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
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

const projectRoot = join(import.meta.dirname, '..');

/**
 * CommonJS with the `module` builds of dependencies and the SDK inside starts fastest. The registry is data, not code:
 * a change of it makes a new asset, and so reaches every function at once.
 */
const bundling = (registry: RegistryData): BundlingOptions => ({
  format: OutputFormat.CJS,
  target: 'node24',
  mainFields: ['module', 'main'],
  minify: true,
  sourceMap: false,
  logLevel: LogLevel.WARNING,
  externalModules: [],
  commandHooks: {
    beforeInstall: () => [],
    beforeBundling: () => [],
    // Written here rather than by a shell command, which would differ between systems. CDK also calls this with a
    // folder inside a container that it never starts, since esbuild is there.
    afterBundling: (_inputDir, outputDir) => {
      if (existsSync(outputDir)) writeFileSync(join(outputDir, 'registry.json'), JSON.stringify(registry));
      return [];
    },
  },
});

/** A function with its own role and its own log group, and no right that is not spelled out. */
export class GatewayFunction extends Construct {
  readonly lambda: NodejsFunction;

  constructor(scope: Construct, id: string, props: GatewayFunctionProps) {
    super(scope, id);
    const logGroup = new LogGroup(this, 'Logs', { retention: RetentionDays.THREE_MONTHS });
    this.lambda = new NodejsFunction(this, 'Function', {
      description: `Payer-to-payer gateway: ${props.folder}`,
      entry: join(projectRoot, 'functions', props.folder, 'index.ts'),
      projectRoot,
      depsLockFilePath: join(projectRoot, 'package-lock.json'),
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: 1024,
      timeout: props.timeout,
      environment: { ...props.environment },
      // The variable belongs to version 2 of the SDK.
      awsSdkConnectionReuse: false,
      role: this.role(logGroup, props.statements),
      logGroup,
      bundling: bundling(props.registry),
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
