import { visibleText } from '../../config/checks/visible.ts';
import { causeOfLoss, loseOutput } from './exit.ts';

/** Where a tool writes: its result goes to stdout, notes for a person go to stderr. */
export interface Output {
  readonly out: (text: string) => void;
  readonly note: (text: string) => void;
  /**
   * Writes a secret to stdout: with a newline for a person, without one for a pipe.
   * @param ifLost what to do if it does not arrive there, since there is no copy
   */
  readonly secret: (text: string, ifLost: string) => void;
}

/** The one writer of all tools. A name or a reason in what it writes can neither turn, erase nor color anything. */
export const output: Output = {
  out: (text) => console.log(visibleText(text)),
  note: (text) => console.error(visibleText(text)),
  secret: (text, ifLost) =>
    void process.stdout.write(process.stdout.isTTY ? `${text}\n` : text, (error) => {
      if (!error) return;
      loseOutput(causeOfLoss(error));
      output.note(`\nThe secret could not be written. ${ifLost}`);
    }),
};
