/** Markup that is safe to send, since every value in it was escaped. */
export interface Html {
  readonly markup: string;
}

type Value = Html | string | number | false | undefined | readonly Html[];

/** Template tag. It escapes strings, inserts markup and lists of markup unchanged, and omits `false` and undefined. */
export const html = (parts: TemplateStringsArray, ...values: readonly Value[]): Html => {
  return { markup: parts.reduce((out, part, index) => out + render(values[index - 1]) + part) };
};

const render = (value: Value): string => {
  if (value === undefined || value === false) return '';
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value));
  return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('');
};

const escapeHtml = (text: string): string => {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
};
