import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetPolicyCommand, GetPolicyVersionCommand, IAMClient, NoSuchEntityException } from '@aws-sdk/client-iam';
import { mockClient } from 'aws-sdk-client-mock';
import { askBoundary } from '../../bin/existing/boundary.ts';
import { judgeEndpoints } from '../../bin/existing/endpoints.ts';
import { existing } from '../../bin/existing/existing.ts';
import { verdictOn, type PolicyDocument } from '../../bin/existing/judge-policy.ts';
import { needsOf } from '../../bin/existing/needs.ts';
import { ok, unclear, wrong, type Finding } from '../../bin/existing/question.ts';
import { awsQuestions } from '../../bin/existing/questions.ts';
import { boundaryActions } from '../../config/account/boundary-actions.ts';
import { keyNeeds, logsMayUseKey, type PolicyStatement } from '../../config/account/policy-needs.ts';
import { calledServices, keyNames } from '../../config/existing.ts';
import { localStage } from '../../config/local.ts';
import type { StageConfig } from '../../config/stage.ts';
import { ownEverything } from '../support/own-everything.ts';
import { withoutExchanges } from '../support/stage-template.ts';
import { words } from '../support/words.ts';

const folder = mkdtempSync(join(tmpdir(), 'p2p-existing-'));
const file = join(folder, 'own.json');
beforeAll(async () => writeFileSync(file, JSON.stringify(await ownEverything({ edge: false }))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the tool; AWS answers every question with these findings. */
const run = async (args: readonly string[], findings: readonly Finding[] | Error = [ok('is fine')]) => {
  const out: string[] = [];
  const notes: string[] = [];
  const output = { out: (text: string) => out.push(text), note: (text: string) => notes.push(text) };
  const asked: string[] = [];
  const ask = (field: string) => async () => {
    asked.push(field);
    if (findings instanceof Error) throw findings;
    return findings;
  };
  const questionsFor: typeof awsQuestions = (config, environment) =>
    awsQuestions(config, environment).map((question) => Object.assign(question, { ask: ask(question.field) }));
  const code = await existing(args, { environment: {}, output, questionsFor });
  return { code, out: out.join('\n'), notes: notes.join('\n'), asked };
};

const brought = words(`
  existing.vpc existing.keys.data existing.keys.audit existing.keys.exports existing.keys.memberIndex
  existing.alarmTopicArn existing.ticketTopicArn permissionsBoundaryArn
`);

describe('npm run existing -- needs', () => {
  it('prints what each brought thing must allow, with statements to copy', async () => {
    const { code, out, asked } = await run(['needs', '--config', file]);
    const config = await ownEverything({ edge: false });

    expect([code, asked]).toEqual([0, []]);
    for (const field of [...brought, 'existing.logDestination', 'existing.webAclArn'])
      expect(out).toContain(`${field}: `);
    const blocks = [...out.matchAll(/^\[\n[\s\S]*?^\]$/gm)].map(([json]) => JSON.parse(json) as PolicyStatement[]);
    const place = { partition: 'aws', region: 'us-east-1', account: '111122223333' };
    expect(blocks.slice(0, 4)).toEqual(
      (['data', 'audit', 'exports', 'memberIndex'] as const).map((name) => keyNeeds(name, place)),
    );
    expect(blocks.at(-1)).toMatchObject([{ Sid: 'AlarmsOfThisStage', Resource: config.existing?.ticketTopicArn }]);
    expect(out).toContain('kms:GenerateDataKey');
  });

  it('says what the own web ACL must let pass, for exchanges only where plans ask former plans', async () => {
    const config = await ownEverything({ edge: false });
    const saysOf = (stage: StageConfig): string | undefined =>
      needsOf(stage)
        .find(({ field }) => field === 'existing.webAclArn')
        ?.says.join(' ');

    expect(saysOf(config)).toMatch(
      /4 MB .*\/Group\/\$bulk-member-match.* CrossSiteScripting_BODY .*\/\$davinci-data-export/,
    );
    const without = saysOf({ ...config, ...(await withoutExchanges('production-example')) });
    expect(without).toContain('must only count');
    expect(without).not.toContain('$bulk-member-match');
  });

  it.each(['needs', 'check'])('%s finds nothing wrong with a stage that brings nothing', async (command) => {
    expect(await run([command, 'production-example'])).toEqual({
      code: 0,
      out: '',
      notes: 'Stage production-example brings nothing of its own: the stack makes everything.',
      asked: [],
    });
  });
});

describe('npm run existing -- check', () => {
  it('asks about each brought thing, and passes if all is right', async () => {
    const { code, out, notes, asked } = await run(['check', '--config', file]);
    expect([code, asked]).toEqual([0, brought]);
    expect(out.split('\n')).toEqual(brought.map((field) => `ok         ${field}: is fine`));
    expect(notes).toBe('8 right, 0 wrong, 0 for you to judge');
  });

  it('exits with 1 if something is wrong, and says all of it', async () => {
    const { code, out } = await run(['check', '--config', file], [wrong('is closed; open it'), unclear('depends')]);
    expect(code).toBe(1);
    expect(out).toContain('WRONG      existing.keys.data: is closed; open it\nunclear    existing.keys.data: depends');
  });

  it('does not fail for what a person must judge', async () => {
    expect((await run(['check', '--config', file], [unclear('depends')])).code).toBe(0);
  });

  it('asks nothing with --dry-run, and says what it would ask with which rights', async () => {
    const { code, out, notes, asked } = await run(['check', '--config', file, '--dry-run']);
    const ofKeys = 'kms:DescribeKey and kms:GetKeyPolicy';
    expect([code, asked, notes]).toEqual([0, [], 'Nothing was asked.']);
    expect(out).toContain('existing.keys.data: arn:aws:kms:');
    expect(out.split('\n').map((line) => line.replace(/^not asked +(\S+): .*, with /, '$1 '))).toEqual([
      'existing.vpc ec2:DescribeSubnets, ec2:DescribeRouteTables, ec2:DescribeVpcEndpoints, ec2:DescribeVpcAttribute and ec2:DescribeSecurityGroups',
      ...['data', 'audit', 'exports', 'memberIndex'].map((key) => `existing.keys.${key} ${ofKeys}`),
      ...['alarm', 'ticket'].map(
        (topic) =>
          `existing.${topic}TopicArn sns:GetTopicAttributes and sns:ListSubscriptionsByTopic, and kms:GetKeyPolicy for its key`,
      ),
      'permissionsBoundaryArn iam:GetPolicy and iam:GetPolicyVersion',
    ]);
  });

  it('says which permission it lacks', async () => {
    const denied = Object.assign(new Error('no'), { name: 'UnauthorizedOperation' });
    await expect(run(['check', '--config', file], denied)).rejects.toThrow(
      /AWS denied access\. The tool needs ec2:DescribeSubnets/,
    );
  });
});

const account = '111122223333';
const place = { partition: 'aws', region: 'us-east-1', account };
const root = `arn:aws:iam::${account}:root`;
const allowed = { refused: [], unclear: [] };

/** A policy that has exactly what is needed, with one statement changed. */
const policyOf = (...statements: readonly object[]): PolicyDocument => ({ Statement: statements as never });
const logs = logsMayUseKey(place);

describe('the policy of a key', () => {
  it.each(keyNames)('the policy of a key that has what is printed allows what is needed: %s', (name) => {
    const needs = keyNeeds(name, place);
    for (const need of needs) expect(verdictOn(policyOf(...needs), need)).toEqual(allowed);
  });

  it.each<[string, object]>([
    ['all actions', { ...logs, Action: 'kms:*' }],
    [
      'actions by their beginning',
      { ...logs, Action: ['kms:Encrypt*', 'kms:Decrypt*', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'] },
    ],
    [
      'the service among others',
      { ...logs, Principal: { Service: ['sns.amazonaws.com', 'logs.us-east-1.amazonaws.com'] } },
    ],
    ['no condition', { ...logs, Condition: undefined }],
    ['the account as a condition', { ...logs, Condition: { StringEquals: { 'kms:CallerAccount': account } } }],
    [
      'log groups of the stage only',
      {
        ...logs,
        Condition: {
          ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:aws:logs:us-east-1:${account}:log-group:p2p-*` },
        },
      },
    ],
  ])('may say it with %s', (_title, statement) => {
    const without = Object.fromEntries(Object.entries(statement).filter(([, value]) => value !== undefined));
    const verdict = verdictOn(policyOf(without), logs);
    expect(verdict.refused).toEqual([]);
  });

  it.each<[string, PolicyDocument]>([
    ['has no statement', {}],
    ['names the account only', policyOf({ Effect: 'Allow', Principal: { AWS: root }, Action: 'kms:*', Resource: '*' })],
    [
      'names the service of another region',
      policyOf({ ...logs, Principal: { Service: 'logs.us-west-2.amazonaws.com' } }),
    ],
    [
      'is about log groups of another account',
      policyOf({
        ...logs,
        Condition: {
          ArnLike: { 'kms:EncryptionContext:aws:logs:arn': 'arn:aws:logs:us-east-1:444455556666:log-group:*' },
        },
      }),
    ],
    [
      'is about one log group of something else',
      policyOf({
        ...logs,
        Condition: {
          ArnEquals: { 'kms:EncryptionContext:aws:logs:arn': `arn:aws:logs:us-east-1:${account}:log-group:other` },
        },
      }),
    ],
    ['denies it to everyone', policyOf(logs, { Effect: 'Deny', Principal: '*', Action: 'kms:*', Resource: '*' })],
  ])('refuses CloudWatch Logs if it %s', (_title, policy) => {
    expect(verdictOn(policy, logs).refused).toEqual(logs.Action);
  });

  it('refuses single actions', () => {
    const Action = logs.Action.filter((action) => action !== 'kms:Decrypt');
    expect(verdictOn(policyOf({ ...logs, Action }), logs)).toEqual({ refused: ['kms:Decrypt'], unclear: [] });
  });

  it('may deny what is no request of the stack', () => {
    const deny = { Effect: 'Deny', Principal: '*', Action: 'kms:*', Resource: '*' };
    const unencrypted = { ...deny, Condition: { Bool: { 'aws:SecureTransport': 'false' } } };
    expect(verdictOn(policyOf(logs, unencrypted), logs)).toEqual(allowed);
    expect(verdictOn(policyOf(logs, { ...deny, Action: 'kms:ScheduleKeyDeletion' }), logs)).toEqual(allowed);
  });

  it.each<[string, object]>([
    ['a condition whose value is not known', { Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } } }],
    ['an operator that is not known', { Condition: { NumericEquals: { 'kms:CallerAccount': '1' } } }],
    ['all principals but some', { Principal: undefined, NotPrincipal: { AWS: root } }],
  ])('leaves to a person what depends on %s', (_title, change) => {
    const statement = Object.fromEntries(
      Object.entries({ ...logs, ...change }).filter(([, value]) => value !== undefined),
    );
    expect(verdictOn(policyOf(statement), logs)).toEqual({ refused: [], unclear: logs.Action });
  });

  it('lets the account’s roles use it, named by its number or its root', () => {
    const [roles] = keyNeeds('audit', place) as [PolicyStatement];
    for (const AWS of [root, account, '*']) {
      expect(verdictOn(policyOf({ ...roles, Principal: { AWS } }), roles)).toEqual(allowed);
    }
    expect(verdictOn(policyOf({ ...roles, Principal: { AWS: '444455556666' } }), roles).refused).toEqual(roles.Action);
  });
});

describe('a policy of an identity', () => {
  const need: PolicyStatement = {
    Sid: 'x',
    Effect: 'Allow',
    Principal: { AWS: '*' },
    Action: ['s3:GetObject'],
    Resource: '*',
  };

  it('has no principal', () => {
    expect(verdictOn(policyOf({ Effect: 'Allow', Action: 's3:*', Resource: '*' }), need)).toEqual(allowed);
  });

  it('may be about some resources, which a person must compare', () => {
    const some = { Effect: 'Allow', Action: 's3:*', Resource: 'arn:aws:s3:::p2p-*' };
    expect(verdictOn(policyOf(some), need)).toEqual({ refused: [], unclear: need.Action });
  });

  it('may allow all actions but some', () => {
    const others = { Effect: 'Allow', NotAction: 'iam:*', Resource: '*' };
    expect(verdictOn(policyOf(others), need)).toEqual({ refused: [], unclear: need.Action });
  });
});

describe('a permissions boundary', () => {
  const iam = mockClient(IAMClient);
  afterEach(() => iam.reset());
  const config = localStage();
  const arn = 'arn:aws:iam::111122223333:policy/boundary';
  const ask = async (): Promise<string[]> =>
    (await askBoundary(new IAMClient({ region: 'us-east-1' }), config, arn).ask()).map(
      ({ outcome, what }) => `${outcome}: ${what}`,
    );
  const actions = boundaryActions(config);

  it.each<[how: string, Action: readonly string[], Resource: string, told: RegExp]>([
    ['allows what roles do', actions, '*', /^ok: allows what the stack’s roles do$/],
    [
      'lacks an action',
      actions.filter((action) => action !== 'kms:GenerateDataKey'),
      '*',
      /^wrong: does not allow kms:GenerateDataKey; add them, or the deployment or functions fail$/,
    ],
    [
      'is limited to some',
      actions,
      'arn:aws:s3:::p2p-*',
      /^unclear: allows .*kms:GenerateDataKey.* on some resources or/,
    ],
  ])('that %s, in its default version, is judged', async (_, Action, Resource, told) => {
    // AWS gives the document percent-encoded.
    const Document = encodeURIComponent(JSON.stringify(policyOf({ Effect: 'Allow', Action, Resource })));
    iam.on(GetPolicyCommand, { PolicyArn: arn }).resolves({ Policy: { DefaultVersionId: 'v7' } });
    iam.on(GetPolicyVersionCommand, { PolicyArn: arn, VersionId: 'v7' }).resolves({ PolicyVersion: { Document } });

    expect(await ask()).toEqual([expect.stringMatching(told)]);
  });

  it('that does not exist is wrong, and one that may not be read is no answer', async () => {
    iam
      .on(GetPolicyCommand)
      .rejectsOnce(new NoSuchEntityException({ message: 'none', $metadata: {} }))
      .rejects(Object.assign(new Error('denied'), { name: 'AccessDenied' }));

    expect(await ask()).toEqual(['wrong: there is no such policy; make it, or write the ARN of one that exists']);
    await expect(ask()).rejects.toThrow('denied');
  });
});

it('each endpoint that a stage says its network has is missed, and none where calls leave by NAT', () => {
  const seen = { endpoints: [] } as unknown as Parameters<typeof judgeEndpoints>[0];
  const missed = (awsEndpoints: 'nat' | typeof calledServices): (string | undefined)[] =>
    judgeEndpoints(seen, { id: 'vpc-1', subnets: [], awsEndpoints }).map(
      ({ what }) => / for ([\w-]+),/.exec(what)?.[1],
    );

  expect(missed(calledServices)).toEqual(calledServices);
  expect(missed('nat')).toEqual([]);
});
