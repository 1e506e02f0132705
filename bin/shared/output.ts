/** Where a tool writes: its result to stdout, what a person reads beside it to stderr. */
export interface Output {
  readonly out: (text: string) => void;
  readonly note: (text: string) => void;
  /** A secret to stdout: with a line's end for a person, without for the vault that it is piped into. */
  readonly secret: (text: string) => void;
}

export const output: Output = {
  out: (text) => console.log(text),
  note: (text) => console.error(text),
  secret: (text) => void process.stdout.write(process.stdout.isTTY ? `${text}\n` : text),
};
