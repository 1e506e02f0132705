import { inWords } from '../../config/checks/in-words.ts';
import { UsageError } from './errors.ts';

/**
 * Makes a value of all that a command line gives for a flag, or as words; a switch is given an empty text.
 * @param name of the flag, or of the command that the words are for
 * @param nowMs epoch milliseconds
 * @throws UsageError
 */
export type Take<T> = (given: readonly string[], name: string, nowMs: number) => T;

/**
 * Says what is wrong with flags together.
 * @param given the names of the flags that the command line has
 * @param values of all flags, by their properties
 */
export type Rule = (given: ReadonlySet<string>, values: Readonly<Record<string, unknown>>) => string | undefined;

/** A flag that is more than a text or a switch. */
export interface Flag<T = unknown> {
  readonly help: string;
  /** Whether it may be repeated. */
  readonly many?: boolean;
  readonly take: Take<T>;
}

/** For the help, what it does. A command that `changes` something for good has a flag `--dry-run`. */
type Does =
  { readonly does: string; readonly changes?: undefined } | { readonly changes: string; readonly does?: undefined };

interface Flags {
  /** `false` if local is the default; `true` if a stage must be named, since the command would do harm, or mislead, at the wrong one. */
  readonly needsStage?: boolean;
  /** The one property that the words after it become. @default none are taken */
  readonly words?: Readonly<Record<string, Take<unknown>>>;
  /** In the order in which they are asked. */
  readonly rules?: readonly Rule[];
  readonly [flag: `--${string}`]: string | Flag;
}

/**
 * One command of a tool. A property such as `'--since TIME'` describes a flag with a value, and one such as `'--dry-run'` a switch. If
 * the property is only a help text, the flag's value is used as it was typed.
 */
export type Command = Flags &
  Does & {
    /** What else can follow the command's name. */
    readonly or?: string;
    /** Whether stdout is meant for a pipe, so that npm must be silent. */
    readonly silent?: boolean;
  };

/** A tool that does one thing. */
type OneCommand = Command & {
  /** What follows its call, one line each. @default `[flags]` */
  readonly usage?: string | readonly string[];
};

/** A tool with several. Its own flags, words and rules are those of each command, after the command's own. */
interface Commands extends Flags {
  readonly about: string;
  /** Each by its name and what follows that. One that begins with a space has no name. */
  readonly commands: Readonly<Record<string, Command>>;
}

/** All that is known of a tool without running it. */
export type Spec = (OneCommand | Commands) & {
  /** How it is called, up to the command: `npm run grants --`. */
  readonly call: string;
  /** What the help says after the flags. */
  readonly more?: string;
  /** What the help says of its exit codes. */
  readonly exits?: string;
  /** For the README: calls, separated by commas, and what they do. */
  readonly rows: Readonly<Record<string, string>>;
};

/** `dryRun` as `dry-run`. */
export const flagName = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** A command's flag, as it is read. */
export interface KnownFlag extends Flag {
  /** Without the hyphens: `dry-run`. */
  readonly name: string;
  /** The property that its value becomes: `dryRun`. */
  readonly key: string;
  /** What the help calls its value. A switch has none. */
  readonly value: string | undefined;
}

const takeText: Take<string | undefined> = ([given]) => given;
const takeSwitch: Take<boolean> = (given) => given.length > 0;

const knownFlag = (name: string, value: string | undefined, flag: string | Flag): KnownFlag => ({
  name,
  key: name.replaceAll(/-(\w)/g, (_hyphen, letter: string) => letter.toUpperCase()),
  value,
  ...(typeof flag === 'string' ? { help: flag, take: value === undefined ? takeSwitch : takeText } : flag),
});

/** The flags of a command, in its order. */
export const flagsOf = (command: Command): readonly KnownFlag[] =>
  Object.entries(command).flatMap(([property, flag]: [string, string | Flag]) => {
    const [, name, value] = /^--(\S+)(?: (.+))?$/.exec(property) ?? [];
    return name === undefined ? [] : knownFlag(name, value, flag);
  });

/** A tool's commands by name, with what follows it; a tool that does one thing has one without a name. */
export const commandsOf = (spec: Spec): ReadonlyMap<string, Command & { readonly usages: readonly string[] }> => {
  if (!('commands' in spec)) return new Map([['', { ...spec, usages: [spec.usage ?? '[flags]'].flat() }]]);
  const { commands, call: _call, about: _about, more: _more, exits: _exits, rows: _rows, ...ofAll } = spec;
  const named = Object.entries(commands).map(([line, own]) => {
    const [, name = '', usage = ''] = /^(\S*) ?(.*)$/.exec(line) ?? [];
    // The help has a command's own flags before those of all.
    const command = { ...own, ...ofAll, ...own, rules: [...(own.rules ?? []), ...(ofAll.rules ?? [])] };
    const usages = command.or === undefined ? [usage] : [usage, command.or];
    return [name, { ...command, usages } as Command & { readonly usages: readonly string[] }] as const;
  });
  return new Map(named);
};

/** A flag with a value that is read. @param reader throws a UsageError; `name` is the flag's */
export const read = <T>(
  help: string,
  reader: (text: string, name: string, nowMs: number) => T,
): Flag<T | undefined> => ({
  help,
  take: ([text], name, nowMs) => (text === undefined ? undefined : reader(text, name, nowMs)),
});

/** A flag with a text for each time that it is given. */
export const texts = (help: string): Flag<readonly string[]> => ({ many: true, help, take: (given) => given });

/** Refuses what a flag was given. @param what follows "write" */
const refuse = (given: string, name: string, what: string): never => {
  throw new UsageError(`--${name} is ${JSON.stringify(given)}; write ${what}`);
};

/** A flag whose value has a pattern. */
export const matching = (help: string, pattern: RegExp, what: string): Flag<string | undefined> =>
  read(help, (given, name) => (pattern.test(given) ? given : refuse(given, name, what)));

/** A flag with one of a few values. */
export const oneOf = <const T extends string>(
  help: string,
  values: readonly T[],
  what = values.join(' or '),
): Flag<T | undefined> =>
  read(help, (given, name) => values.find((value) => value === given) ?? refuse(given, name, what));

const flagOf = <T>(flag: string | Flag<T | undefined>): Flag<T | string | undefined> =>
  typeof flag === 'string' ? { help: flag, take: takeText } : flag;

/** A required flag. */
export const needed: {
  (help: string, missing: string): Flag<string>;
  <T>(optional: Flag<T | undefined>, missing: string): Flag<T>;
} = (optional: string | Flag, missing: string): Flag<string> => {
  const flag = flagOf(optional);
  return {
    ...flag,
    take: (...given) => {
      const value = flag.take(...given);
      if (value === undefined) throw new UsageError(missing);
      return value as string;
    },
  };
};

/** A flag with another value if it is left out, which its help ends with. */
export const otherwise: {
  (help: string, value: string): Flag<string>;
  <T>(optional: Flag<T | undefined>, value: T): Flag<T>;
} = (optional: string | Flag, value: unknown): Flag<string> => {
  const flag = flagOf(optional);
  const take: Take<string> = (...given) => (flag.take(...given) ?? value) as string;
  return { ...flag, help: `${flag.help} (default ${String(value)})`, take };
};

/** A flag with a whole number within bounds. @param value if the flag is left out */
export const whole: {
  (help: string, from: number, to: number, value: number): Flag<number>;
  (help: string, from?: number, to?: number): Flag<number | undefined>;
} = (help: string, ...bounded: readonly [from?: number, to?: number, value?: number]): Flag<number> => {
  const [from = 0, to = Number.MAX_SAFE_INTEGER, value] = bounded;
  const bounds = to < Number.MAX_SAFE_INTEGER ? ` from ${from} to ${to}` : '';
  const flag = read(help, (given, name) => {
    const number = /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN;
    return number >= from && number <= to ? number : refuse(given, name, `a whole number${bounds}`);
  });
  return (value === undefined ? flag : otherwise(flag, value)) as Flag<number>;
};

/** A flag with the path of a file or folder. */
export const file = (help: string, kind: 'file' | 'folder' = 'file'): Flag<string | undefined> =>
  read(help, (given, name) => {
    if (given === '') throw new UsageError(`--${name} is empty; write the path of a ${kind}`);
    return given;
  });

/** The flags of a tool that writes to a folder. @param missing the error message if `--out` is missing */
export const intoFolder = (missing: string) => ({
  '--out FOLDER': needed('a new or empty folder', missing),
  '--dry-run': 'says what it would write, and writes nothing',
});

/** Exactly one word. @param missing says what to give, if there is none, more, or another than the pattern's */
export const oneWord =
  (missing: string | ((command: string) => string), pattern = /./s): Take<string> =>
  ([word, ...more], command) => {
    if (word !== undefined && more.length === 0 && pattern.test(word)) return word;
    throw new UsageError(typeof missing === 'string' ? missing : missing(command));
  };

/** One word or none. */
export const maybeWord =
  (tooMany: string): Take<string | undefined> =>
  ([word, ...more]) => {
    if (more.length > 0) throw new UsageError(tooMany);
    return word;
  };

/** No word at all. */
export const noWords = (refusal: (word: string) => string) => ({
  none: (([word]) => {
    if (word !== undefined) throw new UsageError(refusal(word));
    return undefined;
  }) satisfies Take<undefined>,
});

/** Of a command named `list`. */
export const noName = noWords((word) => `Unexpected argument "${word}"; list takes no name`);

/** `--since` of `--since DATE`. */
const bare = (flag: string): string => flag.replace(/^--| .*$/g, '');

/** Exactly one of these flags, written as in the help. */
export const exactlyOne =
  (...flags: readonly string[]): Rule =>
  (given) =>
    flags.filter((flag) => given.has(bare(flag))).length === 1
      ? undefined
      : `Give ${flags.length > 2 ? 'one of ' : ''}${inWords(flags, flags.length > 2 ? 'and' : 'or')}; --help says more`;

/** At most one of these flags. */
export const notBoth =
  (...flags: readonly string[]): Rule =>
  (given) => {
    const [one, other] = flags.filter((flag) => given.has(bare(flag)));
    return other === undefined ? undefined : `Give ${one} or ${other}, not both`;
  };

/** The first flag needs the second. @param why follows the refusal */
export const goesWith =
  (flag: string, other: string, why?: string): Rule =>
  (given) =>
    !given.has(bare(flag)) || given.has(bare(other))
      ? undefined
      : `${flag} goes with ${other}${why === undefined ? '' : `: ${why}`}`;

/** Of every command that writes. */
export const dryRun = { '--dry-run': 'says what it would do, and changes nothing' };
export const json = { '--json': 'prints JSON' };

/** A grant's id, in a log line or the audit. */
export const grantId = /^[\w-]{22}$/;
