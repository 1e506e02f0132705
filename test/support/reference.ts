/** The reference of every request in the unit tests. */
export const reference = '5ca1ab1e-0000';

/** An error's sentence without its reference. @throws Error if it has none */
export const withoutReference = (text: string): string => {
  const suffix = ` (reference ${reference})`;
  if (!text.endsWith(suffix)) throw new Error(`No reference at the end of: ${text}`);
  return text.slice(0, -suffix.length);
};
