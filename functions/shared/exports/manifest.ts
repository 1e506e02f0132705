/** The manifest as the job writes it, sealed to the partner. The status answer is made from it. */
export interface StoredManifest {
  /** FHIR instant; changes after it may be missing. */
  readonly transactionTime: string;
  /** Of an exchange: the kick-off's URL, and the names of its parameters that were ignored. A grant's export has them in its item. */
  readonly request?: string;
  readonly ignored?: readonly string[];
  readonly files: readonly StoredFile[];
  /** The outcome of each type, in the order of reading. */
  readonly outcomes: readonly TypeOutcome[];
  /** Something is missing of which nobody knows the type. */
  readonly isUntypedMissing?: true;
}

/** A file of the manifest: a run of one type's parts. */
export interface StoredFile {
  /** The last segment of its URL, such as `Observation-1.ndjson`. */
  readonly name: string;
  readonly kind: 'output' | 'error' | 'deleted' | 'attachment';
  /** Of an attachment, what a token's scope must cover: `Binary`, or the type of the resource that names it. */
  readonly type: string;
  /** The number of lines; 1 for an attachment. */
  readonly count: number;
  /** Of an attachment, the media type of its content. */
  readonly contentType?: string;
  /** Of an attachment, its SHA-1 as in `Attachment.hash`. */
  readonly hash?: string;
  readonly parts: readonly StoredPart[];
}

/** One sealed object. */
export interface StoredPart {
  /** The object's name in the bucket. */
  readonly object: string;
  /** SHA-256 of the sealed object, base64url. */
  readonly digest: string;
  /** Bytes in it, before it was sealed. */
  readonly bytes: number;
}

/** The outcome of one type. */
export interface TypeOutcome {
  readonly type: string;
  readonly outcome:
    | 'complete'
    /** The token's scope does not cover it. */
    | 'refusedByScope'
    | 'refusedByPayer'
    /** Pages or resources of it are missing; the error file says which. */
    | 'incomplete'
    /** None of it was read: the export ended before, or no search finds it. */
    | 'notRead';
  readonly count: number;
  /** Why it is not complete, in one sentence that the partner sees. */
  readonly reason?: string;
}

/** Whether everything that the scope covers is in the record. A record of which nothing was read is not complete. */
export const isComplete = ({
  outcomes,
  isUntypedMissing,
}: Pick<StoredManifest, 'outcomes' | 'isUntypedMissing'>): boolean =>
  isUntypedMissing !== true &&
  outcomes.some(({ outcome }) => outcome === 'complete') &&
  outcomes.every(({ outcome }) => outcome === 'complete' || outcome === 'refusedByScope');

/** The most bytes of NDJSON in one file. AWS limits a streamed answer to 200 MB. */
export const mostFileBytes = 150 * 1024 * 1024;
