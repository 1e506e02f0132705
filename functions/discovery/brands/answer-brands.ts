import { promisify } from 'node:util';
import { gunzip as gunzipWith, gzip as gzipWith } from 'node:zlib';
import type { Deps } from '../../shared/deps.ts';
import { headerText, parameters, queryPairs, type ApiEvent, type ApiResponse } from '../../shared/http/api.ts';
import { takesGzip } from '../../shared/http/gzip.ts';
import type { PageDeps } from '../../shared/pages/settings.ts';
import type { RequestRecord } from '../../shared/record/request-record.ts';
import { boundedMap } from '../../shared/registry/bounded-map.ts';
import { versionOf } from '../../shared/registry/directory.ts';
import { requireClient } from '../require-client.ts';
import { brandsBundle, type Publisher } from './bundle.ts';

const gzip = promisify(gzipWith);
const gunzip = promisify(gunzipWith);

/** Gzipped bundles that are kept, by their ETag: with 5,000 payers one has some 400 KB. */
const mostKept = 16;
const mostKeptBytes = 16_000_000;

/** RFC 9110 §13.1.2, by weak comparison. */
const isKnown = (event: ApiEvent, tag: string): boolean =>
  headerText(event, 'if-none-match')
    .split(',')
    .map((one) => one.trim().replace(/^W\//, ''))
    .some((one) => one === '*' || `W/${one}` === tag);

/** Answers `GET /brands`: the payers, or those of one client, as a SMART User Access Brands Bundle. */
export const answerBrands = ({ registry, origin, pages }: Pick<Deps, 'registry' | 'origin'> & PageDeps) => {
  const publisher: Publisher = { origin, developers: pages.operator.website ?? `${origin}/` };
  const kept = boundedMap<Buffer>({ most: mostKept, mostWeight: mostKeptBytes, weigh: ({ length }) => length });

  return async (event: ApiEvent, record: RequestRecord): Promise<ApiResponse> => {
    const partner = await requireClient(registry, parameters(queryPairs(event)), record);
    const directory = await registry.directory(partner?.clientId);
    const tag = `W/"${versionOf([publisher.origin, publisher.developers, directory.version])}"`;
    const headers = {
      ETag: tag,
      'Cache-Control': 'public, max-age=300',
      Vary: 'Accept-Encoding',
      'Access-Control-Expose-Headers': 'ETag',
    };
    if (isKnown(event, tag)) return { statusCode: 304, headers, body: '' };
    const zipped = kept.get(tag) ?? (await gzip(JSON.stringify(brandsBundle(publisher, directory))));
    kept.set(tag, zipped);
    const isGzip = takesGzip(event);
    return {
      statusCode: 200,
      headers: {
        ...headers,
        'Content-Type': 'application/fhir+json',
        'X-Content-Type-Options': 'nosniff',
        ...(isGzip ? { 'Content-Encoding': 'gzip' } : {}),
      },
      body: isGzip ? zipped : await gunzip(zipped),
    };
  };
};
