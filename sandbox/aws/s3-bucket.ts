/** One version of an object. */
export interface StoredObject {
  readonly body: Buffer;
  readonly etag: string;
  readonly versionId: string;
  readonly lastModified: Date;
  /** Headers that were sent with it and are returned with it: type, metadata, checksum, encryption, lock. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Versions of each object by key, newest last. */
export type Bucket = Map<string, StoredObject[]>;
