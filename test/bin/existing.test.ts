import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { existing } from '../../bin/existing/existing.ts';
import { needsOf } from '../../bin/existing/needs.ts';
import { ok, unclear, wrong, type Finding } from '../../bin/existing/question.ts';
import { awsQuestions } from '../../bin/existing/questions.ts';
import { Refusal } from '../../bin/shared/errors.ts';
import { keyNeeds, type PolicyStatement } from '../../config/account/policy-needs.ts';
import { ownEverything } from '../support/own-everything.ts';
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
      (['data', 'audit', 'exports', 'memberIndex'] as const).map((name) => keyNeeds(name, config, place)),
    );
    expect(blocks.at(-1)).toMatchObject([{ Sid: 'AlarmsOfThisStage', Resource: config.existing?.ticketTopicArn }]);
    expect(out).toContain('kms:GenerateDataKey');
    expect(out).not.toContain('$bulk-member-match');
  });

  it('says what the own web ACL must let pass where plans ask former plans', async () => {
    const withExchanges = needsOf({
      ...(await ownEverything({ edge: false })),
      exchanges: { groupDays: 396, mostRunning: 20 },
    });
    const says = withExchanges.find(({ field }) => field === 'existing.webAclArn')?.says.join(' ');

    expect(says).toMatch(/4 MB .*\/Group\/\$bulk-member-match.* CrossSiteScripting_BODY .*\/\$davinci-data-export/);
  });

  it('refuses a stage that brings nothing', async () => {
    await expect(run(['needs', 'production-example'])).rejects.toThrow(
      new Refusal('Stage production-example brings nothing of its own: the stack makes everything.'),
    );
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
