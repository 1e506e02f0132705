/** How much a client wants a media type (RFC 9110 §12.5.1). The most specific range decides. */
const qualityOf = (ranges: ReadonlyMap<string, number>, type: string): number =>
  ranges.get(type) ?? ranges.get(`${type.split('/')[0]}/*`) ?? ranges.get('*/*') ?? 0;

const readRange = (range: string): [string, number] => {
  const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
  const quality = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
  return [type, Number.isNaN(quality) ? 0 : quality];
};

/** Longer headers are not read further: browsers send a handful of ranges. */
const mostRanges = 50;

/** Whether a client wants JSON rather than a page. One that takes either gets the page. */
export const prefersJson = (accept: string | undefined): boolean => {
  const ranges = new Map((accept ?? '*/*').split(',', mostRanges).map(readRange));
  return qualityOf(ranges, 'application/json') > qualityOf(ranges, 'text/html');
};
