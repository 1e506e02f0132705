import { setTimeout as sleep } from 'node:timers/promises';
import { connect, read } from './client.ts';
import type { Target, WorldTarget } from './target.ts';

/** The parts of a Bulk Data Access manifest that the suite reads. */
export interface Manifest {
  readonly transactionTime: string;
  readonly request: string;
  readonly requiresAccessToken: boolean;
  readonly output: readonly ManifestFile[];
  readonly deleted: readonly ManifestFile[];
  readonly error: readonly ManifestFile[];
  readonly extension: { readonly complete: boolean };
}

interface ManifestFile {
  readonly type: string;
  readonly url: string;
  readonly count: number;
}

const later = { prefer: 'respond-async', accept: 'application/fhir+json' };

/** Asks for an export, as the guide's clients do. */
export const kickOff = (
  target: Target,
  token: string | undefined,
  {
    query = '',
    headers = later,
    path = '/Patient/$export',
  }: {
    readonly query?: string;
    readonly headers?: Record<string, string>;
    readonly path?: string;
  } = {},
): Promise<Response> => read(target, `${path}${query}`, token, { headers });

/** The URL to poll, from the answer to a kick-off. @throws Error if the answer has none */
export const locationOfExport = ({ status, headers }: Response): string => {
  const location = headers.get('content-location');
  if (location === null) throw new Error(`No Content-Location: ${status}`);
  return location;
};

/** Calls an export's URL, or a file's. */
export const call = (
  url: string,
  token: string | undefined,
  { method = 'GET', headers = {} }: { readonly method?: string; readonly headers?: Record<string, string> } = {},
): Promise<Response> =>
  fetch(url, { method, headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers } });

/** Polls until the export has ended. Its limit is for one that never does. */
export const pollToEnd = async (url: string, token: string): Promise<Response> => {
  for (const end = performance.now() + 240_000; performance.now() < end;) {
    const response = await call(url, token, { headers: { accept: 'application/json' } });
    if (response.status !== 202) return response;
    await response.body?.cancel();
    await sleep(100);
  }
  throw new Error('The export does not end');
};

/** Deletes an export that a test started. */
export const remove = (url: string, token: string): Promise<Response> => call(url, token, { method: 'DELETE' });

/** An export that has ended, and its manifest. */
export interface Exported {
  readonly token: string;
  readonly url: string;
  readonly response: Response;
  readonly manifest: Manifest;
}

const made = new WeakMap<WorldTarget, Promise<Exported>>();

const makeExport = async (target: WorldTarget): Promise<Exported> => {
  const { access_token: token } = await connect(target);
  const url = locationOfExport(await kickOff(target, token));
  const response = await pollToEnd(url, token);
  return { token, url, response, manifest: (await response.clone().json()) as Manifest };
};

/** One export for all tests that only read it, since each export takes seconds and processes of its own. */
export const exported = (target: WorldTarget): Promise<Exported> => {
  const known = made.get(target) ?? makeExport(target);
  made.set(target, known);
  return known;
};
