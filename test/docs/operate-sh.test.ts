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

/** What a stack retains, as CloudFormation names it, and what its deletion must give to AWS. */
const retained = [
  ['DynamoDB::Table', 'table-1', 'dynamodb delete-table', '--table-name table-1'],
  ['SecretsManager::Secret', 'arn:secret-1', 'secretsmanager delete-secret', '--secret-id arn:secret-1'],
  ['Logs::LogGroup', 'group-1', 'logs delete-log-group', '--log-group-name group-1'],
  ['KMS::Key', 'key-1', 'kms schedule-key-deletion', '--key-id key-1'],
  // PublicIp and AllocationId are the type's identifiers, and EC2 requires the second ("This parameter is required"):
  // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReleaseAddress.html
  ['EC2::EIP', '192.0.2.7|eipalloc-1', 'ec2 release-address', '--allocation-id eipalloc-1'],
  ['S3::Bucket', 'bucket-1', 's3api delete-bucket', '--bucket bucket-1'],
  ['IAM::Role', 'role-1', 'iam delete-role', '--role-name role-1'],
  ['IAM::ManagedPolicy', 'arn:policy-1', 'iam delete-policy', '--policy-arn arn:policy-1'],
  ['Lambda::Function', 'edge-1', 'lambda delete-function', '--function-name edge-1 --region us-east-1'],
] as const;

/** What AWS answers about one of these that is gone, or a key that is going. */
const gone = [
  ['dynamodb *-table *', 'ResourceNotFoundException'],
  ['secretsmanager delete-secret *', 'ResourceNotFoundException'],
  ['logs delete-log-group *', 'ResourceNotFoundException'],
  [
    'kms schedule-key-deletion *',
    'KMSInvalidStateException) when calling the operation: arn:key-1 is pending deletion',
  ],
  ['kms schedule-key-deletion *', 'NotFoundException'],
  ['ec2 release-address *', 'InvalidAllocationID.NotFound'],
  ['s3api delete-bucket *', 'NoSuchBucket'],
  ['iam *', 'NoSuchEntity'],
  ['lambda delete-function *', 'ResourceNotFoundException'],
] as const;

/**
 * A stand-in for the AWS CLI as a program, since the kernel limits what a program may get. It records its calls, and one that
 * FAIL matches, after its number, fails as the CLI does, and says SAYS. The bucket has 1,500 versions, named as the audit names them.
 */
const cli = (version = 'aws-cli/2.31.0 Python/3.13.7'): string => `#!/usr/bin/env bash
case "$1" in --version) echo '${version}'; exit ;; esac
cd '${folder}'
echo "$*" >>calls
mapfile -t made <calls
case "\${#made[@]} $*" in $FAIL) echo "An error occurred ($SAYS)" >&2; exit 254 ;; esac
case "$*" in
  'secretsmanager delete-secret --secret-id p2p/try/webhooks/app '*) ;;
${retained
  .map(([type, name, call, parameter]) =>
    [
      `  *list-stack-resources*AWS::${type}*) echo '${name}' ;;`,
      `  '${call} ${parameter}'*) ;;`,
      `  '${call}'*) echo 'An error occurred (MissingParameter)' >&2; exit 254 ;;`,
    ].join('\n'),
  )
  .join('\n')}
  *list-stack-resources*json*)
    echo '{"StackResourceSummaries": [{"ResourceType": "AWS::SQS::Queue", "LogicalResourceId": "Dead1", "PhysicalResourceId": "url"}]}' ;;
  *list-secrets*Values=p2p/try/' '*) echo p2p/try/webhooks/app ;;
  'apigateway get-account'*) echo "arn:aws:iam::111122223333:role/\${LOG_ROLE:-another}" ;;
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
    const called = new Set(
      [...text.matchAll(/(?<=^ *|\$\(|[;&] |do |unless_gone )([a-z]+(?:_[a-z]+)*)(?= )/gm)].map(([, name]) => name),
    );

    expect(defined).toHaveLength(13);
    expect(defined.filter((name) => !called.has(name))).toEqual([]);
  });

  it.each(['', 'no', 'other'])('deletes nothing if %j is typed instead of the stage', (typed) => {
    const { status, stdout } = bash('delete_unused_stage', { input: `${typed}\n` });

    expect(status).toBe(1);
    expect(stdout).toMatch(
      /^p2p-gateway-try\ntable-1\narn:secret-1\np2p\/try\/webhooks\/app\ngroup-1\nkey-1\n192\.0\.2\.7\|eipalloc-1\nbucket-1\nrole-1\narn:policy-1\nedge-1\n/,
    );
    expect(changes()).toEqual([]);
  });

  it('deletes the stack, then what it retained, naming each as AWS requires', () => {
    const { status, stderr } = bash('delete_unused_stage', { input: 'try\n' });

    expect([status, stderr]).toEqual([0, '']);
    expect(changes()).toEqual([
      'cloudformation update-termination-protection',
      'dynamodb update-table',
      'cloudformation delete-stack',
      'dynamodb delete-table',
      'secretsmanager delete-secret',
      'secretsmanager delete-secret',
      'logs delete-log-group',
      'kms schedule-key-deletion',
      'ec2 release-address',
      's3api delete-bucket',
      'apigateway get-account',
      'iam detach-role-policy',
      'iam delete-role',
      'iam delete-policy',
      'lambda delete-function',
    ]);
  });

  it('leaves a log role that the account names, and the edge function while it has copies, and says so', () => {
    // https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-edge-delete-replicas.html
    const SAYS = 'InvalidParameterValueException): Lambda was unable to delete it because it is a replicated function.';
    const env = { LOG_ROLE: 'role-1', FAIL: '*lambda delete-function*', SAYS };
    const { status, stdout, stderr } = bash('delete_unused_stage', { input: 'try\n', env });

    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('Left role-1 and arn:policy-1');
    expect(stdout).toContain('In some hours: aws lambda delete-function --function-name edge-1 --region us-east-1\n');
    expect(changes().filter((change) => change.startsWith('iam'))).toEqual([]);
  });

  it.each(gone)('goes on if AWS answers %s with %s', (call, SAYS) => {
    const { status, stderr } = bash('delete_unused_stage', { input: 'try\n', env: { FAIL: `* ${call}`, SAYS } });

    expect([status, stderr]).toEqual([0, '']);
    expect(changes().at(-1)).toBe('lambda delete-function');
    // The command would wait for a table that is not there.
    expect(calls().some((made) => made.includes('wait table-exists'))).toBe(!call.startsWith('dynamodb'));
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
