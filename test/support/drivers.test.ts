import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { metricsOf } from './embedded-metrics.ts';
import { decide, type Call } from './evaluate-policy.ts';
import { stoppedBy, type WebAclRule } from './evaluate-web-acl.ts';
import { memoryDynamo } from './memory-dynamo.ts';
import { reference, withoutReference } from './reference.ts';
import type { StageTemplate, Statement } from './stage-template.ts';

/* What decides in tests of the template in the place of IAM and WAF, against the rules that those document. */

const template = { environment: '', terminationProtection: false, Resources: {}, Outputs: {} } satisfies StageTemplate;
const allow: Statement = { Effect: 'Allow', Action: 's3:PutObject', Resource: 'bucket/*', Principal: '*' };
const deny: Statement = { ...allow, Effect: 'Deny' };
const when = (operator: string, ...values: string[]): Statement => ({
  ...allow,
  Condition: { [operator]: { key: values } },
});

describe('a policy', () => {
  const put: Call = { principal: 'writer', action: 's3:PutObject', resource: 'bucket/a' };
  it.each<[string, readonly Statement[], Partial<Call>, string]>([
    ['that says nothing allows nothing', [], {}, 'not allowed'],
    ['allows what it names', [allow], {}, 'allowed'],
    ['that denies wins over one that allows, in any order', [deny, allow], {}, 'denied'],
    ['that denies wins over one that allows, in any order', [allow, deny], {}, 'denied'],
    ['is about its actions alone', [allow], { action: 's3:PutObjectAcl' }, 'not allowed'],
    ['knows actions in any letter case', [allow], { action: 'S3:putobject' }, 'allowed'],
    ['knows wildcards in actions', [{ ...allow, Action: ['s3:Put*'] }], { action: 's3:PutObjectAcl' }, 'allowed'],
    ['is about its resources alone', [allow], { resource: 'another/a' }, 'not allowed'],
    ['takes a resource whole', [{ ...allow, Resource: 'bucket' }], {}, 'not allowed'],
    ['takes a question mark for one character', [{ ...allow, Resource: 'bucket/?' }], {}, 'allowed'],
    [
      'takes a question mark for one character',
      [{ ...allow, Resource: 'bucket/?' }],
      { resource: 'bucket/ab' },
      'not allowed',
    ],
    ['takes a dot as it is', [{ ...allow, Resource: 'b.cket/a' }], {}, 'not allowed'],
    ['is about its principals alone', [{ ...allow, Principal: { AWS: 'reader' } }], {}, 'not allowed'],
  ])('%s', (_what, statements, change, decision) => {
    expect(decide(template, statements, { ...put, ...change })).toBe(decision);
  });

  it.each<[string, readonly string[], string | undefined, boolean]>([
    ['StringEquals', ['a', 'b'], 'b', true],
    ['StringEquals', ['a'], 'A', false],
    ['StringEquals', ['*'], 'a', false],
    ['StringEquals', ['a'], undefined, false],
    ['StringNotEquals', ['a'], 'a', false],
    ['StringNotEquals', ['a'], 'b', true],
    ['StringNotEquals', ['a'], undefined, true],
    ['StringLike', ['a*'], 'ab', true],
    ['StringLike', ['a*'], 'ba', false],
    ['StringLike', ['a*'], undefined, false],
    ['StringLikeIfExists', ['a*'], undefined, true],
    ['StringLikeIfExists', ['a*'], 'b', false],
    ['ForAllValues:StringLike', ['jti.*'], 'grant', false],
    ['ForAllValues:StringLike', ['jti.*'], undefined, true],
    ['ArnLike', ['arn:a:*'], 'arn:a:b', true],
    ['ArnLike', ['arn:a:*'], undefined, false],
    ['ArnLikeIfExists', ['arn:a:*'], undefined, true],
    ['ArnEquals', ['arn:a:b'], 'arn:a:c', false],
    ['ArnNotEquals', ['arn:a:b'], 'arn:a:b', false],
    ['ArnNotEquals', ['arn:a:b'], undefined, true],
    ['Bool', ['false'], 'true', false],
    ['Bool', ['false'], undefined, false],
    ['Null', ['true'], undefined, true],
    ['Null', ['true'], 'a', false],
    ['Null', ['false'], 'a', true],
    ['NumericLessThan', ['1.2'], '1.1', true],
    ['NumericLessThan', ['1.2'], '1.2', false],
  ])('a policy with %s of %j takes %j for %s', (operator, values, value, holds) => {
    const context: Record<string, string> = value === undefined ? {} : { key: value };
    expect(decide(template, [when(operator, ...values)], { ...put, context })).toBe(holds ? 'allowed' : 'not allowed');
  });

  it('a policy with two conditions holds only where both do', () => {
    const both: Statement = { ...allow, Condition: { StringEquals: { key: 'a', other: 'b' } } };
    expect(decide(template, [both], { ...put, context: { key: 'a', other: 'b' } })).toBe('allowed');
    expect(decide(template, [both], { ...put, context: { key: 'a', other: 'c' } })).toBe('not allowed');
  });

  it('a policy with an operator that is not known here is not decided', () => {
    expect(() => decide(template, [when('IpAddress', '10.0.0.0/8')], { ...put, context: { key: '1' } })).toThrow(
      'IpAddress is not known here',
    );
  });
});

describe('a web ACL', () => {
  const path = (PositionalConstraint: 'CONTAINS' | 'ENDS_WITH' | 'EXACTLY', SearchString: string) => ({
    ByteMatchStatement: { SearchString, PositionalConstraint, FieldToMatch: { UriPath: {} } },
  });
  const header = (SearchString: string) => ({
    ByteMatchStatement: {
      SearchString,
      PositionalConstraint: 'EXACTLY' as const,
      FieldToMatch: { SingleHeader: { Name: 'x-origin' } },
    },
  });
  const rule = (
    Name: string,
    Priority: number,
    Statement: WebAclRule['Statement'],
    Action: object = { Block: {} },
  ) => ({
    Name,
    Priority,
    Statement,
    Action,
  });
  const common = (...counted: string[]): WebAclRule => ({
    Name: 'Common',
    Priority: 1,
    Statement: {
      ManagedRuleGroupStatement: {
        Name: 'AWSManagedRulesCommonRuleSet',
        RuleActionOverrides: counted.map((Name) => ({ Name, ActionToUse: { Count: {} } })),
      },
    },
  });
  const labeled = rule('Labeled', 2, {
    LabelMatchStatement: { Key: 'awswaf:managed:aws:core-rule-set:SizeRestrictions_Body' },
  });

  it('stops by the first rule in the order of their priorities, however they are listed', () => {
    const rules = [rule('Second', 2, path('CONTAINS', '/')), rule('First', 1, path('CONTAINS', '/'))];
    expect(stoppedBy(rules, { path: '/' })).toBe('First');
  });

  it('stops nothing by a rule that only counts', () => {
    expect(stoppedBy([rule('Counts', 1, path('CONTAINS', '/'), { Count: {} })], { path: '/' })).toBeUndefined();
  });

  it.each([
    ['EXACTLY', '/a', '/a', true],
    ['EXACTLY', '/a', '/ab', false],
    ['ENDS_WITH', '/a', '/b/a', true],
    ['ENDS_WITH', '/a', '/a/b', false],
    ['CONTAINS', '/a', '/b/a/c', true],
    ['CONTAINS', '/a b', '/a%20b', true],
  ] as const)('finds in a path %s %s in %s: %s', (constraint, searched, asked, found) => {
    expect(stoppedBy([rule('R', 1, path(constraint, searched))], { path: asked })).toBe(found ? 'R' : undefined);
  });

  it('compares a header whole, and finds none that is not there', () => {
    const unlessShown = [rule('R', 1, { NotStatement: { Statement: header('secret') } })];
    const asked = (value?: string) =>
      stoppedBy(unlessShown, { path: '/', ...(value && { headers: { 'x-origin': value } }) });
    expect([asked('secret'), asked('a secret'), asked()]).toEqual([undefined, 'R', 'R']);
  });

  it('joins statements by and, and by or', () => {
    const [a, b] = [path('CONTAINS', 'a'), path('CONTAINS', 'b')];
    const both = [rule('R', 1, { AndStatement: { Statements: [a, b] } })];
    const one = [rule('R', 1, { OrStatement: { Statements: [a, b] } })];
    const by = (rules: WebAclRule[]) => ['/a', '/b', '/ab', '/'].map((asked) => stoppedBy(rules, { path: asked }));
    expect(by(both)).toEqual([undefined, undefined, 'R', undefined]);
    expect(by(one)).toEqual(['R', 'R', 'R', undefined]);
  });

  it("has AWS's rule stop bodies over 8 KB, or only label them where it counts", () => {
    const by = (rules: WebAclRule[], bodyBytes: number) => stoppedBy(rules, { path: '/', bodyBytes });
    expect([by([common()], 8192), by([common()], 8193)]).toEqual([undefined, 'SizeRestrictions_BODY']);
    const counting = [common('SizeRestrictions_BODY'), labeled];
    expect([by(counting, 8192), by(counting, 8193)]).toEqual([undefined, 'Labeled']);
  });

  it('a web ACL with a statement that is not known here is not decided', () => {
    const unknown = { GeoMatchStatement: {} } as unknown as WebAclRule['Statement'];
    expect(() => stoppedBy([rule('R', 1, unknown)], { path: '/' })).toThrow('GeoMatchStatement is not known here');
  });
});

/* What reads log lines and errors in the tests' stead: it must complain where CloudWatch, or a person, would. */

describe('the metrics of a log line', () => {
  const directive = (change: object = {}) => ({
    Namespace: 'p2p-gateway/test',
    Dimensions: [['step'], []],
    Metrics: [{ Name: 'ms', Unit: 'Milliseconds' }],
    ...change,
  });
  const line = (change: object = {}, ...directives: object[]) =>
    JSON.stringify({
      _aws: { Timestamp: 1, CloudWatchMetrics: directives.length === 0 ? [directive()] : directives },
      step: 'fetch',
      ms: 12,
      ...change,
    });

  it('are one for each set of dimensions', () => {
    const ms = { namespace: 'p2p-gateway/test', name: 'ms', unit: 'Milliseconds', value: 12 };
    expect(metricsOf(line())).toEqual([
      { ...ms, dimensions: { step: 'fetch' } },
      { ...ms, dimensions: {} },
    ]);
    expect(metricsOf('{"ms":12}')).toEqual([]);
  });

  it.each([
    ['a value that is no number', line({ ms: '12' }), 'ms is not a number'],
    ['a value that is missing', line({ ms: undefined }), 'ms is not a number'],
    ['a dimension that is no text', line({ step: 1 }), 'step is not a text'],
    ['an empty dimension', line({ step: '' }), 'step is not a text'],
    ['a namespace with a blank', line({}, directive({ Namespace: 'a b' })), 'namespace a b'],
    ['no dimensions', line({}, directive({ Dimensions: [] })), 'without content'],
    ['no metrics', line({}, directive({ Metrics: [] })), 'without content'],
    ['a time that is no integer', line({ _aws: { Timestamp: 1.5, CloudWatchMetrics: [] } }), 'Timestamp'],
  ])('are refused with %s', (_what, text, message) => {
    expect(() => metricsOf(text)).toThrow(message);
  });
});

describe("an error's sentence", () => {
  it('is read without the reference that it must end with', () => {
    expect(withoutReference(`Try again. (reference ${reference})`)).toBe('Try again.');
    for (const text of ['Try again.', `(reference ${reference}) Try again.`, 'Try again. (reference other)']) {
      expect(() => withoutReference(text)).toThrow('No reference at the end');
    }
  });
});

/* `test/sandbox/aws-contract.test.ts` compares it with DynamoDB. */
describe('the memory', () => {
  const put = (dynamo: ReturnType<typeof memoryDynamo>, grantId: string) =>
    dynamo.client
      .send(
        new PutItemCommand({
          TableName: 'Grants',
          Item: { grantId: { S: grantId } },
          ConditionExpression: 'attribute_not_exists(grantId)',
        }),
      )
      .then(
        () => 'written',
        ({ name }: Error) => name,
      );

  it('answers no read that may be stale, since such a read decides nothing', async () => {
    const { client } = memoryDynamo();
    for (const more of [{}, { ConsistentRead: false }]) {
      const stale = new GetItemCommand({ TableName: 'Grants', Key: { grantId: { S: 'grant-1' } }, ...more });
      await expect(client.send(stale)).rejects.toThrow('strongly consistent');
    }
  });

  it('sends a write again where it is told to, so that the second finds the first', async () => {
    const dynamo = memoryDynamo();
    dynamo.repeatNext('PutItem');
    expect([await put(dynamo, 'a'), await put(dynamo, 'b')]).toEqual(['ConditionalCheckFailedException', 'written']);
    dynamo.repeatWrite(1);
    expect([await put(dynamo, 'c'), await put(dynamo, 'd'), await put(dynamo, 'e')]).toEqual([
      'written',
      'ConditionalCheckFailedException',
      'written',
    ]);
    expect([...dynamo.items('Grants').keys()]).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('fails once where it is told to, before the write or after it', async () => {
    const dynamo = memoryDynamo();
    dynamo.failNext('PutItem', Object.assign(new Error(), { name: 'Before' }));
    dynamo.failNext('PutItem', Object.assign(new Error(), { name: 'After' }), { after: true });
    expect([await put(dynamo, 'a'), await put(dynamo, 'b'), await put(dynamo, 'c')]).toEqual([
      'Before',
      'After',
      'written',
    ]);
    expect([...dynamo.items('Grants').keys()]).toEqual(['b', 'c']);
  });
});
