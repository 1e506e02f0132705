type Base64 = 'base64' | 'base64url';

/** Base64 of bytes inside other bytes: three alignments, without the characters that the neighbors change. */
const base64Within = (bytes: Uint8Array, encoding: Base64): string[] =>
  [0, 1, 2].map((before) => {
    const text = Buffer.concat([new Uint8Array(before), bytes]).toString(encoding);
    return text.slice(Math.ceil((before * 4) / 3), Math.floor(((before + bytes.length) * 4) / 3));
  });

const ofBytes = (bytes: Uint8Array): string[] => {
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0'));
  return [
    ...base64Within(bytes, 'base64'),
    ...base64Within(bytes, 'base64url'),
    hex.join(''),
    // As `inspect` prints a Buffer, and as JSON does.
    hex.join(' '),
    [...bytes].join(','),
    hex.map((byte) => `%${byte}`).join(''),
    hex.map((byte) => `%${byte.toUpperCase()}`).join(''),
  ];
};

const ofText = (text: string): string[] => [
  text,
  encodeURIComponent(text),
  new URLSearchParams([['', text]]).toString().slice(1),
  JSON.stringify(text).slice(1, -1),
  ...ofBytes(Buffer.from(text)),
];

/** Every form in which a value may leak: as it is, or in base64, base64url, percent, hex or JSON. */
export const spellingsOf = (value: string | Uint8Array): readonly string[] => [
  ...new Set(typeof value === 'string' ? ofText(value) : ofBytes(value)),
];

/** How many characters of a long secret count as a leak. */
const fragment = 16;

/** The value's spellings. A long text has its two ends too, in case someone logs "only the first characters". */
export const leaksOf = (value: string | Uint8Array): readonly string[] =>
  typeof value === 'string' && value.length > 2 * fragment
    ? [...spellingsOf(value), value.slice(0, fragment), value.slice(-fragment)]
    : spellingsOf(value);
