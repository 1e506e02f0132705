import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { toolEnvironment } from '../bin/run-tool.ts';
import { outputOf } from '../support/run-child.ts';
import { words } from '../support/words.ts';

const root = join(import.meta.dirname, '../..');

/** Runs the drill as a person does. */
const drill = (...args: string[]) =>
  outputOf(spawn(process.execPath, ['sandbox/drill.ts', ...args], { cwd: root, env: toolEnvironment() }));

interface Result {
  readonly faults: readonly string[];
  readonly checks: readonly { readonly says: string; readonly holds: boolean }[];
  readonly cases: readonly {
    readonly case: { readonly name: string; readonly expects: string };
    readonly fate: string;
    readonly seen: Readonly<Record<string, number>>;
  }[];
}

describe('npm run drill', () => {
  let result: Result;
  beforeAll(async () => {
    const { code, out, err } = await drill('--json');
    expect([code, err.split('\n').at(-2)]).toEqual([0, 'All is as it must be.']);
    result = JSON.parse(out) as Result;
  });

  const seenBy = (expects: string) => result.cases.filter((one) => one.case.expects === expects);

  it('brings back every grant to which nothing has happened since the copy, tokens and all', () => {
    const back = seenBy('goes on');
    expect(back.map(({ fate }) => fate)).toEqual(words('putBack putBack putBack putBack putBack changedSince'));
    for (const { case: one, seen } of back) {
      expect([one.name, seen['read'], seen['refresh']]).toEqual([one.name, 200, 200]);
    }
  });

  it('lets no grant live that was revoked, refreshed, rotated at the payer or made since, and tells its app plainly', () => {
    const gone = seenBy('signs in again');
    expect(gone).toHaveLength(10);
    for (const { case: one, seen } of gone) {
      expect([one.name, seen['read'] ?? 401, seen['refresh'] ?? 400]).toEqual([one.name, 401, 400]);
    }
  });

  it('lets no code work twice, and no replaced refresh token work at all', () => {
    for (const { seen } of result.cases) {
      expect(seen['code']).toBe(400);
      expect(seen['older'] ?? 400).toBe(400);
    }
  });

  it('finds the rest as it must be: blocks, pauses, assertions, the audit, events to partners', () => {
    expect(result.checks.length).toBeGreaterThan(5);
    expect(result.checks.filter(({ holds }) => !holds)).toEqual([]);
  });
});

describe('npm run drill, without a drill,', () => {
  it('says each step with --dry-run, and does nothing', async () => {
    const { code, out } = await drill('--dry-run');
    expect(code).toBe(0);
    expect(out).toMatch(/^1\. Start a local stack .*\n8\. Check that no ended grant .*\nNothing was done\.\n$/s);
  });
});
