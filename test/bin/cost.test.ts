import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cost } from '../../bin/cost/cost.ts';
import { ownEverything } from '../support/own-everything.ts';

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

  it('prices one stage: the example’s, or one with other numbers', async () => {
    const costOf = async (what: string, ...args: string[]): Promise<number> => {
      const { out } = await run(...args);
      return Number(new RegExp(`^\\| ${what}.* ([\\d.]+) \\|$`, 'm').exec(out.replaceAll('*', ''))?.[1]);
    };

    expect((await run('--stage', 'production-example')).out).toContain('| 2 payers, 3 partners |');
    expect((await run('--payers', '5000', '--partners', '1000')).out).toContain('| 5,000 payers, 1,000 partners |');
    // Each payer has a secret, and the example has one more for exchanges.
    expect(await costOf("Payers' secrets", '--payers', '5000')).toBe(2000.4);
    expect(await costOf("Payers' secrets", '--payers', '5000', '--secrets', '40')).toBe(16.4);
    expect(await costOf('Alarms', '--payers', '5000')).toBe(await costOf('Alarms', '--payers', '2'));
    expect(await costOf('Metrics of the stage', '--payers', '5000')).toBe(
      await costOf('Metrics of the stage', '--payers', '2'),
    );
    expect(await costOf('Total', '--payers', '5000')).toBeGreaterThan(await costOf('Total', '--payers', '2'));
  });

  it('counts nothing that a stage brings of its own, and says what that is', async () => {
    const stage = join(folder, 'own.json');
    writeFileSync(stage, JSON.stringify(await ownEverything()));
    const { out } = await run('--config', stage);
    const rows = new Map([...out.matchAll(/^\| (.+?) +\| +([\d.]+) \|$/gm)].map(([, what, usd]) => [what, usd]));
    const rowOf = (start: string): string | undefined =>
      [...rows].find(([what]) => what?.startsWith(start) === true)?.[1];

    expect(rowOf('KMS keys')).toBe('0.00');
    expect(rowOf('`network`: NAT')).toBe('0.00');
    expect(rowOf('`network`: endpoints')).toBe('0.00');
    // The API's own web ACL, with five rules, stays behind CloudFront.
    expect(rowOf('`waf`')).toBe('10.00');
    expect(out).toContain(
      'Not counted, since the stage brings it: the VPC vpc-0a1b2c3d4e5f60718 with its way out and its endpoints; ' +
        'the keys for data, audit, exports and memberIndex; the log destination; the alarm topic; the ticket topic; the web ACL.',
    );
    expect((await run('--stage', 'production-example')).out).not.toContain('Not counted');
  });

  it('counts the keys that a stage does not bring', async () => {
    const { existing, ...config } = await ownEverything({ edge: false });
    const stage = join(folder, 'own.json');
    writeFileSync(
      stage,
      JSON.stringify({
        ...config,
        alarmAddresses: ['oncall@example.org'],
        existing: { keys: { audit: existing?.keys?.audit } },
      }),
    );
    const { out } = await run('--config', stage);

    expect(out).toMatch(/^\| KMS keys.* 4\.00 \|$/m);
    expect(out).toMatch(/^\| `waf`.* 11\.00 \|$/m);
    expect(out).toContain('Not counted, since the stage brings it: the key for audit.');
  });

  it('has no more secrets than payers', async () => {
    await expect(run('--payers', '5', '--secrets', '6')).rejects.toThrow('--secrets is 6, more than the 5 payers');
  });

  it('leaves a document without its markers as it is', async () => {
    writeFileSync(file, `${begin}\n`);
    await expect(run('--write')).rejects.toThrow(`lacks ${begin} or ${end}`);
    expect(readFileSync(file, 'utf8')).toBe(`${begin}\n`);
  });
});
