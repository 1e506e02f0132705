import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { stageSchema } from '../../config/schema.ts';
import { fieldsAt } from '../../config/unknown-fields.ts';
import { runTool } from '../bin/run-tool.ts';
import { blocksOf, codeSpansOf, documentAt, documents, root } from '../docs/documents.ts';
import { toolCommands } from './tool-commands.ts';

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

/** The files of all tools. The CDK's app is no command of a person's. */
const files = [
  ...readdirSync(join(root, 'bin')).flatMap((name) => (/(?<!^app)\.ts$/.test(name) ? [`bin/${name}`] : [])),
  'sandbox/start.ts',
];
const nameOf = (file: string): string => basename(file, '.ts');
const tools = files.map(nameOf);

/** What each tool says after --help. */
const helps = new Map<string, string>();
beforeAll(async () => {
  for (const file of files) {
    const { code, out } = await runTool(`../${file}`, ['--help']);
    expect([file, code]).toEqual([file, 0]);
    helps.set(nameOf(file), out);
  }
});
const helpOf = (tool: string): string => helps.get(tool) ?? '';

/** Each command of a document, its continued lines joined: what stands behind `npm run TOOL --`, up to the next command. */
const commandsOf = (tool: string): string[] =>
  documents().flatMap(({ text }) =>
    [
      ...text
        .replaceAll(/\\\n\s*/g, '')
        .matchAll(new RegExp(`npm (?:run (?:--silent )?)?${tool} -- ([^\n\`|&;>]*)`, 'g')),
    ].map(([, rest = '']) => rest.trim()),
  );

it('npm runs each tool by its name, but for two', () => {
  const others = files.filter((file) => scripts[nameOf(file)]?.endsWith(`node ${file}`) !== true);
  expect(others).toEqual(['bin/changelog-check.ts', 'bin/make-search-targets.ts']);
});

describe('what the documents say after npm run', () => {
  it.each(tools)('%s has flags that the tool knows', (tool) => {
    const flags = commandsOf(tool).flatMap((command) =>
      [...command.replaceAll(/"[^"]*"/g, '').matchAll(/(?<=^|[\s(])--([a-z-]+)/g)].map(([flag]) => flag),
    );
    const known = new Set([...helpOf(tool).matchAll(/--(?:no-)?[a-z-]+/g)].map(([flag]) => flag));
    expect([...new Set(flags)].filter((flag) => !known.has(flag))).toEqual([]);
  });

  it.each(tools)('%s has commands that the tool knows', (tool) => {
    const listed = new Set(
      [...helpOf(tool).matchAll(new RegExp(`npm run (?:--silent )?${tool} -- ([a-z]+)`, 'g'))].map(([, name]) => name),
    );
    const used = commandsOf(tool).flatMap((command) => /^[a-z]+(?= |$)/.exec(command)?.[0] ?? []);
    if (listed.size > 0) expect(used.filter((name) => !listed.has(name))).toEqual([]);
  });
});

/** The help's first lines, one for each way to call the tool. */
const commandsIn = (help: string): string[] => {
  const calls = [...help.matchAll(/^(?:npm run (?:--silent )?[\w:-]+ --|node bin\/[\w-]+\.ts)(?: ([a-z]+))?/gm)];
  return [...new Set(calls.map(([, command = '']) => command))];
};

/** The commands that a tool's help allows a dry run of; undefined if it says none, since that is all of them. */
const dryRunOf = (help: string): readonly string[] | undefined => {
  const [, line = ''] = /^ +--dry-run +(.+)$/m.exec(help) ?? [];
  return /^(?:with )?([a-z]+(?:, [a-z]+)*): /.exec(line)?.[1]?.split(', ');
};

describe('every command that writes', () => {
  it('is in the table, with every other command of every tool', () => {
    expect([...Object.keys(toolCommands), 'start'].sort()).toEqual(tools.toSorted());
    const found = Object.keys(toolCommands).map((tool) => [tool, commandsIn(helpOf(tool)).sort()]);
    expect(found).toEqual(Object.entries(toolCommands).map(([tool, known]) => [tool, Object.keys(known).sort()]));
  });

  it.each(Object.entries(toolCommands).filter(([, known]) => Object.values(known).some((kind) => kind !== 'nothing')))(
    'has --dry-run, and its help says so: %s',
    (tool, known) => {
      expect(helpOf(tool)).toMatch(/^ +--dry-run +\S/m);
      const writing = Object.keys(known).filter((command) => known[command] !== 'nothing');
      expect(dryRunOf(helpOf(tool)) ?? writing).toEqual(expect.arrayContaining(writing));
    },
  );
});

describe('a stage that the documents name', () => {
  it('is the reader’s own, by one placeholder or the variable of the shell functions', () => {
    const named = documents()
      .filter(({ path }) => path.startsWith('docs/') && !path.startsWith('docs/reports/'))
      .flatMap(({ path, text }) =>
        [...text.matchAll(/(?:--stage|-c stage=) ?([^\s`]+)/g)].map(([, stage]) => `${path}: ${stage}`),
      );

    expect(named.length).toBeGreaterThan(20);
    // Stage `local` is everyone's, to try a command on a fresh clone.
    const readers = /: (?:NAME|"\$STAGE"|production-example|local)$/;
    expect(named.filter((one) => !readers.test(one))).toEqual([]);
  });
});

describe('npx cdk in the documents', () => {
  const commands = documents().flatMap((document) =>
    blocksOf(document)
      .filter(({ language }) => language === 'sh')
      .flatMap(({ code }) => code.replaceAll(/\\\n\s*/g, '').match(/npx cdk [^\n&#]*/g) ?? [])
      .map((command) => `${document.path}: ${command}`),
  );

  // The app has no default stage, and the CDK runs it for every command, bootstrap with an environment included.
  it('names a stage at every command', () => {
    expect(commands.length).toBeGreaterThan(5);
    expect(commands.filter((command) => !command.includes(' -c stage='))).toEqual([]);
  });

  it('never deploys, compares or destroys without naming a stage', () => {
    const written = documents()
      .filter(({ path }) => path !== 'CHANGELOG.md')
      .flatMap(({ text }) =>
        [...text.matchAll(/npx cdk (?:deploy|diff|destroy|synth)(?!`)[^\n`]*/g)].map(([command]) => command),
      );
    expect(written.length).toBeGreaterThan(10);
    expect(written.filter((command) => !/-c stage=|--tags|--app/.test(command))).toEqual([]);
  });

  it('comes after the stage is written, in the way from an empty account', () => {
    const { text } = documentAt('docs/deploy.md');
    const written = text.indexOf('npm run init -- NAME');
    expect(text.indexOf('npx cdk')).toBeGreaterThan(written);
    expect(written).toBeGreaterThan(0);
  });
});

describe('the tables of fields', () => {
  const path = 'docs/payers.md';
  /** The code in the second column of the table that begins like this. */
  const codeIn = (head: string): string[] => {
    const { text } = documentAt(path);
    const [table = ''] = text.slice(text.indexOf(head)).split('\n\n');
    return table
      .split('\n')
      .slice(2)
      .flatMap((row) => codeSpansOf({ path, text: row.split('|')[2] ?? '' }));
  };
  const ofPayers = fieldsAt(stageSchema, ['payers', 0]);

  it('name fields of a payer', () => {
    const named = codeIn('| what');
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((field) => !ofPayers.includes(field))).toEqual([]);
  });

  it('have an example for every quirk, and none for another', () => {
    const ofQuirks = fieldsAt(stageSchema, ['payers', 0, 'quirks']);
    const quirks = codeIn('| the payer').flatMap((code) => /^quirks: \{ (\w+): /.exec(code)?.[1] ?? []);
    const others = codeIn('| the payer').flatMap((code) => /^(?!quirks)(\w+): /.exec(code)?.[1] ?? []);
    expect([...new Set(quirks), 'pkceOffReason'].sort()).toEqual([...ofQuirks].sort());
    expect(others.length).toBeGreaterThan(5);
    expect(others.filter((field) => !ofPayers.includes(field))).toEqual([]);
  });
});

describe('the defaults of npx cdk', () => {
  it('include no stage, and the npm scripts that run it name theirs', () => {
    const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { context: object };
    expect(Object.keys(context).filter((name) => /^(?:stage|config|localStack)$/.test(name))).toEqual([]);
    const running = Object.values(scripts).filter((script) => /\bcdk /.test(script));
    expect(running.length).toBeGreaterThan(0);
    expect(running.filter((script) => !/ -c stage=[a-z]/.test(script))).toEqual([]);
  });
});
