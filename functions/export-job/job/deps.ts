import type { Deps } from '../../shared/deps.ts';
import type { OpenInJob, SealForJob } from '../../shared/exports/seal-for-job.ts';
import type { ReadPayerSecret } from '../../shared/payer/secrets.ts';
import type { Table } from '../../shared/store/dynamo.ts';
import type { ReadingProgress } from '../reading/next-page.ts';
import type { FileDeps } from '../state/sealed-file.ts';
import type { Buffers } from './buffers.ts';
import type { JobInput } from './job-input.ts';
import type { WaitForTurn } from './pace.ts';

/** What the job depends on. */
export interface JobDeps extends Omit<Deps, 'behindEdge'>, FileDeps {
  readonly exports: Table;
  readonly grants: Table;
  readonly audit: Table;
  readonly limits: Table;
  /** What exchanges also need: where their Groups are kept, and the secrets of the gateway's own clients. @default no exchanges */
  readonly exchange?: { readonly table: Table; readonly readSecret: ReadPayerSecret };
  readonly sealForJob: SealForJob;
  readonly openInJob: OpenInJob;
  readonly waitForTurn: WaitForTurn;
  /** Starts an execution of this version of the function, unless one with that name was already started. */
  readonly startExecution: (name: string, input: JobInput) => Promise<void>;
  /** Called once in each invocation. */
  readonly newBuffers: () => Buffers;
  readonly sleep: (ms: number) => Promise<void>;
  /** How long files are kept after the export ends, in seconds. */
  readonly fileSeconds: number;
  /** The operations after which an execution starts its successor. @default 2,500 of the 3,000 that AWS allows */
  readonly mostOperations?: number;
  /** The most bytes of an attachment. @default as of any other file */
  readonly mostAttachmentBytes?: number;
  /** Where an export ends with what it has. @default bounds */
  readonly bounds?: ReadingProgress;
}

/** What exchanges need. @throws Error if the stage has none */
export const exchangeDeps = ({ exchange }: Pick<JobDeps, 'exchange'>): NonNullable<JobDeps['exchange']> => {
  if (exchange === undefined) throw new Error('the stage has no exchanges');
  return exchange;
};
