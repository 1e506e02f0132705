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
  /** Whether it is a delete marker: while it is the newest version, there seems to be no such object. */
  readonly isMarker?: boolean;
}

/** The version that a request without a version's id is about; undefined if there is none, or a marker hides it. */
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
