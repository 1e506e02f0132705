import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, HIPAASecurityChecks } from 'cdk-nag';
import { ConfigError } from '../config/check.ts';
import { loadStage } from '../config/load.ts';
import { GatewayStack } from '../lib/gateway-stack.ts';

/** The stack of the stage that `-c stage=NAME` or `-c config=FILE` names; a file wins. */
const gatewayStack = async (app: App): Promise<GatewayStack> => {
  const config = await loadStage(String(app.node.tryGetContext('config') ?? app.node.tryGetContext('stage')));
  return new GatewayStack(app, `p2p-gateway-${config.stage}`, { config });
};

const app = new App();
// A finding that no construct acknowledges stops synth.
Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new HIPAASecurityChecks(app));
try {
  await gatewayStack(app);
  app.synth();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
