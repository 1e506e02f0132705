/** The bytes from `from` up to, but not including, `to`. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The range of a `Range` header with one range of bytes; `undefined` without one, or with one that S3 ignores.
 * @returns `unsatisfiable` if no byte is in it
 */
export const rangeOf = (header: string | undefined, length: number): ByteRange | 'unsatisfiable' | undefined => {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const size = Math.min(Number(last), length);
    return size === 0 ? 'unsatisfiable' : { from: length - size, to: length };
  }
  const from = Number(first);
  const to = last === '' ? length : Math.min(Number(last) + 1, length);
  if (last !== '' && Number(last) < from) return undefined;
  return from >= length ? 'unsatisfiable' : { from, to };
};
