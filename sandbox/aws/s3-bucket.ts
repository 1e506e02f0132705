import type { KeptMap } from '../state/room.ts';
import type { StoredBody } from './s3-bodies.ts';

/** One version of an object. */
export interface StoredObject {
  readonly body: StoredBody;
  readonly etag: string;
  readonly versionId: string;
  readonly lastModified: Date;
  /** Headers that were sent with it and are returned with it: type, metadata, checksum, encryption, lock. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether this is a delete marker. While it is the newest version, S3 answers as if the object did not exist. */
  readonly isMarker?: boolean;
}

/** The version that a request without a version id gets; undefined if there is none, or if a delete marker hides it. */
export const currentOf = (versions: readonly StoredObject[] = []): StoredObject | undefined => {
  const newest = versions.at(-1);
  return newest?.isMarker === true ? undefined : newest;
};

/** Versions of each object by key, newest last. */
export type Objects = KeptMap<readonly StoredObject[]>;

export interface BucketOptions {
  /** Whether older versions are kept. @default true */
  readonly versioned?: boolean;
  /** The ARN of the key that encrypts its objects. */
  readonly keyArn?: string | undefined;
  /** The callers without `s3:ListBucket`, by access key id: S3 does not tell them which objects are missing. @default none */
  readonly notListedBy?: ReadonlySet<string>;
}

export interface Bucket extends BucketOptions {
  readonly name: string;
  readonly objects: Objects;
}
