import { App } from 'aws-cdk-lib';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkStage } from '../../config/check.ts';
import demo from '../../config/demo.ts';
import type { Domain } from '../../config/stage.ts';
import { GatewayStack } from '../../lib/gateway-stack.ts';
import type { Resource, Template } from '../../sandbox/aws/cloudformation.ts';

export const domain: Domain = {
  name: 'gateway.example.org',
  certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/0d0a3b1c-1111-2222-3333-444455556666',
  hostedZone: { id: 'Z0123456789ABCDEFGHIJ', name: 'example.org' },
};

const inUsEast1 = { account: '111122223333', region: 'us-east-1' };

/** What differs from the demo stage. */
export const stages = {
  plain: {},
  named: { ...inUsEast1, domain },
  elsewhereNamed: { ...inUsEast1, domain: { name: domain.name, certificateArn: domain.certificateArn } },
  edge: { ...inUsEast1, domain, edge: true },
  bare: { waf: 'none', apiGatewayLogRole: false },
} as const;

const { context } = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'cdk.json'), 'utf8')) as {
  context: Record<string, unknown>;
};

const templates = new Map<string, Template>();

const synthesise = (name: keyof typeof stages): Template => {
  const config = checkStage({ ...demo, stage: name.toLowerCase(), ...stages[name] }, `test stage ${name}`);
  const app = new App({ context });
  const stack = new GatewayStack(app, `p2p-gateway-${config.stage}`, { config });
  return app.synth().getStackByName(stack.stackName).template as Template;
};

/** The template of a stage, made once. */
export const templateOf = (name: keyof typeof stages): Template => {
  const template = templates.get(name) ?? synthesise(name);
  templates.set(name, template);
  return template;
};

/** The resources of a type, by the id that refers to them. */
export const resourcesOf = (template: Template, type: string): (readonly [id: string, Resource])[] =>
  Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);

/** The only resource of a type, as its properties. */
export const propertiesOf = (stage: Template, type: string): Readonly<Record<string, unknown>> => {
  const found = resourcesOf(stage, type);
  if (found.length !== 1) throw new Error(`${found.length} resources are ${type}`);
  return found[0]?.[1].Properties ?? {};
};
