import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { documentAt, documents, root } from './documents.ts';

interface Run {
  readonly input?: string;
  readonly version?: string;
  readonly env?: Readonly<Record<string, string>>;
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'operate-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/**
 * A stand-in for the AWS CLI as a program, since the kernel limits what a program may get. It records its calls, and one that
 * FAIL matches, after its number, fails as the CLI does. The bucket has 1,500 versions, named as the audit names them.
 */
const cli = (version = 'aws-cli/2.31.0 Python/3.13.7'): string => `#!/usr/bin/env bash
case "$1" in --version) echo '${version}'; exit ;; esac
cd '${folder}'
echo "$*" >>calls
case "$(wc -l <calls) $*" in $FAIL) exit 254 ;; esac
case "$*" in
  *list-stack-resources*DynamoDB::Table*) echo table-1 ;;
  *list-stack-resources*KMS::Key*) echo key-1 ;;
  *list-stack-resources*json*)
    echo '{"StackResourceSummaries": [{"ResourceType": "AWS::SQS::Queue", "LogicalResourceId": "Dead1", "PhysicalResourceId": "url"}]}' ;;
  *list-secrets*Values=p2p/try/' '*) echo p2p/try/webhooks/app ;;
  *describe-stacks*) echo table-1 ;;
  *describe-log-groups*) echo p2p-gateway-try-TokenLogs ;;
  *start-query*) echo query-1 ;;
  *get-query-results*) echo '{"status": "Complete", "results": [[{"field": "outcome", "value": "failed"}]]}' ;;
  *receive-message*) [ -e received ] || echo '{"Messages": [{"Body": "{}"}]}'; touch received ;;
  *scan*) seq "\${IDS:-2}" ;;
  *transact-write-items*)
    asked=$(jq -c '[.[].Update.Key.eventId.S]')
    case "$asked" in *'"'"\${GONE:-none}"'"'*)
      echo 'An error occurred (TransactionCanceledException): cancelled [None, ConditionalCheckFailed]' >&2; exit 254 ;;
    esac
    echo "$asked" >>refiled ;;
  *list-object-versions*)
    jq -n --argjson left "$(cat left 2>/dev/null || echo 1500)" '{Versions: [range([$left, 1000] | min) |
      {Key: "events/partner=member-portal/date=2026-12-01/\\("0" * 60)\\(.).ndjson", VersionId: "\\("0" * 28)\\(.)"}]}' ;;
  *delete-objects*)
    case "$SAYS" in '') ;; *) echo "$SAYS"; exit ;; esac
    while [ "$1" != --delete ]; do shift; done
    asked=$2
    case "$asked" in file://*) asked=$(cat "\${asked#file://}") ;; esac
    echo $(($(cat left 2>/dev/null || echo 1500) - $(jq '.Objects | length' <<<"$asked"))) >left; echo null ;;
esac
`;

const bash = (script: string, { input = '', version, env }: Run = {}) => {
  rmSync(join(folder, 'calls'), { force: true });
  writeFileSync(join(folder, 'aws'), cli(version), { mode: 0o700 });
  const PATH = `${folder}:${process.env['PATH']}`;
  return spawnSync('bash', ['--norc', '-c', `. docs/operate.sh && ${script}`], {
    cwd: root,
    encoding: 'utf8',
    input,
    env: { PATH, STAGE: 'try', ...env },
    timeout: 20_000,
  });
};

const calls = (): string[] => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');

/** The calls that change something, in order. */
const changes = (): string[] =>
  calls()
    .map((call) => call.split(' ').slice(0, 2).join(' '))
    .filter((call) => !/ (?:list-|wait)/.test(call));

describe('docs/operate.sh', () => {
  it('says what to set if no stage is named', () => {
    const { status, stderr } = bash('true', { env: { STAGE: '' } });

    expect(status).not.toBe(0);
    expect(stderr).toContain('export STAGE=NAME AWS_REGION=REGION');
  });

  it.each(['aws-cli/1.44.0 Python/3.12.3', 'bash: aws: command not found'])('is not loaded with %s', (version) => {
    const { status, stderr, stdout } = bash('echo loaded', { version });

    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain(`needs AWS CLI 2 (https://aws.amazon.com/cli/). Here is: ${version}`);
  });

  it('has no unused function', () => {
    const defined = [...documentAt('docs/operate.sh').text.matchAll(/^(\w+)\(\) \{/gm)].map(([, name = '']) => name);
    const text = [...documents(), documentAt('docs/operate.sh')]
      .map((document) => document.text.replaceAll(/^#.*$/gm, ''))
      .join('\n');
    const called = new Set([...text.matchAll(/(?:^|\$\(|[;&] )([a-z]+(?:_[a-z]+)*) /gm)].map(([, name]) => name));

    expect(defined).toHaveLength(9);
    expect(defined.filter((name) => !called.has(name))).toEqual([]);
  });

  it.each(['', 'no', 'other'])('deletes nothing if %j is typed instead of the stage', (typed) => {
    const { status, stdout } = bash('delete_unused_stage', { input: `${typed}\n` });

    expect(status).toBe(1);
    expect(stdout).toMatch(/^p2p-gateway-try\ntable-1\np2p\/try\/webhooks\/app\nkey-1\n/);
    expect(changes()).toEqual([]);
  });

  it('deletes the stack, then what it retained', () => {
    const { status } = bash('delete_unused_stage', { input: 'try\n' });

    expect(status).toBe(0);
    expect(changes()).toEqual([
      'cloudformation update-termination-protection',
      'dynamodb update-table',
      'cloudformation delete-stack',
      'dynamodb delete-table',
      'secretsmanager delete-secret',
      'kms schedule-key-deletion',
    ]);
  });

  it('keeps what a stack retains if the stack cannot be deleted', () => {
    const { status } = bash('delete_unused_stage', { input: 'try\n', env: { FAIL: '*stack-delete-complete*' } });

    expect(status).toBe(1);
    expect(changes().at(-1)).toBe('cloudformation delete-stack');
  });

  it('puts reads into the stream again a hundred a call, tells how far it is, and leaves out one that expired since', () => {
    const { status, stderr } = bash('refile 1 2', { env: { IDS: '1750', GONE: '7' } });
    const put = readFileSync(join(folder, 'refiled'), 'utf8').trim().split('\n');

    expect([status, stderr]).toEqual([
      0,
      'Asked for 800 of 1750.\nAsked for 1600 of 1750.\nPut all 1750 into the stream again.\n',
    ]);
    const ids = put.flatMap((batch) => JSON.parse(batch) as string[]);
    expect(ids.map(Number).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 1750 }, (_, at) => at + 1).filter((id) => id !== 7),
    );
    expect(calls().length).toBeLessThan(40);
    // Those of an earlier run are left out, unless they are asked for.
    expect(calls()[1]).toContain('attribute_not_exists(refiledAt)');
    bash('refile 1 2 again');
    expect(calls()[1]).not.toContain('refiledAt');
  });

  it.each([
    ['insights 60 "fields outcome"', 'outcome=failed\n'],
    ['insights 60 "fields outcome" /aws/vendedlogs/one', 'outcome=failed\n'],
    ['given_up Dead', '{}\n'],
    ['refile 1 2', ''],
    ['delete_unused_stage', expect.any(String)],
    ['empty audit --bypass-governance-retention', ''],
    ['resource Dead AWS::SQS::Queue', 'url\n'],
  ])('fails if any call of `%s` fails', (command, printed) => {
    const again = (FAIL: string) => {
      for (const name of ['left', 'received']) rmSync(join(folder, name), { force: true });
      return bash(command, { input: 'try\n', env: { FAIL } });
    };
    const { status, stdout } = again('');
    const numbers = calls().map((_, index) => index + 1);

    expect([status, stdout]).toEqual([0, printed]);
    expect(numbers.filter((number) => again(`${number} *`).status === 0)).toEqual([]);
  });

  it('empties a bucket of any size', () => {
    expect(bash('empty audit')).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(readFileSync(join(folder, 'left'), 'utf8')).toBe('0\n');
  });

  it.each([
    ['["Access Denied"]', '["Access Denied"]\n'],
    ['null', 'S3 deleted nothing.\n'],
  ])('stops if S3 answers a deletion with %s and deletes nothing', (SAYS, stderr) => {
    expect(bash('empty audit', { env: { SAYS } })).toMatchObject({ status: 1, stderr });
  });
});
