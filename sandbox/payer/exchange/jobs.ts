import { randomUUID } from 'node:crypto';
import type { DataFile } from './lines.ts';
import type { Opened } from './tokens.ts';

/** One asynchronous request, from its kick-off to its DELETE. */
export interface Job {
  readonly id: string;
  readonly scope: Opened;
  /** The URL of the kick-off. */
  readonly request: string;
  /** Epoch milliseconds. */
  readonly startedAtMs: number;
  readonly files: readonly DataFile[];
  readonly deleted: readonly DataFile[];
  /** How often its status was asked for. */
  asked: number;
  /** Ends with the job, where its DELETE says so. */
  readonly group?: string | undefined;
}

export const createJobs = () => {
  const jobs = new Map<string, Job>();
  return {
    add: (job: Omit<Job, 'id' | 'asked'>): Job => {
      const added = { ...job, id: randomUUID(), asked: 0 };
      jobs.set(added.id, added);
      return added;
    },
    get: (id: string): Job | undefined => jobs.get(id),
    delete: (id: string): boolean => jobs.delete(id),
  };
};

/** How the manifest counts the lines of a file, and where the file is. */
interface Announce {
  readonly url: (name: string) => string;
  readonly count: (file: DataFile) => number;
  readonly requiresAccessToken: boolean;
}

/** The completion manifest of Bulk Data Access. */
export const manifestOf = (job: Job, { url, count, requiresAccessToken }: Announce): object => {
  const listed = (files: readonly DataFile[], prefix: string): readonly object[] =>
    files.map((file, index) => ({
      type: file.type,
      url: url(`${job.id}/${prefix}${index}.ndjson`),
      count: count(file),
    }));
  return {
    transactionTime: new Date(job.startedAtMs).toISOString(),
    request: job.request,
    requiresAccessToken,
    output: listed(job.files, ''),
    ...(job.deleted.length > 0 && { deleted: listed(job.deleted, 'deleted-') }),
    error: [],
  };
};

/** The file of a job by its name in the manifest. */
export const fileNamed = (job: Job, name: string): DataFile | undefined => {
  const [, deleted, index] = /^(deleted-)?(\d+)\.ndjson$/.exec(name) ?? [];
  return (deleted === undefined ? job.files : job.deleted)[Number(index)];
};
