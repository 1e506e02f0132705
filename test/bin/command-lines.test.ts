import { readCommand } from '../../bin/shared/command-line.ts';
import { UsageError } from '../../bin/shared/errors.ts';
import { helpOf } from '../../bin/shared/help.ts';
import { commandsOf, flagsOf, texts, type Spec } from '../../bin/shared/spec.ts';
import { tools, type ToolName } from './tools.ts';

/** What a tool says against a command line; empty if it takes it. */
const said = (tool: ToolName, args: readonly string[]): string => {
  try {
    tools[tool].read(args);
    return '';
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message;
  }
};

const specOf = (tool: ToolName): Spec => tools[tool].spec;
const named = (Object.keys(tools) as ToolName[]).filter((tool) => commandsOf(specOf(tool)).size > 1);

describe('a command of a tool', () => {
  /** Each command with the words after it, and every flag that it takes. */
  const commands: readonly (readonly [tool: ToolName, words: string, flags: string])[] = [
    ['existing', 'needs local', 'config'],
    ['existing', 'check local', 'config dry-run'],
    ['exports', 'list', 'payer partner state since stage config table'],
    ['exports', 'show abcdefghijklmnopqrst-1', 'stage config table'],
    ['exports', 'end abcdefghijklmnopqrst-1', 'reason dry-run stage config table grants-table'],
    ['grants', 'list', 'via partner payer since stage config table'],
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
    [
      'partners',
      'new A',
      'stage config redirect-uri payer home-page logo privacy public jwks identity-audience consent-reason exchange-npi',
    ],
    ['partners', 'rotate a', 'stage config leaked'],
    ['partners', 'block a', 'stage config reason dry-run'],
    ['partners', 'unblock a', 'stage config reason dry-run'],
    ['partners', 'list', 'stage config blocked'],
    ['partners', 'webhook a', 'stage config rotate leaked finish test enable dry-run'],
    ['partners', 'replay a', 'stage config since event from dry-run'],
    ['payers', 'check', 'stage config file origin no-secrets json'],
    ['payers', 'learn https://plan.test', 'stage config origin further json'],
    ['payers', 'import x --out y', 'stage config out dry-run'],
    ['payers', 'drift', 'stage config file propose json'],
    ['payers', 'key', 'rsa'],
    ['payers', 'secret a', 'stage config origin exchange previous unchecked dry-run'],
    ['payers', 'pause a', 'stage config reason until dry-run'],
    ['payers', 'resume a', 'stage config reason dry-run'],
    ['payers', 'list', 'stage config paused'],
    ['payers', 'mapping', 'stage config assembly'],
    ['registry', 'diff local', 'config json table grants-table exchanges-table'],
    ['registry', 'apply local', 'config reason dry-run yes over-newer table grants-table exchanges-table'],
    ['registry', 'export local', 'config json table'],
    ['release', '', 'dry-run'],
    ['release', 'check', 'tag'],
    ['release', 'cut 0.3.0', 'date dry-run'],
    ['release', 'build', 'out dry-run'],
    ['release', 'notes', ''],
    ['restore', 'grants', 'from since reason json dry-run yes stage config table bucket'],
    ['restore', 'revocations', 'since reason dry-run yes stage config table bucket'],
    ['restore', 'stops', 'reason dry-run yes stage config table bucket'],
    ['restore', 'reads', 'from since dry-run yes stage config table'],
  ];

  it('is in this table, whichever tool has it', () => {
    const all = named.flatMap((tool) => [...commandsOf(specOf(tool)).keys()].map((command) => `${tool} ${command}`));

    expect(commands.map(([tool, words]) => `${tool} ${words.split(' ')[0]}`).sort()).toEqual(all.sort());
  });

  it.each(commands)('%s %s takes the flags of its help and no other of the tool: %s', (tool, words, flags) => {
    const ofTool = new Map(
      [...commandsOf(specOf(tool)).values()].flatMap(flagsOf).map(({ name, value }) => [name, value]),
    );
    const line = words.split(' ').filter((word) => word !== '');

    const refused = [...ofTool].flatMap(([name, value]) => {
      const given = value === undefined ? [`--${name}`] : [`--${name}`, 'x'];
      return said(tool, [...line, ...given]).startsWith(`--${name} does not apply to `) ? [name] : [];
    });

    const others = [...ofTool.keys()].filter((name) => !flags.split(' ').includes(name));
    expect(refused.toSorted()).toEqual(others.toSorted());
  });

  it.each(named)('%s prints its help if there is no command, and names one that it does not know', (tool) => {
    expect(said(tool, [])).toBe(helpOf(specOf(tool)));
    expect(said(tool, ['nonsense'])).toBe('There is no command "nonsense"; --help lists the commands');
    expect(said(tool, ['constructor'])).toContain('There is no command "constructor"');
  });

  it.each<[ToolName, string]>([
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
  const since = ['--since', '2026-05-01T12:00:00Z'];
  const why = ['--reason', 'x'];
  const stage = ['--stage', 'x'];
  const uri = ['--redirect-uri', 'https://partner.test/cb'];
  const csv = ['--grant', grant, '--csv', 'a'];
  const oneLine = 'one line of up to 200 characters';
  const oneGrant = 'Give one grant id: 22 characters';
  const noReason = 'Give --reason TEXT: the audit records it with your name';
  const oneOfFour = 'Give one of --grant ID, --partner ID, --members-of ID and --registry';
  const oneOfThree = 'Give one of --payer ID, --grant ID and --member-of ID';

  /** Undefined if it is taken. */
  type Row = readonly [args: readonly string[], message: string | undefined];
  const rows: Partial<Record<ToolName, readonly Row[]>> = {
    audit: [
      [[], oneOfFour],
      [['--grant', grant, '--partner', 'a'], oneOfFour],
      [['--registry', '--partner', 'a'], oneOfFour],
      [['--grant', 'short'], '--grant is "short"; write the 22 characters of a grant id'],
      [['--grant', '../x'], '--grant is "../x"; write the 22 characters of a grant id'],
      [['--partner', 'A'], '--partner is "A"; write a partner\'s client id'],
      [['--partner', 'a/b'], '--partner is "a/b"; write a partner\'s client id'],
      [['--partner', 'a'], '--partner needs --since DATE'],
      [['--members-of', 'a'], '--members-of needs --since DATE'],
      [['--registry'], '--registry needs --since DATE'],
      [['--registry', '--since', 'yesterday'], '--since is "yesterday"; write a day such as 2026-06-01'],
      [['--registry', '--since', '2026-02-31'], '--since is "2026-02-31"; write a day such as 2026-06-01'],
      [['--registry', '--since', '2026-06-02'], '--until 2026-06-01 is before --since 2026-06-02'],
      [['--registry', '--since', '2026-06-01'], undefined],
      [['--grant', grant], undefined],
      [['more', '--grant', grant], "Unexpected argument 'more'; --help lists the flags"],
    ],
    cost: [
      [['--payers', 'many'], '--payers is "many"; write a whole number from 0 to 999999'],
      [['--payers', '1000000'], '--payers is "1000000"; write a whole number'],
      [['--payers', '999999'], undefined],
      [['--payers', '0'], undefined],
      [['--payers', '1', '--write'], '--write does not apply to the cost of one stage'],
      [['--stage', 'x', '--dry-run'], '--dry-run does not apply to the cost of one stage'],
      [['--write', '--dry-run'], undefined],
    ],
    existing: [
      [['check'], 'Give one STAGE, or --config FILE'],
      [['check', 'a', 'b'], 'Give one STAGE, or --config FILE'],
      [['needs', 'a', '--config', 'x'], 'Give one STAGE, or --config FILE'],
      [['needs', 'a'], undefined],
    ],
    exports: [
      [['list', 'a'], 'Unexpected argument "a"; list takes no name'],
      [['list', '--state', 'done'], '--state is "done"; write one of running, waiting, overdue,'],
      [['list', '--state', 'overdue', '--since', '2h'], undefined],
      [['list', '--since', '2026-06-01T11:59Z'], undefined],
      ...['0d', '2026-06-01T12:00Z', '2027-01-01T00:00Z'].map((time): Row => [
        ['list', '--since', time],
        '--since is not in the past, so nothing would be found; write an earlier time, such as 30m,',
      ]),
      [['list', '--since', '2026-06-01'], '--since cannot be read as a duration or as a time with its zone'],
      [['show', grant], undefined],
      [['show', `${grant}${grant}`], undefined],
      [['show', `${grant}x`], "Give one export id, the last part of its URL, or its grant's id"],
      [['end', grant], noReason],
    ],
    grants: [
      [['list', '--since', '2026-06-01'], undefined],
      [['list', '--since', '2026-06-02'], '--since is 2026-06-02, which is yet to come'],
      [['show', grant], undefined],
      [['show', '--', `-${grant.slice(1)}`], undefined],
      [['show', grant.slice(1)], oneGrant],
      [['show', `${grant}x`], oneGrant],
      [['show', grant, grant], oneGrant],
      [['end', grant], noReason],
      [['end', grant, '--reason', '  '], 'Give --reason TEXT'],
      [['end', grant, '--reason', 'x'.repeat(200)], undefined],
      [['end', grant, '--reason', 'x'.repeat(201)], oneLine],
      [['end', grant, '--reason', 'two\nlines'], oneLine],
      // What turns the direction of writing could make the audit's line read otherwise.
      [['end', grant, '--reason', 'lost\u202edevice'], oneLine],
    ],
    init: [
      [['a', 'b'], 'Give one name; --help lists the flags'],
      [[], undefined],
    ],
    members: [
      [['find', '--grant', grant.slice(1)], '--grant: write the 22 characters'],
      [['find', '--member-of', `${grant}x`], '--member-of: write the 22 characters'],
      [['find'], oneOfThree],
      [['find', '--payer', 'a', '--grant', grant], oneOfThree],
      [['find', '--grant', grant, '--patient', 'x'], '--patient goes with --payer'],
      [['end', '--payer', 'northwind', '--yes'], noReason],
      [['report', '--grant', grant], 'Give --html FILE, --csv FILE, or both'],
      [['report', '--grant', grant, '--csv', ''], '--csv is empty'],
      [['report', ...csv, '--html', './a'], '--html and --csv name the same file'],
      [
        ['report', ...csv, '--since', '2026-06-01', '--until', '2026-05-31'],
        '--until 2026-05-31 is before --since 2026-06-01',
      ],
      [['report', ...csv, '--since', '2026-06-01', '--until', '2026-06-01'], undefined],
      [['report', ...csv, '--until', '2026-06-02'], '--until is 2026-06-02, which is yet to come'],
      [['report', ...csv, '--since', '2026-06-02'], '--since is 2026-06-02, which is yet to come'],
      [['find', 'patient-4711'], 'Give flags only after the command; --help lists them'],
    ],
    partners: [
      [['block', 'a'], noReason],
      [['unblock', 'a', '--reason', ' '], noReason],
      [['block', 'a', '--reason', 'two\nlines'], oneLine],
      [['block', ...why], 'Give one name'],
      [['block', '', ...why], 'Give one name'],
      [['block', 'Demo', 'Partner', ...why], 'Give one name, in quotes if it has spaces: block "Example Partner"'],
      [['list', 'demo-partner'], 'Unexpected argument "demo-partner"; list takes no name'],
      [['new'], 'Give one name, in quotes if it has spaces: new "Example Partner"'],
      [['new', 'A'], 'Give --redirect-uri URI'],
      [['new', 'A', ...uri, '--public', '--jwks', 'y'], 'Give --public or --jwks, not both'],
      [['new', 'A', ...uri, ...uri, '--payer', 'a', '--payer', 'b'], undefined],
      [['webhook', 'a', ...stage, '--rotate', '--finish'], 'Give --rotate or --finish, not both'],
      [['webhook', 'a', ...stage, '--test', '--enable'], 'Give --test or --enable, not both'],
      [['webhook', 'a', ...stage, '--leaked'], '--leaked goes with --rotate'],
      [['replay', 'a', ...stage], 'Give one of --since TIME, --event ID and --from FILE'],
      [
        ['replay', 'a', ...stage, '--since', '1d', '--event', 'x'],
        'Give one of --since TIME, --event ID and --from FILE',
      ],
    ],
    payers: [
      [['check', '--nonsense'], "Unknown option '--nonsense'; --help lists the flags"],
      [['check', '--origin', 'https://x.org/'], '--origin ends in a slash'],
      [['check', '--origin', 'gateway.test'], '--origin is not a URL'],
      [['check', 'a', 'b'], 'Give one payer at most'],
      [['key', 'a'], "Unexpected argument 'a'; --help lists the flags"],
      [['list', 'a'], "Unexpected argument 'a'; --help lists the flags"],
      [['learn'], "Give the payer's FHIR base URL"],
      [['secret'], 'Give the payer: secret ID --stage NAME'],
      [['secret', ''], 'Give the payer: secret ID --stage NAME'],
      [['secret', 'plan', 'canary'], 'Give the payer: secret ID --stage NAME'],
      [['secret', 'a', ...stage, '--previous', '--unchecked'], 'Give --previous or --unchecked, not both'],
      [['pause', ...why], 'Give the payer: pause ID --stage NAME'],
      [['pause', 'a'], noReason],
      [['resume', 'a'], noReason],
      [['pause', 'a', ...stage, ...why, '--until', 'soon'], '--until cannot be read'],
    ],
    registry: [
      [['diff'], 'Give one STAGE, or --config FILE'],
      [['diff', 'a', '--config', 'x'], 'Give one STAGE, or --config FILE'],
      [['diff', 'a', 'b'], 'Give one STAGE, or --config FILE'],
      [['apply', 'a', '--reason', ' '], 'Give --reason TEXT'],
      [['apply', 'a', '--reason', 'two\nlines'], oneLine],
      [['apply', 'a'], undefined],
    ],
    release: [
      [['cut'], 'Give the version as three numbers'],
      [['cut', '0.3'], 'Give the version as three numbers, such as 0.3.0: cut VERSION'],
      [['cut', '0.3.0', '--date', '2026-02-30'], '--date is "2026-02-30"; write a day'],
      [['build'], 'Give --out FOLDER or --dry-run'],
      [['build', '--out', 'x', '--dry-run'], 'Give --out FOLDER or --dry-run'],
      [['check', '0.3.0'], "Unexpected argument '0.3.0'"],
      [['notes', '0.3.0', '0.2.0'], 'notes: too many words'],
    ],
    restore: [
      [['grants', ...why, ...stage], 'grants needs --from TABLE'],
      [['grants', '--from', '', ...why, ...stage], 'grants needs --from TABLE'],
      [['reads', ...stage], 'reads needs --from TABLE'],
      [['revocations', ...why, ...stage], 'revocations needs --since TIME'],
      [['stops', ...stage], noReason],
      [['grants', '--from', 'x', ...stage], 'Give --reason TEXT'],
      [['reads', '--from', 'a', ...stage, '--since', '2026-06-01'], 'write a time with its zone'],
      [['reads', '--from', 'a', ...stage, '--since', '2026-06-01T12:00:00Z'], undefined],
      [
        ['reads', '--from', 'a', ...stage, '--since', '2026-06-01T12:00:01Z'],
        '--since is 2026-06-01T12:00:01Z, which is yet to come',
      ],
      [['grants', 'more', ...since], '"more" is one word too many; --help lists the flags'],
    ],
    smoke: [
      [[], 'Give one STAGE, or --config FILE'],
      [['local', 'demo'], 'Give one STAGE, or --config FILE'],
      [['local', '--config', 'x'], 'Give one STAGE, or --config FILE'],
      [['local', '--megabytes', '0'], '--megabytes is "0"; write a whole number from 1 to 9999'],
      [['local', '--megabytes', '10000'], '--megabytes is "10000"'],
      [['local', '--megabytes', '1.5'], '--megabytes is "1.5"'],
      [['local', '--megabytes', '9999'], undefined],
      [['local', '--megabytes', '1'], undefined],
      [['local', '--origin', 'gateway.example.org'], '--origin is "gateway.example.org"; write a URL'],
      [['local', '--origin', 'ftp://gateway.example.org'], '--origin is "ftp://gateway.example.org"'],
    ],
    evidence: [
      [['demo'], 'Give one stage and --out FOLDER'],
      [['demo', '--out', 'x'], undefined],
    ],
    stages: [[['a', 'b'], 'Give one folder, or none for this checkout']],
    template: [
      [['a'], 'Give one ASSEMBLY and --out FOLDER'],
      [['--out', 'x'], 'Give one ASSEMBLY and --out FOLDER'],
      [['a', 'b', '--out', 'x'], 'Give one ASSEMBLY and --out FOLDER'],
      [['a', '--out', 'x'], undefined],
    ],
    trace: [
      [[], 'Give one reference'],
      [['3f2a9c0'], 'Give one reference'],
      [['3f2a9c01'], undefined],
      [['(Reference: 3f2a9c01)'], undefined],
      [['a'.repeat(64)], undefined],
      [['a'.repeat(65)], 'Give one reference'],
      [['3f2a9c01', '77de0123'], 'Give one reference'],
      [['3f2a9c01-77de%'], 'Give one reference'],
      [['.*'], 'Give one reference'],
      [['3f2a9c01', '--since', 'yesterday'], '--since is "yesterday"; write a number of hours'],
      [['3f2a9c01', '--since', '0'], '--since is "0"; write a number of hours up to 8784'],
      [['3f2a9c01', '--since', '8784'], undefined],
      [['3f2a9c01', '--since', '8784.001'], '--since is "8784.001"'],
      [['3f2a9c01', '--since', '-1'], '--since needs a value; if that starts with a hyphen, write --since=VALUE'],
    ],
    usage: [
      [[], 'Give --month, such as --month 2026-11'],
      ...['november', '2026', '2026-13', '2026-1', '11-2026', '2026-11-01'].map((month): Row => [
        ['--month', month],
        `--month is "${month}"; write a month such as 2026-11`,
      ]),
      [['--month', '2026-05', 'more'], '--help lists the flags'],
      [['--month', '2026-07'], '--month is 2026-07, which has not begun'],
      [['--month', '2026-06'], undefined],
      [['--month', '2026-05', '--by', 'grant'], '--by is "grant"; write payer or partner'],
      [['--month', '2026-05', '--csv', ''], '--csv is empty; write the path of a file'],
    ],
    'test:model': [
      [['--commands', '1.5'], '--commands is "1.5"; write a whole number'],
      [['--store', 'other'], '--store is "other"; write dynalite or memory'],
      [['--commands', '1000000', '--seed', '1', '--store', 'memory'], undefined],
    ],
    'test:truth': [
      [['--payers', 'many'], '--payers is "many"; write a whole number'],
      [['--spec', '{'], '--spec is no JSON; write a payer as a run prints it'],
      [['--payers', '10', '--seed', '1'], undefined],
    ],
    'test:limits': [
      [['--skewed', '21'], '--skewed is "21"; write a whole number from 0 to 20'],
      [['--seconds', '0'], '--seconds is "0"; write a whole number from 1 to 86400'],
      [['--skewed', '20', '--seconds', '1'], undefined],
    ],
    'test:mutation': [
      [['nowhere'], 'There is no nowhere. Say one or more of: '],
      [['--sample', '0'], '--sample is "0"; write a whole number from 1 to 100'],
      [['--sample', '101'], '--sample is "101"; write a whole number'],
      [['token', '--sample', '100'], undefined],
      [['token', '--sample', '1'], undefined],
    ],
    'test:planted': [
      [[], 'Say --seed NUMBER'],
      [['--seed', '1', '--count', '0'], '--count is "0"; write a whole number from 1 to 100000'],
      [['--seed', '1', '--only', 'a'], '--only is "a"; write numbers such as 3,17'],
      [['--seed', '1', '--only', '3,17'], undefined],
    ],
    drill: [
      [['--more', '20001'], '--more is "20001"; write a whole number from 0 to 20000'],
      [['--more', '20000'], undefined],
    ],
    demo: [
      [['--member', 'nobody'], 'There is no member "nobody"; use one of: clinical, '],
      [['--member', 'claims'], undefined],
    ],
    soak: [
      [['--minutes', '121'], '--minutes takes a number above 0 and up to 120'],
      [['--minutes', '120'], undefined],
      [['--rate', '201'], '--rate takes a number above 0 and up to 200'],
      [['--rate', '200'], undefined],
      [['--rate', '0'], '--rate takes a number above 0 and up to 200'],
      [['--rate', '1e2'], '--rate takes a number above 0 and up to 200'],
      [['--rate', ''], '--rate takes a number above 0 and up to 200'],
      [['--minutes', '0.5'], undefined],
    ],
  };

  const all = (Object.keys(rows) as ToolName[]).flatMap((tool) =>
    rows[tool]!.map(([args, message]) => [tool, args, message] as const),
  );
  it.each(all)('%s is taken, or refused in a sentence: %j', (tool, args, message) => {
    if (message === undefined) expect(said(tool, args)).toBe('');
    else expect(said(tool, args)).toContain(message);
    expect(said(tool, args)).not.toContain('\n');
  });

  it.each<[ToolName, string[], object]>([
    ['trace', ['3f2a9c01'], { since: 24, json: false }],
    ['trace', ['3f2a9c01', '--since', '0.5'], { since: 0.5 }],
    ['smoke', ['local'], { megabytes: 150, ring: false, dryRun: false }],
    [
      'smoke',
      ['local', '--origin', 'https://g.example.org//', '--ring'],
      { origin: 'https://g.example.org', ring: true },
    ],
    ['payers', ['check', 'https://plan.test/r4'], { command: 'learn', url: 'https://plan.test/r4' }],
    ['payers', ['drift', 'a', 'b', 'a'], { ids: ['a', 'b'], propose: undefined, file: false, json: false }],
    ['payers', ['check', 'plan'], { command: 'check', target: 'plan', noSecrets: false, file: false }],
    [
      'payers',
      ['check', '--file', '--no-secrets', '--json'],
      { target: undefined, noSecrets: true, file: true, json: true },
    ],
    ['members', ['report', '--payer', 'a', '--csv', 'x'], { until: '2026-06-01', since: undefined, replace: false }],
    ['audit', ['--grant', grant], { grant, since: undefined, until: '2026-06-01', json: false }],
    ['audit', ['--partner', 'a', '--since', '2026-05-01'], { partner: 'a', since: '2026-05-01' }],
    [
      'audit',
      ['--registry', '--since', '2026-05-01', '--until', '2026-05-02'],
      { registry: true, until: '2026-05-02' },
    ],
    ['usage', ['--month', '2026-05'], { by: 'payer', month: { name: '2026-05' } }],
    ['partners', ['webhook', 'a', ...stage], { action: 'make' }],
    ['partners', ['webhook', 'a', ...stage, '--rotate'], { action: 'rotate' }],
    ['partners', ['webhook', 'a', ...stage, '--rotate', '--leaked'], { action: 'replace' }],
    ['partners', ['webhook', 'a', ...stage, '--finish'], { action: 'finish' }],
    ['partners', ['webhook', 'a', ...stage, '--test'], { action: 'test' }],
    ['partners', ['webhook', 'a', ...stage, '--enable'], { action: 'enable' }],
    ['restore', ['revocations', ...stage, ...why, ...since], { since: 1_777_636_800, reason: 'x', dryRun: false }],
    ['soak', [], { minutes: 10, rate: 50 }],
    ['cost', [], { stage: undefined, payers: undefined, write: false }],
  ])('%s %j is read as what it says', (tool, args, values) => {
    expect(tools[tool].read(args)).toMatchObject(values);
  });
});

describe('the reader of command lines', () => {
  const spec = {
    call: 'npm run try --',
    about: 'Tries.',
    commands: {
      'one ID [flags]': {
        does: `does one thing, ${'and says so at length '.repeat(6)}`.trim(),
        words: { id: ([id]: readonly string[]) => id },
        '--dry-run': 'does nothing',
        '--stage NAME': 'the stage',
      },
      two: {
        or: '--all',
        changes: 'does another',
        silent: true,
        '--all': 'does all',
        '--alarm ADDRESS': texts('whom to tell'),
        '--stage NAME': 'the stage',
      },
    },
    more: 'That is all.',
    rows: {},
  } as const satisfies Spec;
  const read = (...args: string[]) => readCommand(spec, args);

  it('gives the command, its word and every flag of it, and no other’s', () => {
    expect(read('one', 'x')).toEqual({ command: 'one', id: 'x', dryRun: false, stage: undefined });
    expect(read('two', '--alarm', 'a', '--all', '--all', '--alarm=-b')).toMatchObject({
      all: true,
      alarm: ['a', '-b'],
    });
    expect(read('one', '--dry-run', '--stage', 'a', '--', '-x')).toMatchObject({ id: '-x', dryRun: true, stage: 'a' });
  });

  it.each([
    [['one', '--stage', 'a', '--stage', 'b'], '--stage was given twice; give one value, or run twice'],
    [
      ['one', '--stage'],
      '--stage needs a value; if that starts with a hyphen, write --stage=VALUE; --help lists the flags',
    ],
    [['one', '--all'], '--all does not apply to one; --help lists the flags'],
    [['two', '--dry-run=yes'], "Option '--dry-run' does not take an argument; --help lists the flags"],
    [['two', 'x'], "Unexpected argument 'x'; --help lists the flags"],
    [['one', '--nonsense'], "Unknown option '--nonsense'; --help lists the flags"],
  ])('refuses %j in one line', (args, message) => {
    expect(() => read(...args)).toThrow(new UsageError(message));
  });

  it('makes the help of the same data: calls, commands, and each flag once, with the commands that it is for', () => {
    expect(helpOf(spec)).toBe(`npm run try -- one ID [flags]
npm run --silent try -- two
npm run --silent try -- two --all

Tries.

one  does one thing, and says so at length and says so at length and says so at length and says so at length and says so
     at length and says so at length
two  does another

  --dry-run         one: does nothing
  --all             two: does all
  --alarm ADDRESS   two: whom to tell
  --stage NAME      the stage
  --help            this text

That is all.
Exits with 0 if it is done, 1 if it cannot be done, 2 if the command line is wrong, 74 if it is done and its output was
lost.`);
  });
});
