import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

const ci = join(import.meta.dirname, '../../.ci');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'p2p-gate-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a script of the gate; programs in the test's folder come before all others. */
const run = (script: string, ...args: string[]) => {
  const { status, stdout } = spawnSync(join(ci, script), args, {
    encoding: 'utf8',
    env: { PATH: [folder, dirname(process.execPath), process.env['PATH']].join(delimiter) },
  });
  return { status, said: stdout };
};

const json = (name: string, content: unknown): string => {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
};

describe("the sum of the suites' results", () => {
  const passed = { numPassedTests: 3, testResults: [{ name: 'a.test.ts', status: 'passed', assertionResults: [] }] };

  it('is a success if all tests of all suites passed', () => {
    const one = json('results-test.json', passed);
    const other = json('results-test-e2e.json', passed);

    expect(run('sum-results.cjs', one, other)).toEqual({
      status: 0,
      said: 'test: passed 3, failed 0\ntest-e2e: passed 3, failed 0\n6 passed, 0 failed\n',
    });
  });

  it('is a failure if a suite ended without results', () => {
    const one = json('results-test.json', passed);

    expect(run('sum-results.cjs', one, join(folder, 'results-test-hard.json'))).toEqual({
      status: 1,
      said: 'test: passed 3, failed 0\ntest-hard: ended without results\n3 passed, 1 failed\n',
    });
  });

  it('is a failure that names the test and its first lines if a test failed', () => {
    const failed = {
      numPassedTests: 2,
      testResults: [
        {
          name: 'b.test.ts',
          status: 'failed',
          assertionResults: [
            { status: 'passed', fullName: 'it holds', failureMessages: [] },
            { status: 'failed', fullName: 'it adds', failureMessages: ['expected 2\nreceived 3'] },
          ],
        },
      ],
    };

    expect(run('sum-results.cjs', json('results-test.json', failed))).toEqual({
      status: 1,
      said:
        'failed: b.test.ts: it adds\n    expected 2\n    received 3\n' +
        'test: passed 2, failed 1\n2 passed, 1 failed\n',
    });
  });

  it('is a failure if a test file could not be run', () => {
    const broken = {
      numPassedTests: 0,
      testResults: [{ name: 'c.test.ts', status: 'failed', message: 'SyntaxError', assertionResults: [] }],
    };

    expect(run('sum-results.cjs', json('results-test.json', broken))).toEqual({
      status: 1,
      said: 'failed: c.test.ts\n    SyntaxError\ntest: passed 0, failed 1\n0 passed, 1 failed\n',
    });
  });
});

describe('the check of the packages with the registry', () => {
  const verified = '5 packages have verified registry signatures';

  /** What npm answers to `npm audit --json` and to `npm audit signatures`. */
  const check = (advisories: unknown, signatures: string) => {
    const answer = json('advisories.json', advisories);
    const said = join(folder, 'signatures.txt');
    writeFileSync(said, `${signatures}\n`);
    const npm = `#!/bin/sh\ncase "$*" in 'audit --json') cat '${answer}' ;; 'audit signatures') cat '${said}' ;; esac\n`;
    writeFileSync(join(folder, 'npm'), npm, { mode: 0o755 });
    return run('registry-checks');
  };

  const found = (counts: Partial<Record<'critical' | 'high' | 'moderate' | 'low', number>>) => ({
    metadata: { vulnerabilities: { critical: 0, high: 0, moderate: 0, low: 0, ...counts } },
  });

  it.each([
    ['critical', 1, 'advisories: 1 critical, 0 high, 0 moderate, 0 low'],
    ['high', 1, 'advisories: 0 critical, 1 high, 0 moderate, 0 low'],
    ['moderate', 0, 'advisories: 0 critical, 0 high, 1 moderate, 0 low'],
    ['low', 0, 'advisories: 0 critical, 0 high, 0 moderate, 1 low'],
  ])('ends with one advisory of severity %s in exit code %i', (severity, code, line) => {
    const { status, said } = check(found({ [severity]: 1 }), verified);

    expect(status).toBe(code);
    expect(said.split('\n')[0]).toBe(line);
  });

  it('says that advisories were not checked, and passes, if the registry gives no answer', () => {
    expect(check({ error: { code: 'ENOTFOUND' } }, verified)).toEqual({
      status: 0,
      said: `advisories: not checked (the registry gave no answer)\nsignatures: ${verified}\n`,
    });
  });

  it('reads an answer that is larger than a command line', () => {
    const { status, said } = check({ ...found({ high: 2 }), vulnerabilities: 'x'.repeat(300_000) }, verified);

    expect(status).toBe(1);
    expect(said).toContain('2 high');
  });

  it.each([
    ['1 package has an invalid registry signature:', 1],
    ['2 packages have missing registry signatures but the registry is providing signing keys:', 1],
    ['npm error code ENOTFOUND', 0],
    [verified, 0],
  ])('ends with the signatures "%s" in exit code %i', (signatures, code) => {
    expect(check(found({}), signatures).status).toBe(code);
  });
});
