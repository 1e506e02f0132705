import { hash } from 'node:crypto';
import { GatewayError } from '../shared/errors.ts';
import type { StoredManifest } from '../shared/exports/manifest.ts';
import { manifestName } from '../shared/exports/object-names.ts';
import { boundedMap } from '../shared/registry/bounded-map.ts';
import type { Export } from '../shared/store/export-item.ts';
import type { AgeIdentity } from './age/header.ts';
import { openAgeFile } from './age/open-file.ts';
import type { OpenObject } from './deps.ts';

/** Reads the sealed manifest of an export that has ended. */
export type ReadManifest = (ended: Export & { readonly manifestDigest: string }) => Promise<Uint8Array>;

const damaged = (detail: string): GatewayError =>
  new GatewayError('server_error', 'The files of this export are damaged. Start another one.', { detail });

/** Limits of the cache, which saves reading the bucket for every poll. Manifests stay sealed in it. */
const mostKept = 50;
const mostKeptBytes = 8_000_000;

/** Reads manifests from the bucket, and caches them. */
export const manifestReader = (openObject: OpenObject): ReadManifest => {
  const kept = boundedMap<Uint8Array>({ most: mostKept, mostWeight: mostKeptBytes, weigh: ({ length }) => length });
  return async ({ exportId, manifestDigest }) => {
    const known = kept.get(manifestDigest);
    if (known !== undefined) return known;
    const pieces: Uint8Array[] = [];
    for await (const piece of await openObject(manifestName(exportId), AbortSignal.timeout(readMs))) pieces.push(piece);
    const sealed = Buffer.concat(pieces);
    if (hash('sha256', sealed, 'base64url') !== manifestDigest)
      throw damaged('the manifest is not the one that the job wrote');
    kept.set(manifestDigest, sealed);
    return sealed;
  };
};

const readMs = 10_000;

const once = async function* (bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
};

/**
 * Opens an export's manifest.
 * @throws GatewayError `server_error` if it does not open
 */
export const openManifest = async (sealed: Uint8Array, identity: AgeIdentity): Promise<StoredManifest> => {
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of openAgeFile(identity, once(sealed))) pieces.push(piece);
    return JSON.parse(Buffer.concat(pieces).toString('utf8')) as StoredManifest;
  } catch {
    throw damaged('the manifest does not open');
  }
};
