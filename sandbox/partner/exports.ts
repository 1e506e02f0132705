import type { ReadableStream } from 'node:stream/web';
import { StatusError } from './status-error.ts';

/** Sends one request of an export with the access token. A status other than 2xx is returned, not thrown. */
export type Send = (
  url: string,
  request?: {
    readonly method?: 'GET' | 'DELETE';
    readonly headers?: Readonly<Record<string, string>>;
    /** For the whole answer. Without it, a download may take as long as it needs. */
    readonly timeoutMs?: number;
  },
) => Promise<Response>;

/** A file of an export. */
export interface ExportFile {
  readonly type: string;
  readonly url: string;
  /** Lines. */
  readonly count: number;
}

/** An attachment of the record, as a file of the export. Resources of the record have its URL. */
export interface AttachmentFile {
  readonly url: string;
  readonly contentType: string;
  /** Bytes. */
  readonly size: number;
}

/** The outcome of one resource type. */
export interface TypeOutcome {
  readonly type: string;
  readonly outcome: 'complete' | 'refusedByScope' | 'refusedByPayer' | 'incomplete' | 'notRead';
  readonly count: number;
  /** Why it is not complete: one sentence. */
  readonly reason?: string;
}

/** What a finished export holds (Bulk Data Access 3.0.0, "Complete Status"). */
export interface Manifest {
  readonly transactionTime: string;
  readonly request: string;
  readonly requiresAccessToken: boolean;
  readonly output: readonly ExportFile[];
  readonly error: readonly ExportFile[];
  readonly extension?: {
    readonly complete?: boolean;
    readonly outcomes?: readonly TypeOutcome[];
    readonly attachments?: readonly AttachmentFile[];
  };
}

/** An export's status: running, or done. */
export type Status =
  | { readonly done: false; readonly progress: Progress; readonly retryAfterSeconds: number }
  /** `expires` is an HTTP date. */
  | { readonly done: true; readonly manifest: Manifest; readonly expires: string };

/** The content of `X-Progress`. Its figures are undefined until the export knows them. */
export interface Progress {
  readonly text: string;
  readonly resources: number | undefined;
  readonly resourcesTotal: number | undefined;
  readonly typesDone: number | undefined;
  readonly typesTotal: number | undefined;
}

/** A refused request to an export. `status` is 404 once the export is gone. */
export class ExportError extends StatusError {
  override readonly name = 'ExportError';
}

const usualRetryAfterSeconds = 5;
/** For all requests except downloads. */
const timeoutMs = 60_000;

/**
 * Starts an export of the whole record below `base`, or finds the one that is already running.
 * @returns the URL of its status
 * @throws {ExportError}
 */
export const kickOff = async (base: string, send: Send): Promise<string> => {
  const headers = { accept: 'application/fhir+json', prefer: 'respond-async' };
  const answer = await send(`${base}/Patient/$export`, { headers, timeoutMs });
  const location = answer.headers.get('content-location');
  const isAccepted = answer.status === 202 || answer.status === 429;
  if (!isAccepted || location === null) throw await refusal(answer);
  await answer.body?.cancel();
  return location;
};

/** Asks once for an export's status. @throws {ExportError} */
export const readStatus = async (statusUrl: string, send: Send): Promise<Status> => {
  const answer = await send(statusUrl, { headers: { accept: 'application/json' }, timeoutMs });
  if (answer.status === 200) {
    const manifest = (await answer.json()) as Manifest;
    return { done: true, manifest, expires: answer.headers.get('expires') ?? '' };
  }
  if (answer.status !== 202) throw await refusal(answer);
  await answer.body?.cancel();
  const retryAfterSeconds = Number(answer.headers.get('retry-after') ?? usualRetryAfterSeconds);
  return { done: false, progress: progressOf(answer.headers.get('x-progress') ?? ''), retryAfterSeconds };
};

const progressOf = (text: string): Progress => {
  const figure = (pattern: RegExp): number | undefined => {
    const [, digits] = pattern.exec(text) ?? [];
    return digits === undefined ? undefined : Number(digits.replaceAll(',', ''));
  };
  return {
    text,
    resources: figure(/([\d,]+) (?:of [\d,]+ )?resources?/),
    resourcesTotal: figure(/of ([\d,]+) resources/),
    typesDone: figure(/([\d,]+) of [\d,]+ types/),
    typesTotal: figure(/of ([\d,]+) types/),
  };
};

/** The last part of a file's URL, such as `Observation-1.ndjson`. */
export const fileNameOf = ({ url }: ExportFile): string => new URL(url).pathname.split('/').at(-1) ?? '';

/** Opens one file of an export. @throws {ExportError} */
export const openFile = async (file: ExportFile, send: Send): Promise<ReadableStream<Uint8Array>> => {
  const answer = await send(file.url, { headers: { accept: 'application/fhir+ndjson' } });
  if (answer.status !== 200 || answer.body === null) throw await refusal(answer);
  return answer.body as ReadableStream<Uint8Array>;
};

/**
 * The lines of one file, one resource each. They are split at `\n` only: Node's readline would also split at U+2028,
 * which a JSON string may contain.
 * @throws {ExportError}, also if the file breaks off
 */
export const readLines = async function* (file: ExportFile, send: Send): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  let lines = 0;
  for await (const chunk of await openFile(file, send)) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts.filter((part) => part !== '')) {
      lines += 1;
      yield line;
    }
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
  lines += rest === '' ? 0 : 1;
  if (lines !== file.count) throw new ExportError(200, `${file.url} has ${lines} lines instead of ${file.count}.`);
};

/** Reads an attachment. @throws {ExportError}, also if it breaks off */
export const readAttachment = async ({ url, size }: AttachmentFile, send: Send): Promise<Uint8Array> => {
  const answer = await send(url);
  if (answer.status !== 200) throw await refusal(answer);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  if (bytes.length !== size) throw new ExportError(200, `${url} has ${bytes.length} bytes instead of ${size}.`);
  return bytes;
};

/** Deletes an export and its files. One that is gone already is no error. @throws {ExportError} */
export const deleteExport = async (statusUrl: string, send: Send): Promise<void> => {
  const answer = await send(statusUrl, { method: 'DELETE', timeoutMs });
  if (answer.status !== 202 && answer.status !== 404) throw await refusal(answer);
  await answer.body?.cancel();
};

interface OperationOutcome {
  readonly issue?: readonly { readonly diagnostics?: string; readonly details?: { readonly text?: string } }[];
}

const refusal = async (answer: Response): Promise<ExportError> => {
  const text = await answer.text();
  return new ExportError(answer.status, diagnosticsOf(text) ?? 'The answer was no OperationOutcome.');
};

const diagnosticsOf = (text: string): string | undefined => {
  try {
    const [issue] = (JSON.parse(text) as OperationOutcome).issue ?? [];
    return issue?.diagnostics ?? issue?.details?.text;
  } catch {
    return undefined;
  }
};
