/** One version of an object. */
export interface StoredObject {
  readonly body: Buffer;
  readonly etag: string;
  readonly versionId: string;
  readonly lastModified: Date;
  /** What was sent with it and goes back with it: type, metadata, checksum, encryption, lock. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Versions of each object by key, the newest last. */
export type Bucket = Map<string, StoredObject[]>;
