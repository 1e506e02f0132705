/** Templates of whole stages, and the parts of them that tests look at. */
import { checkStage } from '../../config/checks/check-stage.ts';
import { loadStage } from '../../config/checks/load.ts';
import type { StageConfig } from '../../config/stage.ts';
import type { Resource as TemplateResource } from '../../sandbox/aws/cloudformation.ts';
import { startSynthesizer, synthesizerVariable } from './synthesizer.ts';

export interface Resource extends TemplateResource {
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly DependsOn?: string | readonly string[];
}

export interface StageTemplate {
  /** Account and region, as the CDK writes them: `aws://111122223333/us-east-1`. */
  readonly environment: string;
  readonly terminationProtection: boolean;
  /** The findings that the stack says it has on purpose: `Network: CloudFormation-Validate::W3010`. */
  readonly acknowledged?: readonly string[];
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: Readonly<Record<string, { readonly Value: unknown }>>;
}

export interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource?: unknown;
  readonly Principal?: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** The two stages for which every promise about data is checked: a disposable one, and one with every option. */
export const stages = ['demo', 'production-example'] as const;

/** The run's own server. A run without a set-up, such as one of mutants, has one for each file. */
const shared = process.env[synthesizerVariable];
const own = shared === undefined ? await startSynthesizer() : undefined;
afterAll(() => own?.close());

/** The template of a checked configuration, as the stack generates it. */
export const synthesized = async (config: StageConfig): Promise<StageTemplate> => {
  const answer = await fetch(shared ?? own!.url, { method: 'POST', body: JSON.stringify(config) });
  if (!answer.ok) throw new Error(`${config.stage} was not synthesized: ${await answer.text()}`);
  return (await answer.json()) as StageTemplate;
};

type Changes = { readonly [Field in keyof StageConfig]?: StageConfig[Field] | undefined };

/** The template of a stage in `config/`, with a test's changes to its configuration. */
export const stageTemplate = async (stage: string, changes: Changes = {}): Promise<StageTemplate> => {
  const config = await loadStage(stage);
  return synthesized(Object.keys(changes).length === 0 ? config : checkStage({ ...config, ...changes }, stage));
};

const without = <Entry extends object, Name extends keyof Entry>(
  entry: Entry,
  ...names: readonly Name[]
): Omit<Entry, Name> =>
  Object.fromEntries(Object.entries(entry).filter(([name]) => !names.some((one) => one === name))) as Omit<Entry, Name>;

/** What makes a stage one without exchanges. */
export const withoutExchanges = async (stage: string) => {
  const { payers, partners } = await loadStage(stage);
  return {
    exchanges: undefined,
    payers: payers.map((payer) => without(payer, 'exchange')),
    partners: partners.filter(({ exchange }) => exchange === undefined),
  };
};

/** What makes a stage one without exchanges and identity providers, whose additions have tests of their own. */
export const plainly = async (stage: string) => {
  const { payers, partners, exchanges } = await withoutExchanges(stage);
  return {
    exchanges,
    identityProviders: undefined,
    payers: payers.map((payer) => without(payer, 'identitySignIn')),
    partners: partners.map((partner) =>
      partner.identityAudiences === undefined ? partner : without(partner, 'identityAudiences', 'consentReason'),
    ),
  };
};

/**
 * The two stages, each with its template, for `describe.each`.
 * @param changesOf a test's changes to the configuration of each. @default none
 */
export const stageTemplates = (
  changesOf: (stage: string) => Promise<Changes> = async () => ({}),
): Promise<(readonly [stage: (typeof stages)[number], template: StageTemplate])[]> =>
  Promise.all(stages.map(async (stage) => [stage, await stageTemplate(stage, await changesOf(stage))] as const));

/** `p2p-gateway-demo/Tables/Grants/Resource` → `Tables/Grants`. */
export const pathOf = ({ Metadata }: Resource): string =>
  String(Metadata?.['aws:cdk:path'])
    .replace(/^[^/]*\//, '')
    .replace(/\/Resource$/, '');

export const ofType = ({ Resources }: StageTemplate, type: string): Resource[] =>
  Object.values(Resources).filter(({ Type }) => Type === type);

/** The resource at a path. */
export const at = ({ Resources }: StageTemplate, path: string): Resource => {
  const found = Object.values(Resources).find((resource) => pathOf(resource) === path);
  if (found === undefined) throw new Error(`There is nothing at ${path}`);
  return found;
};

export const property = (resource: Resource | undefined, name: string): never => resource?.Properties?.[name] as never;

/** What CloudFormation resolves in its own references, the same in every stage. */
const pseudo: Readonly<Record<string, string>> = {
  'AWS::AccountId': '{account}',
  'AWS::Partition': '{partition}',
  'AWS::Region': '{region}',
  'AWS::URLSuffix': '{suffix}',
};

/**
 * What a value names: a reference or an attribute as `Tables/Grants`, `Tables/Grants.StreamArn`; account and region as
 * `{account}`, `{region}`; joined parts as one string: `dynamodb.{region}.amazonaws.com`; anything else as JSON.
 */
export const nameOf = (template: StageTemplate, value: unknown): string => {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const { 'Fn::Join': joined } = (value ?? {}) as { 'Fn::Join'?: [string, unknown[]] };
  if (joined === undefined) return referenceOf(template, value);
  const [separator, parts] = joined;
  return parts.map((part) => nameOf(template, part)).join(separator);
};

const referenceOf = ({ Resources }: StageTemplate, value: unknown): string => {
  const { Ref, 'Fn::GetAtt': [id, attribute] = [Ref ?? '', 'Ref'] } = value as {
    Ref?: string;
    'Fn::GetAtt'?: [string, string];
  };
  const target = Resources[id];
  if (target === undefined) return pseudo[id] ?? JSON.stringify(value);
  return pathOf(target) + (attribute === 'Ref' || attribute === 'Arn' ? '' : `.${attribute}`);
};

/** The statements of a policy document, wherever a resource of the type has it. */
export const statementsOf = (policy: Resource, document = 'PolicyDocument'): Statement[] => {
  const { Statement: statements }: { Statement: Statement[] } = property(policy, document);
  return statements;
};

/** All conditions of a statement with their values: ` if StringEquals kms:ViaService=dynamodb.{region}.amazonaws.com`. */
export const conditionsOf = (template: StageTemplate, { Condition = {} }: Pick<Statement, 'Condition'>): string => {
  const tests = Object.entries(Condition).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, values]) => {
      const named = [values].flat().map((value) => nameOf(template, value));
      return `${operator} ${key}=${named.sort().join('|')}`;
    }),
  );
  return tests.length === 0 ? '' : ` if ${tests.sort().join(' and ')}`;
};

/** `Allow actions on resources`, and under which conditions. */
export const lineOf = (template: StageTemplate, statement: Statement): string => {
  const actions = [statement.Action].flat().sort().join(' ');
  const resources = [statement.Resource].flat().map((resource) => nameOf(template, resource));
  return `${statement.Effect} ${actions} on ${resources.sort().join(' ')}${conditionsOf(template, statement)}`;
};

/** Whom a statement is about: `Audit/Audit/Role`, `cloudwatch.amazonaws.com`, `*`. */
export const principalsOf = (template: StageTemplate, { Principal }: Statement): string[] =>
  typeof Principal === 'string'
    ? [Principal]
    : Object.values((Principal ?? {}) as Record<string, unknown>)
        .flat()
        .map((principal) => nameOf(template, principal));

/** Everything that the role of the function at a path may do, one line for each statement. */
export const rightsOf = (template: StageTemplate, functionPath: string): string[] => {
  const role = at(template, `${functionPath}/Role`);
  if (property(role, 'Policies') !== undefined) throw new Error(`${functionPath} has an inline policy`);
  const named = (property(role, 'ManagedPolicyArns') as unknown[]).map((arn) => at(template, nameOf(template, arn)));
  const attached = ofType(template, 'AWS::IAM::ManagedPolicy').filter(({ Properties: { Roles: roles = [] } = {} }) =>
    (roles as unknown[]).some((one) => nameOf(template, one) === pathOf(role)),
  );
  const policies = [...new Set([...named, ...attached])];
  return policies.flatMap((policy) => statementsOf(policy).map((statement) => lineOf(template, statement))).sort();
};
