import { visibleLine } from '../../config/checks/visible.ts';

/** A terminal to draw on: stderr, since results go to stdout. */
export interface Terminal {
  readonly write: (text: string) => void;
  readonly columns: number;
}

/** A line that shows how far a long command is. */
export interface Progress {
  /** Draws how many are done, at most ten times a second. @param remark what else to say, in few words */
  readonly show: (done: number, remark?: string) => void;
  /** Removes the line, before something else is printed and at the end. */
  readonly clear: () => void;
}

/** That of a tool, unless stderr is a pipe or a file. */
export const terminalOf = ({ stderr }: NodeJS.Process): Terminal | undefined =>
  stderr.isTTY ? { write: (text) => void stderr.write(text), columns: stderr.columns || 80 } : undefined;

const redrawMs = 100;
const barWidth = 30;
const startOfLine = '\r\u001B[K';

/**
 * A progress bar for so many things. Without a terminal, in a pipe, it draws nothing.
 * @param now a monotonic clock, in milliseconds
 */
export const progressBar = (terminal: Terminal | undefined, total: number, now: () => number): Progress => {
  if (terminal === undefined || total < 2) return { show: () => undefined, clear: () => undefined };
  const { write, columns } = terminal;
  let drawnAt = Number.NEGATIVE_INFINITY;
  let isDrawn = false;
  return {
    show: (done, remark = '') => {
      if (isDrawn && now() - drawnAt < redrawMs) return;
      const full = Math.round((done / total) * barWidth);
      const line =
        `[${'#'.repeat(full)}${'.'.repeat(barWidth - full)}] ${done} of ${total}  ${visibleLine(remark)}`.trimEnd();
      // A line that wraps could not be cleared.
      write(startOfLine + line.slice(0, Math.max(0, columns - 1)));
      drawnAt = now();
      isDrawn = true;
    },
    clear: () => {
      if (!isDrawn) return;
      write(startOfLine);
      isDrawn = false;
    },
  };
};
