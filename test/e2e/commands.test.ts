import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { helpOf } from '../../bin/shared/help.ts';
import { commandsOf, type Spec } from '../../bin/shared/spec.ts';
import { stageSchema } from '../../config/checks/schema.ts';
import { fieldsAt } from '../../config/checks/unknown-fields.ts';
import { tools, type ToolName } from '../bin/tools.ts';
import { blocksOf, codeSpansOf, documentAt, documents, root } from '../docs/documents.ts';

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

const names = Object.keys(tools) as ToolName[];
const specOf = (tool: ToolName): Spec => tools[tool].spec;

/** Each command of a document, its continued lines joined: what stands behind `npm run TOOL --`, up to the next command. */
const callsIn = (tool: string): string[] =>
  documents().flatMap(({ text }) =>
    [
      ...text
        .replaceAll(/\\\n\s*/g, '')
        .matchAll(new RegExp(`npm (?:run (?:--silent )?)?${tool} -- ([^\n\`|&;>]*)`, 'g')),
    ].map(([, rest = '']) => rest.trim()),
  );

describe('what the documents say after npm run', () => {
  it.each(names)('%s has flags that the tool knows', (tool) => {
    const flags = callsIn(tool).flatMap((command) =>
      [...command.replaceAll(/"[^"]*"/g, '').matchAll(/(?<=^|[\s(])--([a-z-]+)/g)].map(([flag]) => flag),
    );
    const known = new Set([...helpOf(specOf(tool)).matchAll(/--(?:no-)?[a-z-]+/g)].map(([flag]) => flag));
    expect([...new Set(flags)].filter((flag) => !known.has(flag))).toEqual([]);
  });

  it.each(names)('%s has commands that the tool knows', (tool) => {
    const listed = [...commandsOf(specOf(tool)).keys()];
    const used = callsIn(tool).flatMap((command) => /^[a-z]+(?= |$)/.exec(command)?.[0] ?? []);
    if (listed.length > 1) expect(used.filter((name) => !listed.includes(name))).toEqual([]);
  });
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
