import { readFlags as auditFlags } from '../../bin/audit/flags.ts';
import { readFlags as grantsFlags } from '../../bin/grants/flags.ts';
import { readFlags as membersFlags } from '../../bin/members/flags.ts';
import { readFlags as partnersFlags } from '../../bin/partners/flags.ts';
import { readFlags as payersFlags } from '../../bin/payers/flags.ts';
import { readFlags as registryFlags } from '../../bin/registry/flags.ts';
import { readFlags as releaseFlags } from '../../bin/release/flags.ts';
import { readFlags as restoreFlags } from '../../bin/restore/flags.ts';
import { UsageError } from '../../bin/shared/command-line.ts';
import { readFlags as smokeFlags } from '../../bin/smoke/flags.ts';
import { readFlags as traceFlags } from '../../bin/trace/flags.ts';
import { startMs } from '../support/gateway.ts';

type Read = (args: readonly string[]) => unknown;

const tools = {
  audit: (args) => auditFlags(args, startMs),
  grants: grantsFlags,
  members: (args) => membersFlags(args, startMs),
  partners: partnersFlags,
  payers: (args) => payersFlags(args, startMs),
  registry: registryFlags,
  release: releaseFlags,
  restore: (args) => restoreFlags(args, startMs / 1000),
  smoke: smokeFlags,
  trace: (args) => traceFlags(args, startMs),
} satisfies Record<string, Read>;
type Tool = keyof typeof tools;

/** What a tool says against a command line; empty if it takes it. */
const said = (tool: Tool, args: readonly string[]): string => {
  try {
    tools[tool](args);
    return '';
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message;
  }
};

const booleans = new Set(
  'dry-run json yes over-newer rsa previous unchecked no-secrets file paused public leaked blocked rotate finish test enable replace index-only whole-audit'.split(
    ' ',
  ),
);

describe('a command of a tool', () => {
  /** Each command with the words after it, and every flag that it takes, as its help has them. */
  const commands: readonly (readonly [tool: Tool, words: string, flags: string])[] = [
    ['grants', 'show abcdefghijklmnopqrst-1', 'stage config table'],
    ['grants', 'end abcdefghijklmnopqrst-1', 'reason dry-run stage config table'],
    ['members', 'find', 'payer patient grant member-of index-only whole-audit dry-run stage config table bucket key'],
    [
      'members',
      'report',
      'payer patient grant member-of index-only whole-audit dry-run stage config table bucket key html csv replace since until',
    ],
    ['members', 'end', 'payer patient grant member-of index-only dry-run stage config table key reason yes'],
    ['members', 'index', 'dry-run stage config table key'],
    ['partners', 'new A', 'stage config redirect-uri payer home-page logo privacy public jwks'],
    ['partners', 'rotate a', 'stage config leaked'],
    ['partners', 'block a', 'stage config reason dry-run'],
    ['partners', 'unblock a', 'stage config reason dry-run'],
    ['partners', 'list', 'stage config blocked'],
    ['partners', 'webhook a', 'stage config rotate leaked finish test enable dry-run'],
    ['partners', 'replay a', 'stage config since event dry-run'],
    ['payers', 'check', 'stage config file origin no-secrets json'],
    ['payers', 'learn https://plan.test', 'stage config origin json'],
    ['payers', 'key', 'rsa'],
    ['payers', 'secret a', 'stage config origin previous unchecked dry-run'],
    ['payers', 'pause a', 'stage config reason until dry-run'],
    ['payers', 'resume a', 'stage config reason dry-run'],
    ['payers', 'list', 'stage config paused'],
    ['payers', 'mapping', 'stage config assembly'],
    ['registry', 'diff local', 'config json table grants-table'],
    ['registry', 'apply local', 'config reason dry-run yes over-newer table grants-table'],
    ['registry', 'export local', 'config json table'],
    ['release', 'check', 'tag'],
    ['release', 'cut 0.3.0', 'date dry-run'],
    ['release', 'build', 'out dry-run'],
    ['release', 'notes', ''],
    ['restore', 'grants', 'from since reason json dry-run yes stage config table bucket'],
    ['restore', 'revocations', 'since reason dry-run yes stage config table bucket'],
    ['restore', 'stops', 'reason dry-run yes stage config table bucket'],
    ['restore', 'reads', 'from since dry-run yes stage config table'],
  ];

  it.each(commands)('%s %s takes the flags of its help and no other of the tool: %s', (tool, words, flags) => {
    const taken = new Set(flags.split(' '));
    const ofTool = new Set(commands.filter(([of]) => of === tool).flatMap(([, , all]) => all.split(' ')));
    const line = words.split(' ');

    const refused = [...ofTool].filter((flag) => {
      const given = booleans.has(flag) ? [`--${flag}`] : [`--${flag}`, 'x'];
      return said(tool, [...line, ...given]).startsWith(`--${flag} does not apply to `);
    });

    expect(refused.toSorted()).toEqual([...ofTool].filter((flag) => flag !== '' && !taken.has(flag)).toSorted());
  });

  it.each(Object.keys(tools) as Tool[])('%s prints its help for --help', (tool) => {
    expect(tools[tool](['--help'])).toBe('help');
  });

  it.each(['grants', 'members', 'partners', 'payers', 'registry', 'release', 'restore'] as const)(
    '%s prints its help if there is no command, and names one that it does not know',
    (tool) => {
      expect(said(tool, [])).toContain(`npm run ${tool}`);
      expect(said(tool, ['nonsense'])).toContain('There is no command "nonsense"; --help lists the commands');
      expect(said(tool, ['constructor'])).toContain('There is no command "constructor"');
    },
  );

  it.each<[Tool, string]>([
    ['payers', 'secret a'],
    ['payers', 'pause a --reason x'],
    ['payers', 'resume a --reason x'],
    ['payers', 'list'],
    ['payers', 'mapping'],
    ['partners', 'block a --reason x'],
    ['partners', 'unblock a --reason x'],
    ['partners', 'list'],
    ['partners', 'webhook a'],
    ['partners', 'replay a --since 2026-06-01T12:00Z'],
    ['restore', 'grants --from a --reason x'],
    ['restore', 'revocations --since 2026-06-01T12:00:00Z --reason x'],
    ['restore', 'stops --reason x'],
    ['restore', 'reads --from a'],
  ])('%s %s needs a stage, since local is not what was meant', (tool, words) => {
    const line = words.split(' ');

    expect(said(tool, line)).toBe(`Give --stage NAME: ${line[0]} has no default stage`);
    expect(said(tool, [...line, '--stage', 'local'])).toBe('');
    expect(said(tool, [...line, '--config', 'x.ts'])).toBe('');
  });
});

describe('a word of a command line', () => {
  const grant = 'abcdefghijklmnopqrst-1';
  const smoke = (...flags: string[]): string[] => ['local', ...flags];

  it.each<[tool: Tool, args: readonly string[], message: string | undefined]>([
    ['grants', ['show', grant], undefined],
    ['grants', ['show', grant.slice(1)], 'Give one grant id: 22 characters'],
    ['grants', ['show', `${grant}x`], 'Give one grant id: 22 characters'],
    ['grants', ['show', grant, grant], 'Give one grant id: 22 characters'],
    ['grants', ['end', grant], 'Give --reason TEXT: the audit records why a grant was ended'],
    ['grants', ['end', grant, '--reason', 'x'.repeat(200)], undefined],
    ['grants', ['end', grant, '--reason', 'x'.repeat(201)], 'one line of up to 200 characters'],
    ['members', ['find', '--grant', grant.slice(1)], '--grant: write the 22 characters'],
    ['members', ['find', '--member-of', `${grant}x`], '--member-of: write the 22 characters'],
    ['members', ['find'], 'Give one of --payer ID, --grant ID and --member-of ID'],
    ['members', ['find', '--payer', 'a', '--grant', grant], 'Give one of --payer ID, --grant ID and --member-of ID'],
    ['members', ['find', '--grant', grant, '--patient', 'x'], '--patient goes with --payer'],
    ['members', ['report', '--grant', grant], 'Give --html FILE, --csv FILE, or both'],
    ['members', ['report', '--grant', grant, '--csv', ''], '--csv is empty'],
    [
      'members',
      ['report', '--grant', grant, '--csv', 'a', '--since', '2026-06-01', '--until', '2026-05-31'],
      '--until 2026-05-31 is before --since 2026-06-01',
    ],
    [
      'members',
      ['report', '--grant', grant, '--csv', 'a', '--since', '2026-06-01', '--until', '2026-06-01'],
      undefined,
    ],
    ['members', ['report', '--grant', grant, '--csv', 'a', '--until', '2026-06-02'], 'which is yet to come'],
    ['members', ['find', 'patient-4711'], 'Give flags only after the command'],
    ['partners', ['block', 'a'], 'Give --reason TEXT: the audit records why a partner was blocked'],
    [
      'partners',
      ['unblock', 'a', '--reason', ' '],
      'Give --reason TEXT: the audit records why a partner was unblocked',
    ],
    ['partners', ['block', 'a', '--reason', 'two\nlines'], 'one line of up to 200 characters'],
    ['partners', ['block', '--reason', 'x'], 'Give one name'],
    ['partners', ['block', '', '--reason', 'x'], 'Give one name'],
    ['partners', ['block', 'Demo', 'Partner', '--reason', 'x'], 'Give one name, in quotes'],
    ['partners', ['list', 'demo-partner'], 'Unexpected argument "demo-partner"; list takes no name'],
    ['partners', ['new', 'A'], 'Give --redirect-uri URI'],
    ['partners', ['new', 'A', '--redirect-uri', 'x', '--public', '--jwks', 'y'], 'Give --public or --jwks, not both'],
    ['partners', ['replay', 'a', '--stage', 'x'], 'Give --since TIME or --event ID'],
    ['payers', ['secret', 'a', '--stage', 'x', '--previous', '--unchecked'], 'leave out --unchecked'],
    ['payers', ['pause', 'a'], 'Give --reason TEXT: the audit records why a payer was paused'],
    ['payers', ['resume', 'a'], 'Give --reason TEXT: the audit records why a payer was resumed'],
    ['payers', ['pause', '--reason', 'x'], 'Give the payer: pause ID --stage NAME'],
    ['payers', ['pause', 'a', '--reason', 'x', '--until', 'soon'], '--until cannot be read'],
    ['payers', ['secret'], 'Give the payer: secret ID --stage NAME'],
    ['payers', ['learn'], "Give the payer's FHIR base URL"],
    ['payers', ['check', '--origin', 'https://x.org/'], '--origin ends in a slash'],
    ['payers', ['check', 'a', 'b'], 'Unexpected argument "b"'],
    ['payers', ['key', 'a'], 'There is no command "key a"'],
    ['payers', ['list', 'a'], 'There is no command "list a"'],
    ['registry', ['diff'], 'Give one stage, or --config FILE: diff STAGE'],
    ['registry', ['diff', 'a', '--config', 'x'], 'Give one stage, or --config FILE: diff STAGE'],
    ['registry', ['diff', 'a', 'b'], 'Give one stage, or --config FILE: diff STAGE'],
    ['registry', ['apply', 'a', '--reason', ' '], 'Give --reason TEXT'],
    ['release', ['cut'], 'Give the version as three numbers'],
    ['release', ['cut', '0.3'], 'Give the version as three numbers, such as 0.3.0: cut VERSION, not 0.3'],
    ['release', ['cut', '0.3.0', '--date', '2026-02-30'], '--date is "2026-02-30"; write a day'],
    ['release', ['build'], 'build: give --out FOLDER, or --dry-run'],
    ['release', ['build', '--out', 'x', '--dry-run'], 'build: give --out FOLDER, or --dry-run'],
    ['release', ['check', '0.3.0'], 'check: too many words'],
    ['restore', ['grants', '--reason', 'x', '--stage', 'x'], 'grants needs --from TABLE'],
    ['restore', ['reads', '--stage', 'x'], 'reads needs --from TABLE'],
    ['restore', ['revocations', '--reason', 'x', '--stage', 'x'], 'revocations needs --since TIME'],
    ['restore', ['stops', '--stage', 'x'], 'Give --reason TEXT: it is kept with your name'],
    ['restore', ['reads', '--from', 'a', '--stage', 'x', '--since', '2026-06-01'], 'write a time with its zone'],
    ['restore', ['reads', '--from', 'a', '--stage', 'x', '--since', '2026-06-01T12:00:00Z'], undefined],
    ['restore', ['reads', '--from', 'a', '--stage', 'x', '--since', '2026-06-01T12:00:01Z'], 'yet to come'],
    ['restore', ['grants', 'more'], '"more" is one word too many'],
    ['smoke', [], 'Give one STAGE, or --config FILE'],
    ['smoke', ['local', 'demo'], 'Give one STAGE, or --config FILE'],
    ['smoke', smoke('--config', 'x'), 'Give one STAGE, or --config FILE'],
    ['smoke', smoke('--megabytes', '0'), '--megabytes is "0"; write a number such as 150'],
    ['smoke', smoke('--megabytes', '10000'), '--megabytes is "10000"'],
    ['smoke', smoke('--megabytes', '1.5'), '--megabytes is "1.5"'],
    ['smoke', smoke('--megabytes', '9999'), undefined],
    ['smoke', smoke('--megabytes', '1'), undefined],
    ['smoke', smoke('--origin', 'gateway.example.org'), '--origin is "gateway.example.org"; write a URL'],
    ['smoke', smoke('--origin', 'ftp://gateway.example.org'), '--origin is "ftp://gateway.example.org"'],
    ['trace', ['3f2a9c0'], 'Give one reference'],
    ['trace', ['3f2a9c01'], undefined],
    ['trace', ['a'.repeat(64)], undefined],
    ['trace', ['a'.repeat(65)], 'Give one reference'],
    ['trace', ['3f2a9c01', '77de0123'], 'Give one reference'],
    ['trace', ['3f2a9c01', '--since', '0'], '--since is "0"; write a number of hours up to 8784'],
    ['trace', ['3f2a9c01', '--since', '8784'], undefined],
    ['trace', ['3f2a9c01', '--since', '8784.001'], '--since is "8784.001"'],
    ['trace', ['3f2a9c01', '--since', '-1'], '--since needs a value'],
  ])('%s is taken, or refused in a sentence: %j', (tool, args, message) => {
    if (message === undefined) expect(said(tool, args)).toBe('');
    else expect(said(tool, args)).toContain(message);
  });

  it('becomes what it says: hours of a search, a file of at least so many megabytes, an origin without its slash', () => {
    expect(traceFlags(['3f2a9c01'], startMs)).toMatchObject({ sinceMs: startMs - 24 * 3_600_000, json: false });
    expect(traceFlags(['3f2a9c01', '--since', '0.5'], startMs)).toMatchObject({ sinceMs: startMs - 1_800_000 });
    expect(smokeFlags(['local'])).toMatchObject({ megabytes: 150, ring: false, dryRun: false });
    expect(smokeFlags(['local', '--origin', 'https://g.example.org//', '--ring'])).toMatchObject({
      origin: 'https://g.example.org',
      ring: true,
    });
    expect(payersFlags(['check', 'https://plan.test/r4'], startMs)).toMatchObject({
      command: 'learn',
      url: 'https://plan.test/r4',
    });
    expect(payersFlags(['check', 'plan'], startMs)).toMatchObject({
      command: 'check',
      target: 'plan',
      readsSecrets: true,
      fromFile: false,
    });
    expect(payersFlags(['check', '--file', '--no-secrets', '--json'], startMs)).toMatchObject({
      target: undefined,
      readsSecrets: false,
      fromFile: true,
      json: true,
    });
    expect(membersFlags(['report', '--payer', 'a', '--csv', 'x'], startMs)).toMatchObject({
      until: '2026-06-01',
      since: undefined,
      replace: false,
      wholeAudit: false,
    });
  });
});
