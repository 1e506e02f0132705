/** Lines that are made when they are read. */
export interface LineSource {
  readonly count: number;
  /** The line at `index`, 0 … count - 1, without its end. */
  readonly text: (index: number) => string;
  /** The bytes of each line with its end, if all have the same. */
  readonly bytesEach?: number;
}

/** The lines from `start` up to `end` of a source. */
interface Part {
  readonly source: LineSource;
  readonly start: number;
  readonly end: number;
}

/** One NDJSON file of a manifest. */
export interface DataFile {
  readonly type: string;
  readonly count: number;
  /** How many lines the manifest says that it has. @default `count` */
  readonly announced?: number;
  readonly parts: readonly Part[];
}

export const keptLines = (texts: readonly string[]): LineSource => ({
  count: texts.length,
  text: (index) => texts[index] ?? '',
});

/** Puts the lines of one type into files of at most `most` lines. */
export const filesOf = (type: string, sources: readonly LineSource[], most = Infinity): DataFile[] => {
  const files: { type: string; count: number; parts: Part[] }[] = [];
  for (const source of sources) {
    for (let start = 0; start < source.count;) {
      let file = files.at(-1);
      if (file === undefined || file.count >= most) files.push((file = { type, count: 0, parts: [] }));
      const end = Math.min(source.count, start + most - file.count);
      file.parts.push({ source, start, end });
      file.count += end - start;
      start = end;
    }
  }
  return files;
};

/** A file that ends early: only its first lines are there, and the manifest announces all. */
export const firstLines = (file: DataFile, count: number): DataFile => {
  let left = count;
  const parts = file.parts.flatMap((part) => {
    const end = Math.min(part.end, part.start + left);
    left -= Math.max(0, end - part.start);
    return end > part.start ? [{ ...part, end }] : [];
  });
  return { ...file, count: Math.min(count, file.count), announced: file.count, parts };
};

const lineOf = ({ source }: Part, index: number): string => `${source.text(index)}\n`;

const bytesOfPart = (part: Part): number => {
  const { start, end, source } = part;
  if (source.bytesEach !== undefined) return (end - start) * source.bytesEach;
  let bytes = 0;
  for (let index = start; index < end; index++) bytes += Buffer.byteLength(lineOf(part, index));
  return bytes;
};

const measured = new WeakMap<DataFile, number>();

/** The bytes of a file. They are counted once. */
export const bytesOf = (file: DataFile): number => {
  const known = measured.get(file) ?? file.parts.reduce((sum, part) => sum + bytesOfPart(part), 0);
  measured.set(file, known);
  return known;
};

const chunkBytes = 64 * 1024;

/** The bytes of a file from `from` up to `end`, in chunks. What comes before them is skipped, where lines have one length. */
export const chunksOf = function* (file: DataFile, from: number, end: number): Generator<Buffer> {
  let at = 0;
  let waiting: Buffer[] = [];
  let size = 0;
  for (const part of file.parts) {
    const each = part.source.bytesEach;
    const skipped = each === undefined ? 0 : Math.min(part.end - part.start, Math.floor(Math.max(0, from - at) / each));
    at += skipped * (each ?? 0);
    for (let index = part.start + skipped; index < part.end && at < end; index++) {
      const line = Buffer.from(lineOf(part, index));
      const wanted = line.subarray(Math.max(0, from - at), Math.min(line.length, end - at));
      at += line.length;
      if (wanted.length === 0) continue;
      waiting.push(wanted);
      size += wanted.length;
      if (size < chunkBytes) continue;
      yield Buffer.concat(waiting);
      waiting = [];
      size = 0;
    }
  }
  if (size > 0) yield Buffer.concat(waiting);
};
