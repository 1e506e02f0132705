import { UsageError } from './errors.ts';

/**
 * Makes a value of all that a command line gives for a flag, or as words; a switch is given an empty text.
 * @param name of the flag, or of the command that the words are for
 * @throws UsageError
 */
export type Take<T> = (given: readonly string[], name: string) => T;

/** A flag of a command. */
export interface Flag<T = unknown> {
  /** What the help calls its value. A switch has none. */
  readonly value?: string;
  /** Whether it may be repeated. */
  readonly many?: boolean;
  readonly help: string;
  readonly take: Take<T>;
}

/** By the property that its value becomes: `dryRun` is --dry-run. */
export type Flags = Readonly<Record<string, Flag>>;

/** One command of a tool. */
export interface Command {
  /** What follows the command's name, one line each. */
  readonly usage: string | readonly string[];
  /** For the help of a tool with several. */
  readonly does?: string;
  /** What it changes for good. What changes something has a flag `dryRun`. */
  readonly changes: 'AWS' | 'files' | 'nothing';
  /** Whether stdout is for a pipe, so that npm has to be silent. */
  readonly silent?: boolean;
  /** The one property that the words after it become. @default none are taken */
  readonly words?: Readonly<Record<string, Take<unknown>>>;
  readonly flags: Flags;
}

/** The commands of a tool that does one thing. */
export const only = <const C extends Command>(command: C): { readonly '': C } => ({ '': command });

/** All that is known of a tool without running it. */
export interface Spec {
  /** How it is called, up to the command: `npm run grants --`. */
  readonly call: string;
  /** What it does, in lines that fit. */
  readonly about: string;
  /** By name; a tool without commands has one without a name. */
  readonly commands: Readonly<Record<string, Command>>;
  /** What the help ends with, in lines that fit. */
  readonly more?: string;
  /** For the README: calls, and what they do. */
  readonly rows: readonly (readonly [calls: readonly string[], does: string])[];
}

/** `dryRun` as `dry-run`. */
export const flagName = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** A switch. */
export const flag = (help: string): Flag<boolean> => ({ help, take: (given) => given.length > 0 });

/** A flag with a value that is read. @param read throws a UsageError; `name` is the flag's */
export const read = <T>(
  value: string,
  help: string,
  reader: (text: string, name: string) => T,
): Flag<T | undefined> => ({
  value,
  help,
  take: ([text], name) => (text === undefined ? undefined : reader(text, name)),
});

/** A flag with any text. */
export const text = (value: string, help: string): Flag<string | undefined> => read(value, help, (given) => given);

/** A flag with a text for each time that it is given. */
export const texts = (value: string, help: string): Flag<readonly string[]> => ({
  value,
  many: true,
  help,
  take: (given) => given,
});

/** Reads what has a pattern. @param what follows "write" in the refusal */
export const matching =
  (pattern: RegExp, what: string) =>
  (given: string, name: string): string => {
    if (!pattern.test(given)) throw new UsageError(`--${name} is ${JSON.stringify(given)}; write ${what}`);
    return given;
  };

/** A required flag. */
export const needed = <T>(optional: Flag<T | undefined>, missing: string): Flag<T> => ({
  ...optional,
  take: (given, name) => {
    const value = optional.take(given, name);
    if (value === undefined) throw new UsageError(missing);
    return value;
  },
});

/** The flags of a tool that writes to a folder. @param missing the error message if `--out` is missing */
export const intoFolder = (missing: string) => ({
  out: needed(text('FOLDER', 'a new or empty folder'), missing),
  dryRun: flag('says what it would write, and writes nothing'),
});

/** A flag with another value if it is left out. */
export const otherwise = <T>(optional: Flag<T | undefined>, value: T): Flag<T> => ({
  ...optional,
  take: (given, name) => optional.take(given, name) ?? value,
});

/** Exactly one word. @param missing says what to give, if there is none, more, or another than the pattern's */
export const oneWord =
  (missing: string, pattern = /./s): Take<string> =>
  ([word, ...more]) => {
    if (word === undefined || more.length > 0 || !pattern.test(word)) throw new UsageError(missing);
    return word;
  };

/** One word or none. */
export const maybeWord =
  (tooMany: string): Take<string | undefined> =>
  ([word, ...more]) => {
    if (more.length > 0) throw new UsageError(tooMany);
    return word;
  };

/** No word at all. */
export const noWords =
  (refusal: (word: string) => string): Take<undefined> =>
  ([word]) => {
    if (word !== undefined) throw new UsageError(refusal(word));
    return undefined;
  };

/** Of every command that writes. */
export const dryRun = flag('says what it would do, and changes nothing');

/** For the help of tools that do one thing. */
export const exitHelp = 'Exits with 0 if it is done, 1 if it cannot be done, 2 if the command line is wrong.';

/** Reads a whole number within bounds. @param what follows "write" in the refusal */
export const whole =
  (from: number, to: number, what: string) =>
  (given: string, name: string): number => {
    const number = Number(matching(/^\d{1,15}$/, what)(given, name));
    if (number >= from && number <= to) return number;
    throw new UsageError(`--${name} is ${JSON.stringify(given)}; write ${what}`);
  };

/** A flag with the path of a file. */
export const file = (help: string): Flag<string | undefined> =>
  read('FILE', help, (given, name) => {
    if (given === '') throw new UsageError(`--${name} is empty; write the path of a file`);
    return given;
  });
