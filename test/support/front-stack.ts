/** The stacks that differ in what is in front of the API. */
import { checkStage } from '../../config/checks/check-stage.ts';
import demo from '../../config/demo.ts';
import type { Domain } from '../../config/stage.ts';
import { synthesized, type Resource, type StageTemplate } from './stage-template.ts';

export const domain: Domain = {
  name: 'gateway.example.org',
  certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/0d0a3b1c-1111-2222-3333-444455556666',
  hostedZone: { id: 'Z0123456789ABCDEFGHIJ', name: 'example.org' },
};

const inUsEast1 = { account: '111122223333', region: 'us-east-1' };

/** What differs from the demo stage. */
const stages = {
  plain: {},
  exchanges: { exchanges: {} },
  named: { ...inUsEast1, domain },
  elsewhereNamed: { ...inUsEast1, domain: { name: domain.name, certificateArn: domain.certificateArn } },
  edge: { ...inUsEast1, domain, edge: true },
  both: { ...inUsEast1, domain, edge: 'both' },
  bare: { waf: 'none', apiGatewayLogRole: false },
} as const;

type Name = keyof typeof stages;

const templateFor = async (name: Name): Promise<readonly [Name, StageTemplate]> => [
  name,
  await synthesized(checkStage({ ...demo, stage: name.toLowerCase(), ...stages[name] }, `test stage ${name}`)),
];
const templates = new Map(await Promise.all((Object.keys(stages) as Name[]).map(templateFor)));

/** The template of a stage. */
export const templateOf = (name: Name): StageTemplate => templates.get(name)!;

/** The resources of a type, by the id that refers to them. */
export const resourcesOf = (template: StageTemplate, type: string): (readonly [id: string, Resource])[] =>
  Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);

/** The properties of the only resource of a type. */
export const propertiesOf = (stage: StageTemplate, type: string): Readonly<Record<string, unknown>> => {
  const found = resourcesOf(stage, type);
  if (found.length !== 1) throw new Error(`${found.length} resources are ${type}`);
  return found[0]?.[1].Properties ?? {};
};
