import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { helpOf } from '../../bin/shared/help.ts';
import { sha256 } from '../../functions/shared/store/crypto.ts';
import { runTool } from '../bin/run-tool.ts';
import { byHand, tools } from '../bin/tools.ts';

const files = [...Object.values(tools), byHand].map(({ file, spec }) => [file, spec] as const);

describe('a tool in a process of its own', () => {
  // What each command line is told: test/bin/command-lines.test.ts.
  it.each(files)('prints its help: %s', async (file, spec) => {
    const source = readFileSync(join(import.meta.dirname, '../..', file), 'utf8');
    const endsByItself = source.includes('await readOrExit(');
    expect(endsByItself).toBe(!source.includes('await runTool('));
    const help = `${helpOf(spec, endsByItself)}\n`;
    expect(await runTool(`../${file}`, ['--help'])).toEqual({ code: 0, out: help, err: '' });
  });

  // The one that ends with runTool, and the one that begins with readOrExit: these two read all command lines.
  it.each(['bin/payers.ts', 'test/model/run.ts'])(
    'refuses a wrong command line with 2 and one line: %s',
    async (file) => {
      const err = "Unknown option '--non\\u001b[2Jsense\\u202e'; --help lists the flags\n";
      expect(await runTool(`../${file}`, ['--non\u001B[2Jsense\u202E'])).toEqual({ code: 2, out: '', err });
    },
  );

  const grant = 'abcdefghijklmnopqrst-1';
  const since = ['--since', '2026-06-01T12:00:00Z', '--stage', 'local'];
  it.each([
    ['audit', ['--grant', grant], 'The local stack does not answer. Run `npm start`'],
    ['grants', ['show', grant], 'The local stack does not answer. Run `npm start`'],
    ['grants', ['show', grant, '--table', 'x'], 'The local stack does not answer. Run `npm start`'],
    [
      'registry',
      ['diff', 'local'],
      'Stage local is what `npm start` serves, but none of this folder has its AWS at http://127.0.0.1:1;',
    ],
    ['trace', ['3f2a9c01-77de'], 'The local stack does not answer. Run `npm start`'],
    ['usage', ['--month', '2026-01'], 'The local stack does not answer. Run `npm start`'],
    ['restore', ['reads', '--from', 'x', ...since], 'The local stack does not answer. Run `npm start`'],
    ['payers', ['check'], 'The local stack does not answer. Run `npm start`, or set AWS_ENDPOINT_URL'],
  ])('exits with 1 and one line on stderr where AWS does not answer: %s %j', async (tool, args, says) => {
    const { code, out, err } = await runTool(`${tool}.ts`, args, { AWS_ENDPOINT_URL: 'http://127.0.0.1:1' });

    expect([code, out, err.trimEnd().split('\n')]).toEqual([1, '', [expect.stringContaining(says)]]);
  });

  it('writes a new partner’s secret alone to stdout, without a newline, and its hash in the entry to stderr', async () => {
    const args = ['new', 'Example Partner', '--redirect-uri', 'https://partner.test/cb', '--payer', 'northwind'];

    const { code, out, err } = await runTool('partners.ts', args);

    expect(code).toBe(0);
    expect(out).toMatch(/^[0-9a-f]{64}$/);
    expect(err).toContain(`secretHashes: ['${sha256(out)}']`);
    expect(err).toContain("payers: ['northwind']");
    expect(err).toContain('Paste into partners in config/local.ts, and start `npm start` again:');
    expect(err).not.toContain(out);
  });
});
