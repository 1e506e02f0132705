import type { S3Client } from '@aws-sdk/client-s3';

/** What the sweep depends on. */
export interface SweepDeps {
  /** Where exports keep their files. */
  readonly bucket: { readonly client: S3Client; readonly name: string };
}
