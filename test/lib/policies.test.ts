import { matchesPattern } from '../../bin/shared/policy-pattern.ts';
import { account, named, stream } from '../support/named-resources.ts';
import { ownEverything } from '../support/own-everything.ts';
import { hasConditionKey, isGranted, isOfKind, kindsOf, knownActions } from '../support/service-authorization.ts';
import { pathOf, stageTemplate, synthesized, type StageTemplate, type Statement } from '../support/stage-template.ts';

const pseudo: Readonly<Record<string, string>> = {
  'AWS::AccountId': account,
  'AWS::Partition': 'aws',
  'AWS::Region': 'us-east-1',
};

/** The ARN that a policy's resource is after a deployment. */
const arnOf = ({ Resources }: StageTemplate, value: unknown): string => {
  const resolve = (one: unknown): string => {
    if (typeof one === 'string') return one;
    const { 'Fn::Join': [separator, parts] = ['', []] as const, ...reference } = one as {
      'Fn::Join'?: readonly [string, readonly unknown[]];
      Ref?: string;
      'Fn::GetAtt'?: readonly [string, string];
    };
    const [id = '', attribute] = reference['Fn::GetAtt'] ?? [reference.Ref];
    const type = Resources[id]?.Type ?? '';
    if (attribute === 'StreamArn') return stream;
    if (type === 'AWS::Logs::LogGroup') return `${named[type]}:*`;
    return pseudo[id] ?? named[type] ?? parts.map(resolve).join(separator);
  };
  return resolve(value);
};

/** A statement, and where it is. */
interface Found extends Statement {
  readonly path: string;
}

const statementsIn = (value: unknown): Statement[] => {
  if (typeof value !== 'object' || value === null) return [];
  return 'Effect' in value && 'Action' in value ? [value as Statement] : Object.values(value).flatMap(statementsIn);
};

const actionsOf = ({ Action }: Statement): string[] =>
  [Action]
    .flat()
    .flatMap((pattern) =>
      pattern.includes('*') ? knownActions.filter((action) => matchesPattern(action, pattern)) : [pattern],
    );

/**
 * AWS's policy for CloudWatch Logs allows this too, though it has no encryption context
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html).
 */
const asDocumented = (action: string, key: string): boolean =>
  action === 'kms:DescribeKey' && key === 'kms:EncryptionContext:aws:logs:arn';

describe.each([
  ['demo', () => stageTemplate('demo')],
  ['production-example', () => stageTemplate('production-example')],
  ['a stage that brings everything', async () => synthesized(await ownEverything())],
  ['one without an edge', async () => synthesized(await ownEverything({ edge: false }))],
])('the policies of %s', (_name, load) => {
  let template: StageTemplate;
  let statements: Found[];
  beforeAll(async () => {
    template = await load();
    statements = Object.values(template.Resources).flatMap((resource) =>
      statementsIn(resource.Properties).map((statement) => Object.assign({ path: pathOf(resource) }, statement)),
    );
  });

  const wrong = (find: (statement: Found) => readonly string[]): string[] =>
    statements.flatMap((statement) => find(statement).map((what) => `${statement.path}: ${what}`));
  const resourcesOf = ({ Resource }: Statement): string[] => [Resource].flat().map((one) => arnOf(template, one));

  it('name actions that AWS has', () => {
    expect(statements.length).toBeGreaterThan(60);
    expect(wrong((statement) => actionsOf(statement).filter((action) => kindsOf(action) === undefined))).toEqual([]);
  });

  it('name for each action resources that AWS decides about, in their form, and no other', () => {
    const found = wrong((statement) => {
      // A role's own trust has no resource.
      if (statement.Resource === undefined) return [];
      const [actions, resources] = [actionsOf(statement), resourcesOf(statement)];
      const inVain = [statement.Action]
        .flat()
        .filter((action) => !action.includes('*') && !isGranted(action, resources));
      const isKnown = (resource: string) =>
        resource === '*' || actions.some((action) => kindsOf(action)?.some((kind) => isOfKind(resource, kind)));
      return [...inVain, ...resources.filter((resource) => !isKnown(resource))];
    });
    expect(found).toEqual([]);
  });

  it('have conditions that the requests of every action can meet', () => {
    const found = wrong((statement) =>
      Object.entries(statement.Condition ?? {}).flatMap(([operator, keys]) => {
        const actions = actionsOf(statement);
        const has = (key: string) => (action: string) => hasConditionKey(action, key) || asDocumented(action, key);
        return Object.keys(keys).filter((key) =>
          operator.endsWith('IfExists') ? !actions.some(has(key)) : !actions.every(has(key)),
        );
      }),
    );
    expect(found).toEqual([]);
  });
});
