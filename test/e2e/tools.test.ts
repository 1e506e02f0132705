import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localStage } from '../../config/local.ts';
import { sha256 } from '../../functions/shared/store/crypto.ts';
import { runTool } from '../bin/run-tool.ts';

/** A wrong command line ends with the code and the sentence, writes nothing to stdout, and prints no stack trace. */
const saysWhatToDo = (tool: string) => async (args: readonly string[], code: number, text: string) => {
  // Nothing answers there.
  const ended = await runTool(tool, args, { AWS_ENDPOINT_URL: 'http://127.0.0.1:1' });
  expect(ended).toMatchObject({ code, out: '' });
  expect(ended.err).toContain(text);
  expect(ended.err).not.toMatch(/^ {4}at /m);
};

describe('npm run grants, used wrongly,', () => {
  const id = 'abcdefghijklmnopqrst-1';
  it.each([
    [[], 2, 'npm run grants -- show ID'],
    [['stop', id], 2, 'There is no command "stop"'],
    [['end', id], 2, 'Give --reason TEXT'],
    [['end', id, '--reason', '  '], 2, 'Give --reason TEXT'],
    [['end', id, '--reason', 'two\nlines'], 2, 'one line of up to 200 characters'],
    // What turns the direction of writing could make the audit's line read otherwise.
    [['end', id, '--reason', 'lost\u202edevice'], 2, 'one line of up to 200 characters'],
    [['end', id, '--reason', 'x'.repeat(201)], 2, 'one line of up to 200 characters'],
    [['end', 'short', '--reason', 'x'], 2, 'Give one grant id'],
    [['end', id, id, '--reason', 'x'], 2, 'Give one grant id'],
    [['show', id, '--reason', 'x'], 2, '--reason does not apply to show'],
    [['show', id, '--dry-run'], 2, '--dry-run does not apply to show'],
    [['show', id], 1, 'The local stack does not answer. Run `npm start`'],
    [['show', id, '--table', 'x'], 1, 'The table cannot be used (dynamodb: '],
  ])('says what to do: %j', saysWhatToDo('grants.ts'));
});

describe('npm run registry, used wrongly,', () => {
  const why = ['--reason', 'x'];
  it.each([
    [[], 2, 'npm run registry -- diff STAGE'],
    [['undo', 'local'], 2, 'There is no command "undo"'],
    [['diff'], 2, 'Give one stage, or --config FILE: diff STAGE'],
    [['diff', 'local', 'demo'], 2, 'Give one stage'],
    [['diff', 'local', '--config', 'x.json'], 2, 'Give one stage'],
    [['diff', 'local', ...why], 2, '--reason does not apply to diff'],
    [['export', 'local', '--yes'], 2, '--yes does not apply to export'],
    [['apply', 'local', '--json'], 2, '--json does not apply to apply'],
    [['apply', 'local'], 2, 'Give --reason TEXT'],
    [['apply', 'local', '--reason', 'two\nlines'], 2, 'one line of up to 200 characters'],
    [['diff', 'nowhere'], 1, 'config/nowhere.ts: does not exist'],
    [['diff', 'local'], 1, 'Stage local is what `npm start` serves, but nothing answers at'],
  ])('says what to do: %j', saysWhatToDo('registry.ts'));
});

describe('npm run trace, used wrongly,', () => {
  const reference = '3f2a9c01-77de';
  it.each([
    [[], 2, 'Give one reference'],
    [['a', 'b'], 2, 'Give one reference'],
    [['3f2a9c'], 2, 'Give one reference'],
    [['3f2a9c01-77de%'], 2, 'Give one reference'],
    [['.*'], 2, 'Give one reference'],
    [[reference, '--since', 'yesterday'], 2, '--since is "yesterday"; write a number of hours'],
    [[reference, '--since', '0'], 2, '--since is "0"; write a number of hours'],
    [[reference, '--stag', 'x'], 2, '--help lists the flags'],
    [[reference], 1, 'The local stack does not answer. Run `npm start`'],
  ])('says what to do: %j', saysWhatToDo('trace.ts'));
});

describe('npm run usage, used wrongly,', () => {
  it.each([
    [[], 2, 'Give --month, such as --month 2026-11'],
    [['--month', 'november'], 2, '--month is "november"; write a month such as 2026-11'],
    [['--month', '2099-12'], 2, '--month is 2099-12, which has not begun'],
    [['--month', '2026-01', '--by', 'grant'], 2, '--by is "grant"; write payer or partner'],
    [['--month', '2026-01', '--csv', 'nowhere/usage.csv'], 1, 'nowhere/usage.csv cannot be written (ENOENT)'],
    [['--month', '2026-01', '--dry'], 2, '--help lists the flags'],
    [['--month', '2026-01'], 1, 'The local stack does not answer. Run `npm start`'],
  ])('says what to do: %j', saysWhatToDo('usage.ts'));
});

describe('npm run restore, used wrongly,', () => {
  const stage = ['--stage', 'local'];
  const why = ['--reason', 'x'];
  const since = ['--since', '2026-06-01T12:00:00Z'];
  it.each([
    [[], 2, 'npm run restore -- grants --from TABLE'],
    [['undo', ...stage], 2, 'There is no command "undo"'],
    [['grants', 'x', ...stage], 2, '"x" is one word too many'],
    [['grants', ...why, ...stage], 2, 'grants needs --from TABLE'],
    [['grants', '--from', 'x', ...stage], 2, 'Give --reason TEXT'],
    [['grants', '--from', 'x', ...why], 2, 'Give --stage NAME: grants has no default stage'],
    [['grants', '--from', 'x', ...why, ...stage, '--since', 'yesterday'], 2, '--since is "yesterday"; write a time'],
    [['grants', '--from', 'x', ...why, ...stage, '--since', '2999-01-01T00:00Z'], 2, 'which is yet to come'],
    [['revocations', ...why, ...stage], 2, 'revocations needs --since TIME'],
    [['stops', ...why, ...stage, ...since], 2, '--since does not apply to stops'],
    [['reads', '--from', 'x', ...why, ...stage], 2, '--reason does not apply to reads'],
    [['reads', '--from', 'x', ...since, ...stage], 1, 'The local stack does not answer. Run `npm start`'],
  ])('says what to do: %j', saysWhatToDo('restore.ts'));
});

describe('npm run smoke, used wrongly,', () => {
  it.each([
    [[], 2, 'Give one STAGE'],
    [['local', 'demo'], 2, 'Give one STAGE'],
    [['local', '--origin', 'gateway'], 2, '--origin is "gateway"'],
    [['local', '--megabytes', 'many'], 2, '--megabytes is "many"'],
    [['local', '--payer', 'nobody'], 1, 'The stage has no payer nobody.'],
    [['nowhere'], 1, 'nowhere'],
  ])('says what to do: %j', saysWhatToDo('smoke.ts'));
});

describe('npm run partners', () => {
  it('new writes only the secret to stdout, without a newline, and its hash in the entry on stderr', async () => {
    const args = ['new', 'Example Partner', '--redirect-uri', 'https://partner.test/cb', '--payer', 'northwind'];

    const { code, out, err } = await runTool('partners.ts', args);

    expect(code).toBe(0);
    expect(out).toMatch(/^[0-9a-f]{64}$/);
    expect(err).toContain(`secretHashes: ['${sha256(out)}']`);
    expect(err).toContain("payers: ['northwind']");
    expect(err).not.toContain(out);
  });

  it('new names the payer that has no client id yet, and the file to write it into', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'partners-'));
    try {
      const file = join(folder, 'stage.json');
      const [plan] = localStage().payers;
      const payers = [{ ...plan, clientId: 'pending-registration' }];
      await writeFile(file, JSON.stringify({ stage: 'try', production: false, payers, partners: [] }));
      const uri = ['--redirect-uri', 'https://partner.test/cb'];

      const { code, out, err } = await runTool('partners.ts', ['new', 'Portal', ...uri, '--config', file]);

      expect([code, out]).toEqual([1, '']);
      expect(err.trim()).toBe(
        `${file}: payer "demo-health-plan" has no client id yet (pending-registration); write the one that the payer gave ` +
          'into its entry, or name other payers with --payer',
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('new --public writes nothing to stdout', async () => {
    const args = ['new', 'Example App', '--redirect-uri', 'https://partner.test/cb', '--public'];

    const { code, out, err } = await runTool('partners.ts', args);

    expect([code, out]).toEqual([0, '']);
    expect(err).toContain("clientAuthentication: ['none']");
  });

  it('rotate writes only the new secret to stdout, and both hashes with the ordered steps to stderr', async () => {
    const { code, out, err } = await runTool('partners.ts', ['rotate', 'demo-partner']);
    const old = sha256('demo-partner-secret');

    expect(code).toBe(0);
    expect(out).toMatch(/^[0-9a-f]{64}$/);
    expect(err).toContain(`secretHashes: ['${old}', '${sha256(out)}']`);
    expect(err).toMatch(/1\. Write both.*2\. Give.*3\. Wait.*4\. Remove the old hash, and apply/s);
    expect(err).not.toContain(out);
  });

  it('rotate --leaked says to remove the old hash at once, and prints no hash but the new one', async () => {
    const { code, out, err } = await runTool('partners.ts', ['rotate', 'demo-partner', '--leaked']);

    expect(code).toBe(0);
    expect(out).toMatch(/^[0-9a-f]{64}$/);
    expect(err).toMatch(/REMOVE every old hash from .* now: write only the new one, and apply/);
    expect([...err.matchAll(/'([\w-]{43})'/g)].map(([, hash]) => hash)).toEqual([sha256(out)]);
    expect(err).not.toMatch(/both secrets work|Wait until/);
  });

  it.each([
    [[], 2, /npm run --silent partners -- new/],
    [['make', 'x'], 2, /^There is no command "make"/],
    [['new'], 2, /^Give one name/],
    [['new', 'Two', 'Words', '--redirect-uri', 'https://partner.test/cb'], 2, /^Give one name, in quotes/],
    [['new', 'x'], 2, /^Give --redirect-uri/],
    [['new', 'x', '--redirect-uri', 'https://partner.test/cb', '--public', '--jwks', 'x'], 2, /not both/],
    [
      ['new', 'x', '--redirect-uri', 'https://partner.test/cb', '--jwks', 'nowhere.json'],
      1,
      /^nowhere.json cannot be read/,
    ],
    [['rotate', 'demo-partner', '--public'], 2, /^--public does not apply to rotate/],
    [['new', 'x', '--redirect-uri', 'https://partner.test/cb', '--leaked'], 2, /^--leaked does not apply to new/],
    [['rotate', 'nobody'], 1, /^Stage local has no partner/],
    [['rotate', 'x', '--stage', 'nowhere'], 1, /^config\/nowhere.ts: does not exist/],
  ])('%j exits with %d, writes nothing to stdout, and says what to do', async (args, code, line) => {
    const ended = await runTool('partners.ts', args);

    expect([ended.code, ended.out]).toEqual([code, '']);
    expect(ended.err).toMatch(line);
  });
});
