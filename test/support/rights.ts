/** Compares the permissions of a template's functions with what the functions do. */
import { derivations, type Facts } from './derived-rights.ts';
import { conditionOfUse, rightLine, type UsedRight } from './right-lines.ts';
import { nameOf, type Resource, type StageTemplate, type Statement } from './stage-template.ts';

/** Rights that do not match their use; each a line such as `Functions/Token: Allow dynamodb:Scan on Tables/Grants`. */
export interface Comparison {
  /** Used, directly or by an AWS service, but not granted on that resource under that condition. */
  readonly missing: readonly string[];
  /** Granted, although nothing uses it. */
  readonly excess: readonly string[];
}

type Named = readonly [logicalId: string, resource: Resource];

const ofType = ({ Resources }: StageTemplate, type: string): Named[] =>
  Object.entries(Resources).filter(([, { Type }]) => Type === type);

/** The logical id that a reference or an attribute names. */
const idIn = (value: unknown): string | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  const { Ref, 'Fn::GetAtt': [id] = [Ref] } = value as { Ref?: string; 'Fn::GetAtt'?: [string, string] };
  return id;
};

const statementsIn = (document: unknown): readonly Statement[] => {
  const { Statement: statements = [] } = (document ?? {}) as { Statement?: Statement | Statement[] };
  return [statements].flat();
};

/** Rights as lines, one for each action and resource. */
const linesOf = (template: StageTemplate, statements: readonly Statement[]): string[] =>
  statements.flatMap((statement) =>
    [statement.Action]
      .flat()
      .flatMap((action) =>
        [statement.Resource].flat().map((resource) => rightLine(template, { ...statement, action, resource })),
      ),
  );

/** Returns the rights of all policies of a role: inline, attached, and managed. */
const ofTheRole = (template: StageTemplate, [roleId, role]: Named): string[] => {
  const { ManagedPolicyArns: arns = [], Policies: inline = [] } = (role.Properties ?? {}) as {
    ManagedPolicyArns?: unknown[];
    Policies?: { PolicyDocument: unknown }[];
  };
  const attached = new Set(arns.map(idIn));
  const policies = [...ofType(template, 'AWS::IAM::ManagedPolicy'), ...ofType(template, 'AWS::IAM::Policy')].filter(
    ([id, { Properties: { Roles: roles = [] } = {} }]) =>
      attached.has(id) || (roles as unknown[]).map(idIn).includes(roleId),
  );
  const documents = [
    ...policies.map(([, { Properties }]) => Properties?.['PolicyDocument']),
    ...inline.map((policy) => policy.PolicyDocument),
  ];
  const foreign = arns.filter((arn) => template.Resources[idIn(arn) ?? ''] === undefined);
  return [
    ...documents.flatMap((document) => linesOf(template, statementsIn(document))),
    ...foreign.map((arn) => `all that ${nameOf(template, arn)} allows`),
  ];
};

const isStatement = (value: object): value is Statement =>
  'Effect' in value && 'Action' in value && 'Principal' in value;

/** All statements that name a principal, at any depth of a resource's properties. */
const resourceStatements = (value: unknown): Statement[] => {
  if (typeof value !== 'object' || value === null) return [];
  return isStatement(value) ? [value] : Object.values(value).flatMap(resourceStatements);
};

const isFor = (roleId: string, { Effect, Principal }: Statement): boolean => {
  const principal = JSON.stringify(Principal);
  return Effect === 'Allow' && (principal.includes(`"${roleId}"`) || /^(\{"AWS":)?"\*"\}?$/.test(principal));
};

/** A role's own policies are read elsewhere; the policy of an endpoint limits what passes through it. */
const grantsNothing = /^AWS::(IAM::|EC2::VPCEndpoint$)/;

/** What resource policies, such as a bucket policy, allow: to a role by name, or to everyone. */
const byResources = (template: StageTemplate, [roleId]: Named): string[] =>
  Object.values(template.Resources)
    .flatMap(({ Type, Properties }) => (grantsNothing.test(Type) ? [] : resourceStatements(Properties)))
    .filter((statement) => isFor(roleId, statement))
    .flatMap((statement) => linesOf(template, [statement]));

/** The functions of a template, each with its role. */
const functionsOf = (template: StageTemplate): { path: string; lambda: Named; role: Named }[] =>
  ofType(template, 'AWS::Lambda::Function').map((lambda) => {
    const roleId = idIn(lambda[1].Properties?.['Role']) ?? '';
    const role = template.Resources[roleId];
    const path = nameOf(template, { Ref: lambda[0] }).replace(/\/[^/]+$/, '');
    if (role === undefined) throw new Error(`${path} has a role that is none of the template's`);
    return { path, lambda, role: [roleId, role] };
  });

const usedLine = (right: UsedRight): string => `Allow ${right.action} on ${right.resource}${conditionOfUse(right)}`;

const without = (lines: ReadonlySet<string>, others: ReadonlySet<string>): string[] =>
  [...lines].filter((line) => !others.has(line)).sort();

/**
 * Compares what functions use with what a template grants them. Rights that no call shows must follow exactly from
 * facts of the template (`derived-rights.ts`).
 * @throws Error if a function that is not in the template used something
 */
export const compareRights = (template: StageTemplate, used: readonly UsedRight[]): Comparison => {
  const functions = functionsOf(template);
  const stranger = used.find((right) => functions.every(({ path }) => path !== right.function));
  if (stranger !== undefined) throw new Error(`The template has no function ${stranger.function}`);
  const found = functions.map(({ path, lambda, role }) => {
    const uses = used.filter((right) => right.function === path);
    const facts: Facts = { template, lambdaId: lambda[0], lambda: lambda[1], uses };
    const needed = new Set([...uses.map(usedLine), ...derivations.flatMap(({ rights }) => rights(facts))]);
    const granted = new Set([...ofTheRole(template, role), ...byResources(template, role)]);
    const named = (lines: string[]): string[] => lines.map((line) => `${path}: ${line}`);
    return { missing: named(without(needed, granted)), excess: named(without(granted, needed)) };
  });
  return { missing: found.flatMap(({ missing }) => missing), excess: found.flatMap(({ excess }) => excess) };
};
