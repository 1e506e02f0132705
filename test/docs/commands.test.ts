import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandsOf, flagsOf, type Spec } from '../../bin/shared/spec.ts';
import { byHand, tools, type Tool } from '../bin/tools.ts';
import { root } from './documents.ts';

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
const all = Object.entries<Tool>(tools);

describe('a tool', () => {
  it('is known by its spec, whichever script runs it and whichever file of bin it is', () => {
    const run = Object.entries(scripts).flatMap(([name, script]) => {
      const [, file] = / ([\w/-]+\.ts)$/.exec(script) ?? [];
      return file === undefined || script.includes('jest') ? [] : [[name, file] as const];
    });
    const inBin = readdirSync(join(root, 'bin')).filter((name) => name.endsWith('.ts') && name !== 'app.ts');

    expect(Object.fromEntries(all.map(([name, { file }]) => [name, file]))).toEqual(Object.fromEntries(run));
    const known = new Set([...all.map(([, { file }]) => file), byHand.file]);
    expect(inBin.filter((name) => !known.has(`bin/${name}`))).toEqual([]);
  });

  it.each(all)('%s is called by the name of its script', (name, { spec }) => {
    expect(spec.call).toBe(name === 'start' ? 'npm start --' : `npm run ${name} --`);
  });

  const commands = [...all, ['make-search-targets', byHand] as const].flatMap(([name, { spec }]) =>
    [...commandsOf(spec)].map(([command, known]) => [`${name} ${command}`, known] as const),
  );
  /** A soak, a benchmark or Stryker has nothing to try: what they write is their report. */
  const reports = /^(?:test:|bench|conformance:docs)/;

  it.each(commands.filter(([name, { changes }]) => changes !== undefined && !reports.test(name)))(
    'that changes something can be tried with --dry-run: %s',
    (_name, command) => {
      expect(flagsOf(command).map(({ name }) => name)).toContain('dry-run');
    },
  );
});

/** A row of a table of commands. */
const rowsOf = ({ call, rows }: Spec): string[][] =>
  Object.entries(rows).map(([calls, does]) => {
    const [first = '', ...others] = calls.split(', ');
    const whole = first === '' ? call.replace(/ --$/, '') : `${call} ${first}`;
    return [[whole, ...others].map((one) => `\`${one}\``).join(', '), does];
  });

/** As Prettier pads it. */
const tableOf = (rows: readonly (readonly string[])[]): string => {
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[], fill = ' '): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!, fill)).join(' | ')} |`;
  const [head = [], ...others] = rows;
  return [line(head), line(['', ''], '-'), ...others.map((row) => line(row))].join('\n');
};

const ofTests = ({ file }: Tool): boolean => /^(?:test|bench)\//.test(file);
const documents = [
  ['README.md', (tool: Tool) => !ofTests(tool)],
  ['docs/testing.md', ofTests],
] as const;

describe('the table of commands', () => {
  it.each(documents)('of %s has a row for each tool, as its spec says; COMMANDS_DOC=write writes it', (path, has) => {
    const rows = all.flatMap(([, tool]) => (has(tool) ? rowsOf(tool.spec) : []));
    const table = tableOf([['command', 'what it does'], ...rows]);
    const text = readFileSync(join(root, path), 'utf8');
    const written = text.replace(/^\| command +\| what it does .*?(?=\n\n)/ms, () => table);
    if (process.env['COMMANDS_DOC'] === 'write') writeFileSync(join(root, path), written);

    expect(text).toBe(written);
    expect(text).toContain(table);
  });

  it.each(all)('names every command of %s', (_name, { spec }) => {
    const named = Object.keys(spec.rows).flatMap((calls) => calls.split(', ').map((call) => call.split(' ')[0]));
    const commands = [...commandsOf(spec).keys()];

    expect(spec.rows).not.toEqual({});
    if (commands.length > 1) expect(named).toEqual(expect.arrayContaining(commands.filter((name) => name !== '')));
  });
});
