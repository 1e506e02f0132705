import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cost } from '../../bin/cost/cost.ts';

const begin = '<!-- begin: npm run cost -->';
const end = '<!-- end: npm run cost -->';

describe('npm run cost', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cost-'));
    file = join(folder, 'cost.md');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const run = async (...args: string[]) => {
    const told = { out: '', note: '' };
    const output = { out: (text: string) => void (told.out += text), note: (text: string) => void (told.note += text) };
    return { code: await cost(args, { file, output }), ...told };
  };

  it('prints the tables, and touches no file', async () => {
    const { code, out, note } = await run();
    expect([code, note]).toEqual([0, '']);
    expect(out.split('\n').filter((line) => line.startsWith('| ')).length).toBeGreaterThan(30);
  });

  it('says with --dry-run whether the document would change, and writes it only without', async () => {
    const before = `Before.\n\n${begin}\n\nold\n\n${end}\n\nAfter.\n`;
    writeFileSync(file, before);
    expect(await run('--write', '--dry-run')).toEqual({
      code: 0,
      out: '',
      note: `${file} would change. Nothing was written.`,
    });
    expect(readFileSync(file, 'utf8')).toBe(before);

    expect((await run('--write')).note).toBe(`${file} was written.`);
    const { out: tables } = await run();
    const after = `Before.\n\n${begin}\n\n${tables}\n\n${end}\n\nAfter.\n`;
    expect(readFileSync(file, 'utf8')).toBe(after);

    expect((await run('--write', '--dry-run')).note).toBe(`${file} is up to date. Nothing was written.`);
    expect((await run('--write')).note).toBe(`${file} is up to date.`);
    expect(readFileSync(file, 'utf8')).toBe(after);
  });

  it('leaves a document without its markers as it is', async () => {
    writeFileSync(file, `${begin}\n`);
    await expect(run('--write')).rejects.toThrow(`lacks ${begin} or ${end}`);
    expect(readFileSync(file, 'utf8')).toBe(`${begin}\n`);
  });
});
