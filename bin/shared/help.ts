import { commandsOf, flagsOf, type Command, type KnownFlag, type Spec } from './spec.ts';

/** Columns of a line. */
const width = 120;

/** Of a tool that takes `--stage` or a stage's name, and calls AWS. */
const awsHelp = `Credentials and region come from the usual AWS settings (AWS_PROFILE, AWS_REGION). For stage local, the tool calls what
npm start serves.`;

const exitHelp = 'Exits with 0 if it is done, 1 if it cannot be done, 2 if the command line is wrong.';
const lostOutput = ', 74 if it is done and its output was lost.';

/** A term and its text, whose further lines are indented like its first. */
const entry = (term: string, description: string, from: number): string => {
  const lines = [''];
  for (const word of description.split(/\s+/)) {
    const line = lines.pop()!;
    if (line === '') lines.push(word);
    else if (from + line.length + 1 + word.length > width) lines.push(line, word);
    else lines.push(`${line} ${word}`);
  }
  return term.padEnd(from) + lines.join(`\n${' '.repeat(from)}`);
};

const entries = (rows: readonly (readonly [term: string, description: string])[], gap: number): string => {
  const from = Math.max(...rows.map(([term]) => term.length)) + gap;
  return rows.map(([term, description]) => entry(term, description, from)).join('\n');
};

interface Row {
  readonly term: string;
  readonly help: string;
  readonly commands: readonly string[];
}

const termOf = ({ name, value }: KnownFlag): string => `  --${name}${value === undefined ? '' : ` ${value}`}`;

/** Each flag once, after those that any command has before it. */
const flagRows = (commands: readonly (readonly [string, Command])[]): Row[] => {
  const columns = commands.map(([name, command]) => ({
    name,
    rows: flagsOf(command).map((flag) => `${termOf(flag)}\n${flag.help.replaceAll(/\s+/g, ' ')}`),
  }));
  const left = new Set(columns.flatMap(({ rows }) => rows));
  const ordered: string[] = [];
  for (let next: string | undefined; left.size > 0; left.delete(next), ordered.push(next)) {
    const comesFirst = (row: string): boolean =>
      columns.every(({ rows }) => !rows.slice(0, Math.max(0, rows.indexOf(row))).some((before) => left.has(before)));
    next = [...left].find(comesFirst) ?? [...left][0]!;
  }
  return ordered.map((row) => {
    const [term = '', help = ''] = row.split('\n');
    return { term, help, commands: columns.flatMap(({ name, rows }) => (rows.includes(row) ? [name] : [])) };
  });
};

/** Which commands a flag is for, unless it is for all. */
const prefixOf = (of: readonly string[], all: readonly string[]): string => {
  if (of.length === all.length) return '';
  const others = all.filter((name) => !of.includes(name));
  return others.length === 1 && all.length > 3
    ? `all but ${others[0]}: `
    : `${of.filter((name) => name !== '').join(', ')}: `;
};

/**
 * What a tool prints after --help.
 * @param endsByItself whether no exit code of its tells that output was lost
 */
export const helpOf = (spec: Spec, endsByItself = false): string => {
  const { call, more, exits = exitHelp } = spec;
  const exitLines = endsByItself ? exits : entry('', exits.replace(/\.$/, lostOutput), 0);
  const all = [...commandsOf(spec)];
  const names = all.map(([name]) => name);
  const usages = all.flatMap(([name, { usages: lines, silent }]) =>
    lines.map((rest) => {
      const whole = silent === true ? call.replace('npm run ', 'npm run --silent ') : call;
      return [whole, name, rest]
        .filter((part) => part !== '')
        .join(' ')
        .replace(/ --$/, '');
    }),
  );
  const doesOf = ({ does, changes }: Command): string => does ?? changes;
  const [about, does] =
    'commands' in spec
      ? [spec.about, all.flatMap(([name, command]) => (name === '' ? [] : [[name, doesOf(command)] as const]))]
      : [doesOf(spec), []];
  const flags = flagRows(all).map(({ term, help, commands: of }) => [term, prefixOf(of, names) + help] as const);
  const asksAws = all.some(([, { needsStage }]) => needsStage !== undefined);
  return [
    usages.join('\n'),
    about,
    ...(does.length === 0 ? [] : [entries(does, 2)]),
    entries([...flags, ['  --help', 'this text']], 3),
    [...(more === undefined ? [] : [more]), ...(asksAws ? [awsHelp] : []), exitLines].join('\n'),
  ].join('\n\n');
};
