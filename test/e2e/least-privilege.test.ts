import { startLocalTarget, type LocalTarget } from '../conformance/local-target.ts';
import { ownEverything } from '../support/own-everything.ts';
import type { UsedRight } from '../support/right-lines.ts';
import { compareRights } from '../support/rights.ts';
import {
  at,
  ofType,
  pathOf,
  plainly,
  stages,
  stageTemplate,
  statementsOf,
  synthesized,
  type StageTemplate,
} from '../support/stage-template.ts';
import { driveEveryPath } from './every-path.ts';
import { askAgainWhereBusy } from './support.ts';
import { callsOf, tableCallsIn, usesIn, type Call } from './used-rights.ts';
import { startWebhook, type Webhook } from './webhook.ts';

askAgainWhereBusy();

/** An invocation's event contains the execution's history, so only a history longer than a page is read separately. */
const longHistory = (path: string) => ({
  function: path,
  action: 'lambda:GetDurableExecutionState',
  resource: `${path}/Function:*`,
  reason: 'The SDK asks for the rest of a history of more than 1,000 operations or 1 MB.',
  test: 'test/sandbox/aws-durable-service.test.ts',
});

/** An attribute that only a path too long for this test writes. */
const undrivenAttribute = {
  function: 'Exports/ExportJob',
  action: 'dynamodb:UpdateItem',
  resource: 'Tables/Exports',
  attribute: 'resourcesTotal',
  reason: 'A job notes the total of a search that one leg, 20 seconds of reading, did not end.',
  test: 'test/functions/export-job/everything.test.ts',
};

const withUndrivenAttribute = (right: UsedRight): UsedRight => {
  const { function: path, action, resource, attribute } = undrivenAttribute;
  return right.function === path && right.action === action && right.resource === resource
    ? { ...right, attributes: [...new Set([...(right.attributes ?? []), attribute])] }
    : right;
};

/** Rights used only by paths that are too long for this test. Each path has its own test. */
const undriven: readonly (UsedRight & { readonly reason: string; readonly test: string })[] = [
  ...['Exports/ExportJob', 'Exports/Sweep', 'Events/Deliver'].map(longHistory),
  {
    function: 'Exports/ExportJob',
    action: 'lambda:InvokeFunction',
    resource: 'Exports/ExportJob/Function:*',
    reason: 'An execution starts its successor after 2,500 operations.',
    test: 'test/functions/export-job/ends.test.ts',
  },
  // Whether this happens here is decided by which of several environments is faster.
  ...['Functions/Fetch', 'Exports/Export'].map((path) => ({
    function: path,
    action: 'dynamodb:GetItem',
    resource: 'Tables/Limits',
    reason: 'An environment that was not alone reads the item of a limit once the window that it knows is over.',
    test: 'test/functions/shared/limits/fleet.test.ts',
  })),
];

/** A stage whose account brings everything of its own. */
const ownName = 'own-everything';

let webhook: Webhook;
let target: LocalTarget;
let calls: readonly Call[];
const templates = new Map<string, StageTemplate>();

beforeAll(async () => {
  for (const stage of stages) templates.set(stage, await stageTemplate(stage, await plainly(stage)));
  templates.set(ownName, await synthesized({ ...(await ownEverything()), ...(await plainly('production-example')) }));
  webhook = await startWebhook();
  target = await startLocalTarget({
    stage: 'local',
    webhook: webhook.url,
    webhookSecret: webhook.secret,
    // Slow enough that exports must wait for their turns.
    wholeRecord: { requestsPerSecond: 10 },
  });
  await driveEveryPath(target);
  calls = callsOf(target);
});
afterAll(async () => {
  await target.close();
  await webhook.close();
});

const templateOf = (stage: (typeof stages)[number] | typeof ownName): StageTemplate => {
  const template = templates.get(stage);
  if (template === undefined) throw new Error(`${stage} was not synthesized`);
  return template;
};

const usedIn = (template: StageTemplate): UsedRight[] => [
  ...usesIn(template, target, calls).map(withUndrivenAttribute),
  ...undriven.map(({ function: path, action, resource }) => ({ function: path, action, resource })),
];

describe.each([...stages, ownName] as const)("functions' rights in %s", (stage) => {
  it('are all used, and cover all that is used', () => {
    const template = templateOf(stage);

    expect(compareRights(template, usedIn(template))).toEqual({ missing: [], excess: [] });
  });

  it('let each call to a table pass, with the keys, attributes and answers that it asked for', () => {
    const refused = tableCallsIn(templateOf(stage), target).filter(({ may }) => !may);

    expect(refused).toEqual([]);
  });
});

it('let through the endpoints of the VPC what functions call, and nothing else', () => {
  const endpoints = ofType(templateOf('production-example'), 'AWS::EC2::VPCEndpoint');
  const passing = endpoints.flatMap((endpoint) => statementsOf(endpoint).flatMap(({ Action }) => Action));

  expect(passing.sort()).toEqual([...new Set([...calls, ...undriven].map(({ action }) => action))].sort());
});

describe('a changed template of production', () => {
  let production: StageTemplate;
  let used: readonly UsedRight[];
  beforeAll(() => {
    production = templateOf('production-example');
    used = usedIn(production);
  });

  interface Document {
    Statement: Record<string, unknown>[];
  }
  const idOf = (path: string): string => {
    const [id = ''] = Object.entries(production.Resources).find(([, resource]) => pathOf(resource) === path) ?? [];
    return id;
  };
  const arn = (path: string) => ({ 'Fn::GetAtt': [idOf(path), 'Arn'] });
  const change = (
    path: string,
    edit: (properties: Record<string, unknown>, statements: Document['Statement']) => void,
  ) => {
    const template = structuredClone(production);
    const { Properties: properties = {} } = at(template, path);
    edit(properties, (properties['PolicyDocument'] as Document | undefined)?.Statement ?? []);
    return compareRights(template, used);
  };
  const add = (path: string, action: string, resource: unknown, more: object = {}) =>
    change(path, (_properties, statements) => {
      statements.push({ Effect: 'Allow', Action: action, Resource: resource, ...more });
    });
  const remove = (path: string, action: string) =>
    change(path, (_properties, statements) => {
      for (const statement of statements)
        statement['Action'] = [statement['Action']].flat().filter((one) => one !== action);
    });

  it.each([
    ['Functions/Token', 'dynamodb:Scan', 'Tables/Grants'],
    ['Functions/Authorize', 'dynamodb:PutItem', 'Tables/Grants'],
    ['Functions/Discovery', 'secretsmanager:GetSecretValue', 'OriginSecret/Value1'],
    ['RegistryFill/FillRegistry', 'dynamodb:DeleteItem', 'Tables/Registry'],
    ['Functions/Fetch', 'dynamodb:UpdateItem', 'Tables/Registry'],
    ['Audit/Audit', 'kms:Decrypt', 'Keys/Audit'],
    ['Audit/Audit', 's3:GetObject', 'Audit/Bucket'],
    ['Canary/Canary', 'logs:CreateLogStream', 'Functions/Fetch/Logs'],
  ])('has an excess right: %s may %s on %s', (path, action, resource) => {
    expect(add(`${path}/Policy`, action, arn(resource))).toEqual({
      missing: [],
      excess: [`${path}: Allow ${action} on ${resource}`],
    });
  });

  it.each([
    ['Functions/Callback', 'dynamodb:GetItem', 'Tables/LoginAttempts'],
    ['Functions/Fetch', 'dynamodb:PutItem', 'Tables/AuditEvents if StringEqualsIfExists dynamodb:ReturnValues=NONE'],
    [
      'RegistryFill/FillRegistry',
      'dynamodb:PutItem',
      'Tables/Registry if StringEqualsIfExists dynamodb:ReturnValues=NONE',
    ],
    ['Functions/Fetch', 'dynamodb:UpdateItem', 'Tables/Grants'],
    ['Functions/Fetch', 'dynamodb:UpdateItem', 'Tables/Limits'],
    ['Audit/Audit', 'kms:GenerateDataKey', 'Keys/Audit if StringEquals kms:ViaService=s3.{region}.amazonaws.com'],
    ['Functions/Token', 'logs:PutLogEvents', 'Functions/Token/Logs'],
  ])('lacks a right: %s may not %s on %s', (path, action, resource) => {
    expect(remove(`${path}/Policy`, action).missing).toContain(`${path}: Allow ${action} on ${resource}`);
  });

  it("a changed template of production both lacks and exceeds a right that is no longer narrowed: token's writes to grants of any key", () => {
    const found = change('Functions/Token/Policy', (_properties, statements) => {
      for (const statement of statements) if (statement['Action'] === 'dynamodb:PutItem') delete statement['Condition'];
    });

    expect(found).toEqual({
      missing: [
        'Functions/Token: Allow dynamodb:PutItem on Tables/Grants if ForAllValues:StringLike dynamodb:LeadingKeys=jti.* and Null dynamodb:LeadingKeys=false',
      ],
      excess: ['Functions/Token: Allow dynamodb:PutItem on Tables/Grants'],
    });
  });

  it.each([
    ['another key', '"jti.*"', '"x"'],
    ['another attribute', '"revokedAt"', '"x"'],
    ['another selection', '"SPECIFIC_ATTRIBUTES"', '"COUNT"'],
    ['that something is returned', '"StringEqualsIfExists":{"dynamodb:R', '"StringEquals":{"dynamodb:R'],
  ])('refuses calls to tables if its conditions ask for %s', (_what, of, to) => {
    const changed = JSON.parse(JSON.stringify(production).replaceAll(of, to)) as StageTemplate;

    expect(tableCallsIn(changed, target).filter(({ may }) => !may)).not.toEqual([]);
  });

  it("lacks the audit's writes if the bucket policy no longer allows them", () => {
    expect(remove('Audit/Bucket/Policy', 's3:PutObject').missing).toEqual([
      'Audit/Audit: Allow s3:PutObject on Audit/Bucket/*',
    ]);
  });

  it('has an excess right in every function if the bucket policy lets everyone read', () => {
    const everybody = { Principal: { AWS: '*' } };
    const { excess } = add('Audit/Bucket/Policy', 's3:GetObject', arn('Audit/Bucket'), everybody);

    expect(excess).toHaveLength(ofType(production, 'AWS::Lambda::Function').length);
    expect(excess).toContain('Canary/Canary: Allow s3:GetObject on Audit/Bucket');
  });

  it('has an excess right if the setting that justified it is gone', () => {
    const { missing, excess } = change('Canary/Canary/Function', (properties) => {
      delete properties['VpcConfig'];
    });

    expect(missing).toEqual([]);
    expect(excess).toContain('Canary/Canary: Allow ec2:CreateNetworkInterface on *');
  });

  it("lacks the right to use a table's new encryption key", () => {
    const { missing, excess } = change('Tables/Registry', (properties) => {
      properties['SSESpecification'] = { KMSMasterKeyId: arn('Keys/Audit') };
    });

    expect(missing).toContain(
      'Functions/Authorize: Allow kms:Decrypt on Keys/Audit if StringEquals kms:ViaService=dynamodb.{region}.amazonaws.com',
    );
    // Authorize still writes to another table under the old key. This function uses no other.
    expect(excess).toContain(
      'RegistryFill/FillRegistry: Allow kms:Decrypt on Keys/Data if StringEquals kms:ViaService=dynamodb.{region}.amazonaws.com',
    );
  });
});
