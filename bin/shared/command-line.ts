import { parseArgs } from 'node:util';
import { codeOf, UsageError } from './errors.ts';
import { exit, outliveReaders } from './exit.ts';
import { helpOf } from './help.ts';
import { output } from './output.ts';
import { commandsOf, flagsOf, noWords, type Command, type Spec, type Take } from './spec.ts';

/** The text before the first space. */
type First<Text> = Text extends `${infer Word} ${string}` ? Word : Text;
type Property<Name> = Name extends `${infer Word}-${infer More}`
  ? `${Word}${Capitalize<Property<More> & string>}`
  : Name;
/** By property, what a command's flags give. */
type Given<C> = {
  readonly [K in keyof C as K extends `--${infer Flag}` ? Property<First<Flag>> : never]: C[K] extends {
    readonly take: Take<infer T>;
  }
    ? T
    : K extends `${string} ${string}`
      ? string | undefined
      : boolean;
};
type GivenWords<C> = C extends { readonly words: infer W }
  ? { readonly [K in keyof W]: W[K] extends Take<infer T> ? T : never }
  : unknown;
type Lines<S> = S extends { readonly commands: infer C }
  ? { readonly [K in keyof C]: C[K] & Omit<S, keyof C[K]> }
  : { readonly '': S };

/** What a command line of a tool says: the command, what its words and flags give. */
export type Read<S extends Spec> = {
  [K in keyof Lines<S>]: { readonly command: First<K> } & Given<Lines<S>[K]> & GivenWords<Lines<S>[K]>;
}[keyof Lines<S>];

/** In words of our own, what Node's do not say in one line. */
const inOneLine = (message: string): string => {
  const [, flag] = /^Option '(?:-\w, )?--([\w-]+)(?: <value>)?' argument (?:is ambiguous|missing)/.exec(message) ?? [];
  if (flag !== undefined) return `--${flag} needs a value; if that starts with a hyphen, write --${flag}=VALUE`;
  return (message.split(/\. |\n/)[0] ?? '').replace(/\.$/, '');
};

/** The words and, by name, what each flag was given, strictly. @throws UsageError */
const parse = (options: Readonly<Record<string, { readonly type: 'string' | 'boolean' }>>, args: readonly string[]) => {
  const several = Object.entries(options).map(([name, { type }]) => [name, { type, multiple: true }] as const);
  try {
    return parseArgs({ args: [...args], options: Object.fromEntries(several), allowPositionals: true });
  } catch (error) {
    throw new UsageError(`${inOneLine((error as Error).message)}; --help lists the flags`);
  }
};

interface Line {
  readonly words: readonly string[];
  /** By name, every value that a flag was given; a switch was given an empty one. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  readonly asksHelp: boolean;
}

/** Reads all flags of a tool, whichever command they are for. @throws UsageError */
const readLine = (spec: Spec, args: readonly string[]): Line => {
  const flags = new Map([...commandsOf(spec).values()].flatMap(flagsOf).map((flag) => [flag.name, flag]));
  const options = [...flags].map(
    ([name, { value }]) => [name, { type: value === undefined ? 'boolean' : 'string' }] as const,
  );
  const { values, positionals } = parse({ ...Object.fromEntries(options), help: { type: 'boolean' } }, args);
  const given = [...flags].flatMap(([name, { value, many }]) => {
    const all = values[name] as readonly (string | boolean)[] | undefined;
    if (all === undefined) return [];
    // Node would take the last of several values, and drop the others without a word.
    if (value !== undefined && all.length > 1 && many !== true)
      throw new UsageError(`--${name} was given twice; give one value, or run twice`);
    return [[name, value === undefined ? [''] : all.map(String)] as const];
  });
  return { words: positionals, given: new Map(given), asksHelp: values['help'] !== undefined };
};

/** The command that the words begin with, and those after it. @throws UsageError */
const commandIn = (spec: Spec, words: readonly string[]): readonly [string, Command, readonly string[]] => {
  const commands = commandsOf(spec);
  const [word] = words;
  const isUnnamed = commands.has('') && (word === undefined || commands.size === 1);
  const name = isUnnamed ? '' : word;
  if (name === undefined) throw new UsageError(helpOf(spec));
  const command = commands.get(name);
  if (command === undefined) throw new UsageError(`There is no command "${name}"; --help lists the commands`);
  return [name, command, isUnnamed ? words : words.slice(1)];
};

/**
 * Reads a tool's command line: the flags strictly, then the words, then each flag's value, then which flags go together.
 * @param nowMs epoch milliseconds
 * @throws UsageError
 */
export const readCommand = <S extends Spec>(spec: S, args: readonly string[], nowMs = Date.now()): Read<S> => {
  const { words, given } = readLine(spec, args);
  const [name, command, rest] = commandIn(spec, words);
  const flags = flagsOf(command);
  const unused = [...given.keys()].find((flag) => !flags.some((known) => known.name === flag));
  if (unused !== undefined) throw new UsageError(`--${unused} does not apply to ${name}; --help lists the flags`);
  const takes = Object.entries(
    command.words ?? noWords((word) => `Unexpected argument '${word}'; --help lists the flags`),
  );
  const read = {
    command: name,
    ...Object.fromEntries(takes.map(([key, take]) => [key, take(rest, name, nowMs)])),
    ...Object.fromEntries(flags.map((flag) => [flag.key, flag.take(given.get(flag.name) ?? [], flag.name, nowMs)])),
  };
  for (const rule of command.rules ?? []) {
    const wrong = rule(new Set(given.keys()), read);
    if (wrong !== undefined) throw new UsageError(wrong);
  }
  if (command.needsStage === true && !given.has('stage') && !given.has('config'))
    throw new UsageError(`Give --stage NAME: ${name} has no default stage`);
  return read as Read<S>;
};

/** Says what an error says to a person, and exits. @throws the error, if it is a defect */
const refuse = (error: unknown): Promise<never> => {
  const code = codeOf(error);
  if (code === undefined) throw error;
  output.note((error as Error).message);
  return exit(code);
};

/**
 * Runs a tool and exits, once its output has been read: with the tool's own code, 1 if it cannot be done, 2 if the command
 * line is wrong. It ends the process, because a DNS lookup that hangs cannot be canceled.
 */
export const runTool = async (spec: Spec, tool: (args: readonly string[]) => Promise<number>): Promise<never> => {
  const args = process.argv.slice(2);
  outliveReaders();
  try {
    if (!readLine(spec, args).asksHelp) return await exit(await tool(args));
    output.out(helpOf(spec));
    return await exit(0);
  } catch (error) {
    return refuse(error);
  }
};

/** The command line of a script that ends by itself. Exits after the help, or if the command line is wrong. */
export const readOrExit = async <S extends Spec>(spec: S): Promise<Read<S>> => {
  const args = process.argv.slice(2);
  try {
    if (!readLine(spec, args).asksHelp) return readCommand(spec, args);
    output.out(helpOf(spec, true));
  } catch (error) {
    return refuse(error);
  }
  return exit(0);
};
