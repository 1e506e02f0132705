/** The command line is wrong. The message is one line for a person, and the tool exits with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command cannot be carried out. The message says what to do instead, and the tool exits with 1. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** A person ended a question by ^C or ^D. Tools ask before they change anything, and the tool exits as a shell says it: 130. */
export class Stopped extends Error {
  override readonly name = 'Stopped';

  constructor() {
    super('Stopped. Nothing was changed.');
  }
}

/** How a tool ends after an error whose message is for a person. By name, so that no tool loads stages for it. */
const codes: Readonly<Record<string, number>> = {
  UsageError: 2,
  Refusal: 1,
  ConfigError: 1,
  LocalStackError: 1,
  Stopped: 130,
};

/** The exit code after an error; undefined after a defect. */
export const codeOf = (error: unknown): number | undefined => (error instanceof Error ? codes[error.name] : undefined);
