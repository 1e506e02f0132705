import { constructName } from '../../sandbox/aws/cloudformation.ts';
import { startLocalTarget, type LocalTarget } from '../conformance/local-target.ts';
import type { UsedRight } from '../support/right-lines.ts';
import { compareRights } from '../support/rights.ts';
import {
  at,
  ofType,
  pathOf,
  property,
  stages,
  stageTemplate,
  statementsOf,
  type StageTemplate,
} from '../support/stage-template.ts';
import { driveEveryPath } from './every-path.ts';

/** A call to AWS, with the partition key if it wrote or read one item. */
interface Call {
  readonly function: string;
  readonly action: string;
  readonly resource: string;
  readonly key?: string | undefined;
}

let target: LocalTarget;
let calls: readonly Call[];
const templates = new Map<string, StageTemplate>();

/** Every item starts with its partition key, and `Key` has nothing else. */
const partitionKeyOf = ({ Key, Item }: { Key?: object; Item?: object }): string | undefined =>
  (Object.values(Key ?? Item ?? {})[0] as { S?: string } | undefined)?.S;

/** What the functions called: DynamoDB from the wire, and the rest as the endpoint recorded it. */
const callsOf = ({ cloud, wire }: LocalTarget): Call[] => [
  ...cloud.calls().filter(({ action }) => !action.startsWith('dynamodb:')),
  ...wire
    .calls()
    // The test's own calls to the tables need no right of a function.
    .filter(({ caller }) => caller !== 'local')
    .map(({ caller, operation, parameters }) => ({
      function: caller,
      action: `dynamodb:${operation}`,
      resource: [parameters['TableName'], parameters['IndexName']].filter(Boolean).join('/index/'),
      key: partitionKeyOf(parameters),
    })),
];

beforeAll(async () => {
  for (const stage of stages) templates.set(stage, await stageTemplate(stage));
  target = await startLocalTarget();
  await driveEveryPath(target);
  calls = callsOf(target);
});
afterAll(() => target.close());

const templateOf = (stage: (typeof stages)[number]): StageTemplate => {
  const template = templates.get(stage);
  if (template === undefined) throw new Error(`${stage} was not synthesised`);
  return template;
};

/** The name of the resource with this physical name. */
const nameIn = (physicalNames: Readonly<Record<string, string>>, physicalName: string): string | undefined =>
  Object.entries(physicalNames).find(([, each]) => each === physicalName)?.[0];

/** The path of the only construct of a type and name. */
const onlyPath = ({ Resources }: StageTemplate, type: string, name: string | undefined): string => {
  const found = Object.entries(Resources).filter((named) => named[1].Type === type && constructName(named) === name);
  const [named, ...others] = found;
  if (named === undefined || others.length > 0) throw new Error(`${found.length} × ${type} ${name}`);
  return pathOf(named[1]);
};

const resourcesIn = (template: StageTemplate, { action, resource }: Call): string[] => {
  const { tables, buckets } = target.cloud;
  if (action.startsWith('dynamodb:')) {
    const [table = '', ...index] = resource.split('/');
    return [[onlyPath(template, 'AWS::DynamoDB::Table', nameIn(tables, table)), ...index].join('/')];
  }
  if (action.startsWith('s3:')) {
    const [bucket = '', key] = resource.split('/');
    const path = onlyPath(template, 'AWS::S3::Bucket', nameIn(buckets, bucket));
    return [key === undefined ? path : `${path}/*`];
  }
  if (!resource.startsWith(`p2p/${target.config.stage}/payers/`)) throw new Error(`${resource} is no payer's secret`);
  return [payerSecretsIn(template)];
};

/** All secrets under the prefix that the template's functions read them at: a path reads that of whichever payer it is for. */
const payerSecretsIn = (template: StageTemplate): string => {
  const { Variables }: { Variables: Record<string, string> } = property(
    at(template, 'Functions/Fetch/Function'),
    'Environment',
  );
  const [, account, region] = /^aws:\/\/(\d+)\/(.+)$/.exec(template.environment) ?? [];
  const where =
    account === undefined
      ? 'arn:{partition}:secretsmanager:{region}:{account}'
      : `arn:aws:secretsmanager:${region}:${account}`;
  return `${where}:secret:${Variables['PAYER_SECRET_PREFIX']}*`;
};

/** If only items that remember client assertions were used, or only breakers, that is the right. */
const narrowPrefixes = ['jti.', 'breaker#'];

/** Translates calls on this machine into rights on the constructs of another stage's template. */
const usedIn = (template: StageTemplate): UsedRight[] => {
  // Objects of one bucket are one resource.
  const alike = Map.groupBy(
    calls,
    (call) => `${call.function} ${call.action} ${call.resource.replace(/^([^/]+)\/.*\.ndjson$/, '$1')}`,
  );
  return [...alike.values()].flatMap((called) => {
    const [call] = called;
    if (call === undefined) return [];
    const path = onlyPath(template, 'AWS::Lambda::Function', call.function).replace(/\/Function$/, '');
    const right = { function: path, action: call.action };
    const prefix = narrowPrefixes.find((each) => called.every(({ key }) => key?.startsWith(each) === true));
    const keys = prefix === undefined ? {} : { keys: `${prefix}*` };
    return resourcesIn(template, call).map((resource) => Object.assign({ resource }, right, keys));
  });
};

describe.each(stages)("functions' rights in %s", (stage) => {
  it('are all used, and cover all that is used', () => {
    const template = templateOf(stage);

    expect(compareRights(template, usedIn(template))).toEqual({ missing: [], excess: [] });
  });
});

it('let through the endpoints of the VPC what functions call, and nothing else', () => {
  const endpoints = ofType(templateOf('production-example'), 'AWS::EC2::VPCEndpoint');
  const passing = endpoints.flatMap((endpoint) => statementsOf(endpoint).flatMap(({ Action }) => Action));

  expect(passing.sort()).toEqual([...new Set(calls.map(({ action }) => action))].sort());
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
    ['Functions/Fetch', 'dynamodb:PutItem', 'Tables/AuditEvents'],
    ['RegistryFill/FillRegistry', 'dynamodb:PutItem', 'Tables/Registry'],
    ['Functions/Fetch', 'dynamodb:UpdateItem', 'Tables/Grants'],
    ['Functions/Fetch', 'dynamodb:UpdateItem', 'Tables/Limits'],
    ['Audit/Audit', 'kms:GenerateDataKey', 'Keys/Audit if StringEquals kms:ViaService=s3.{region}.amazonaws.com'],
    ['Functions/Token', 'logs:PutLogEvents', 'Functions/Token/Logs'],
  ])('lacks a right: %s may not %s on %s', (path, action, resource) => {
    expect(remove(`${path}/Policy`, action).missing).toContain(`${path}: Allow ${action} on ${resource}`);
  });

  it("both lacks and exceeds a right that is no longer narrowed: token's writes to grants of any key", () => {
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
