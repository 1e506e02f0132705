import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { documentAt, documents, root } from './documents.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'operate-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A fake AWS with a table and a key in the stack, which records its calls. */
const aws = (canDelete: boolean, version = 'aws-cli/2.31.0 Python/3.13.7'): string => `
aws() {
  case "$1" in --version) echo '${version}'; return ;; esac
  echo "$*" >>'${folder}/calls'
  case "$*" in
    *list-stack-resources*AWS::DynamoDB::Table*) echo table-1 ;;
    *list-stack-resources*AWS::KMS::Key*) echo key-1 ;;
    *list-secrets*Values=p2p/try/payers/*) echo p2p/try/payers/plan ;;
    *wait*stack-delete-complete*) return ${canDelete ? 0 : 255} ;;
  esac
}`;

const bash = (script: string, input: string, env: Record<string, string> = { STAGE: 'try' }) =>
  spawnSync('bash', ['-c', script], { cwd: root, encoding: 'utf8', input, env: { PATH: process.env['PATH'], ...env } });

/** The calls that change something, in order. */
const changes = (): string[] =>
  readFileSync(join(folder, 'calls'), 'utf8')
    .trim()
    .split('\n')
    .map((call) => call.split(' ').slice(0, 2).join(' '))
    .filter((call) => !/ (?:list-|wait)/.test(call));

describe('docs/operate.sh', () => {
  it('says what to set if no stage is named', () => {
    const { status, stderr } = bash('. docs/operate.sh', '', {});

    expect(status).not.toBe(0);
    expect(stderr).toContain('export STAGE=NAME AWS_REGION=REGION');
  });

  it.each(['aws-cli/1.44.0 Python/3.12.3', 'bash: aws: command not found'])('is not loaded with %s', (version) => {
    const { status, stderr, stdout } = bash(`${aws(true, version)}\n. docs/operate.sh && echo loaded`, '');

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
    const { status, stdout } = bash(`${aws(true)}\n. docs/operate.sh && delete_unused_stage`, `${typed}\n`);

    expect(status).toBe(1);
    expect(stdout).toMatch(/^p2p-gateway-try\ntable-1\np2p\/try\/payers\/plan\nkey-1\n/);
    expect(changes()).toEqual([]);
  });

  it('deletes the stack, then what it retained', () => {
    const { status } = bash(`${aws(true)}\n. docs/operate.sh && delete_unused_stage`, 'try\n');

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
    const { status } = bash(`${aws(false)}\n. docs/operate.sh && delete_unused_stage`, 'try\n');

    expect(status).toBe(1);
    expect(changes().at(-1)).toBe('cloudformation delete-stack');
  });
});
