import { spawn, spawnSync } from 'node:child_process';
import { closeSync, globSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

const root = join(import.meta.dirname, '../..');

/** A tool that writes 2 MB to stdout, does something more, and then says on stderr that its work is done. */
const toolThat = ({ more, returns }: { readonly more: string; readonly returns: number }): string => `
  import { runTool } from './bin/shared/command-line.ts';
  import { output } from './bin/shared/output.ts';
  const spec = { call: 'npm run try --', changes: 'nothing', rows: {} };
  await runTool(spec, async () => {
    for (let line = 0; line < 20_000; line += 1) console.log('x'.repeat(99));
    ${more}
    console.error('done');
    return ${returns};
  });`;

const startTool = ({
  more = '',
  returns = 3,
  stdout = 'pipe',
}: { readonly more?: string; readonly returns?: number; readonly stdout?: 'pipe' | number } = {}) => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', toolThat({ more, returns })], {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', stdout, 'pipe'],
  });
  const notes: Buffer[] = [];
  child.stderr!.on('data', (chunk: Buffer) => void notes.push(chunk));
  const ended = new Promise<{ code: number | null; notes: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, notes: Buffer.concat(notes).toString() }));
  });
  return { child, ended };
};

describe('a tool whose output goes into a pipe', () => {
  it('gives a slow reader every byte before it exits with its own code', async () => {
    const { child, ended } = startTool();
    let bytes = 0;
    for await (const chunk of child.stdout! as AsyncIterable<Buffer>) {
      if (bytes === 0) await setTimeout(200);
      bytes += chunk.length;
    }

    expect(bytes).toBe(2_000_000);
    expect(await ended).toEqual({ code: 3, notes: 'done\n' });
  });

  it('does its work to the end without a word if the reader leaves early', async () => {
    const { child, ended } = startTool();
    child.stdout!.once('data', () => child.stdout!.destroy());

    expect(await ended).toEqual({ code: 3, notes: 'done\n' });
  });

  it.each([
    ['a success becomes 74', 0, 74, 'The command was carried out, but its'],
    ['another code stays', 3, 3, 'Its'],
  ])(
    'does its work to the end on a full disk, and says that its output was lost: %s',
    async (_what, code, ends, says) => {
      const full = openSync('/dev/full', 'w');
      const { ended } = startTool({ returns: code, stdout: full });
      closeSync(full);

      const notes = `done\n${says} output could not be written (ENOSPC), and was lost.\n`;
      expect(await ended).toEqual({ code: ends, notes });
    },
  );

  it.each([['a full disk'], ['a reader who has left']])(
    'says what to do about a secret that is lost: %s',
    async (where) => {
      const full = openSync('/dev/full', 'w');
      const isFull = where === 'a full disk';
      const { child, ended } = startTool({
        more: "output.secret('canary', 'Make another.');",
        returns: 0,
        stdout: isFull ? full : 'pipe',
      });
      closeSync(full);
      if (!isFull) child.stdout!.once('data', () => child.stdout!.destroy());

      const { code, notes } = await ended;
      expect([code, notes]).toEqual([
        74,
        expect.stringContaining('\nThe secret could not be written. Make another.\n'),
      ]);
      expect(notes).not.toContain('canary');
    },
  );

  it('is each tool, since all of them exit in one way', () => {
    // The CDK's app, and what writes one of the repository's own files.
    const others = new Set(['bin/app.ts', 'bin/make-search-targets.ts']);
    const tools = globSync('bin/*.ts', { cwd: root }).filter((file) => !others.has(file));
    const sources = globSync('bin/**/*.ts', { cwd: root });
    const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

    expect(tools.filter((file) => !/^await runTool\(/m.test(textOf(file)))).toEqual([]);
    expect(sources.filter((file) => textOf(file).includes('process.exit('))).toEqual(['bin/shared/exit.ts']);
    // And all write in one way: output.ts shows what a terminal would obey. A question is cleaned where it is asked.
    const writers = sources.filter((file) => /\bconsole\.|stdout\.write\(/.test(textOf(file)));
    expect(writers).toEqual(['bin/app.ts', 'bin/shared/output.ts']);
  });
});

const runScript = (file: string, ...args: readonly string[]) =>
  spawnSync(process.execPath, [file, ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

it('a tool asks nothing where nobody can answer, and names the flag that it needs', () => {
  const { status, stderr } = runScript('bin/init.ts', 'mine');

  expect([status, stderr]).toEqual([2, expect.stringMatching(/^Give --production or --no-production: /)]);
});

it('a script that ends by itself reads all that follows its name', () => {
  const folder = mkdtempSync(join(tmpdir(), 'script-'));
  const file = join(folder, 'try.ts');
  const commandLine = JSON.stringify(join(root, 'bin/shared/command-line.ts'));
  writeFileSync(
    file,
    `import { readOrExit } from ${commandLine};
    const take = (given: readonly string[]): readonly string[] => given;
    const spec = { call: '', changes: 'nothing', words: { all: take }, rows: {} } as const;
    console.log(JSON.stringify(await readOrExit(spec)));`,
  );
  const { stdout } = runScript(file, 'one', 'two');
  rmSync(folder, { recursive: true });

  expect(JSON.parse(stdout)).toMatchObject({ all: ['one', 'two'] });
});
