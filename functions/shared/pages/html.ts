/** Text that is safe in HTML. */
export interface Html {
  readonly html: string;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Builds HTML. Every value that is not already HTML is escaped. */
export const html = (parts: TemplateStringsArray, ...values: readonly (string | Html | readonly Html[])[]): Html => ({
  html: parts.reduce((before, part, index) => {
    const value = values[index - 1] ?? '';
    const safe =
      typeof value === 'string'
        ? value.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '')
        : 'html' in value
          ? value.html
          : value.map((one) => one.html).join('');
    return before + safe + part;
  }),
});
