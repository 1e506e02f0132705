/* The forms of a media type (RFC 9110 §8.3.1, §5.6), and how long its names are at most (RFC 6838 §4.2). */
const token = String.raw`[\w!#$%&'*+.^\x60|~-]`;
const named = `${token}{1,127}/${token}{1,127}`;
const quoted = String.raw`"(?:[\t !#-[\]-~]|\\[\t -~])*"`;
/** Many write a value that has a slash without quotes, such as that of `profile`. */
const plain = String.raw`[!#-+\--:<-[\]-~]+`;
const parameter = `${token}+=(?:${plain}|${quoted})`;

const beginning = new RegExp(`^\\s*(${named})(?=[\\s;,]|$)`);
const whole = new RegExp(`^${named}(?:[\\t ]*;(?:[\\t ]*${parameter})?)*$`);

/** A longer one goes into no header. */
const mostCharacters = 500;

/**
 * `type/subtype` in lower case, without parameters, whatever follows it; of a header that came twice the first. Empty for what is no
 * media type.
 */
export const essenceOf = (text: string | null | undefined): string =>
  (beginning.exec(text ?? '')?.[1] ?? '').toLowerCase();

/** A media type as it is written, for a header; without its parameters if these are in no form that a header has. */
export const sendableType = (value: unknown): string | undefined => {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  return text.length <= mostCharacters && whole.test(text) ? text : essenceOf(text) || undefined;
};
