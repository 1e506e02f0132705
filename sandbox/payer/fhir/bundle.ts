import type { StoredResource } from './resource.ts';

export interface Link {
  readonly relation: string;
  readonly url: string;
}

/** One entry: the resource's text, unchanged, and the other fields, such as `search`. */
export interface Entry {
  readonly fullUrl: string;
  readonly text: string;
  readonly beside: Readonly<Record<string, unknown>>;
}

export interface Bundle {
  readonly type: 'searchset' | 'history';
  readonly total: number;
  readonly links: readonly Link[];
  readonly entries: Iterable<Entry>;
}

const chunkLength = 65_536;

/** Writes a bundle in chunks of about 64 KB. It takes each entry only when it is about to write it. */
export const bundleChunks = function* ({ type, total, links, entries }: Bundle): Generator<string> {
  let chunk = JSON.stringify({ resourceType: 'Bundle', type, total, link: links }).slice(0, -1);
  // FHIR forbids empty arrays, so without entries there is no `entry`.
  let before = ',"entry":[';
  for (const { fullUrl, text, beside } of entries) {
    const rest = JSON.stringify(beside).slice(1);
    chunk += `${before}{"fullUrl":${JSON.stringify(fullUrl)},"resource":${text},${rest}`;
    before = ',';
    if (chunk.length < chunkLength) continue;
    yield chunk;
    chunk = '';
  }
  yield `${chunk}${before === ',' ? ']' : ''}}`;
};

export const searchEntry = (baseUrl: string, { reference, text }: StoredResource, mode: 'match' | 'include'): Entry => {
  return { fullUrl: `${baseUrl}/${reference}`, text, beside: { search: { mode } } };
};
