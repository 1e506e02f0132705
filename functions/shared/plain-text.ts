/**
 * Control characters besides tabs and line breaks, and halves of a surrogate pair. A payer might fail on them, which would look as if the payer
 * were down, so no text of a caller brings them to one.
 */
const odd = /(?![\t\n\r])[\p{Cc}\p{Cs}]/u;

export const isPlainText = (text: string): boolean => !odd.test(text);

/** A text without the byte order mark that it may begin with. */
export const withoutBom = (text: string): string => text.replace(/^\ufeff/, '');
