/** Spreadsheets run a cell that begins like this as a formula. */
const formula = /^[=+\-@\t\r\n＝＋－＠]/;

/**
 * A text as a cell (RFC 4180). One that a spreadsheet would run as a formula gets an apostrophe in front, and none goes on in
 * another cell where semicolons or tabs separate them. */
export const textCell = (text: string): string => {
  const harmless = formula.test(text) ? `'${text}` : text;
  return /[",;\t\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
};

/** A number as a cell; an unknown one is empty. */
export const numberCell = (value: number | undefined): string => (value === undefined ? '' : String(value));
