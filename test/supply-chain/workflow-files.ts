import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

interface Step {
  readonly id?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly if?: string;
  readonly 'continue-on-error'?: boolean;
}

export interface Job {
  readonly if?: string;
  readonly needs?: string | readonly string[];
  readonly environment?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly outputs?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Empty if the job is another workflow. */
  readonly steps: readonly Step[];
  /** Another workflow of this commit. */
  readonly uses?: string;
  readonly strategy?: object;
  readonly 'timeout-minutes'?: number;
  readonly 'continue-on-error'?: boolean;
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: unknown;
  readonly concurrency: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

export const root = join(import.meta.dirname, '../..');
export const folder = join(root, '.github/workflows');
export const textOf = (name: string): string => readFileSync(join(folder, name), 'utf8');
export const workflow = (name: string): Workflow => {
  const parsed = parse(textOf(name)) as Workflow;
  const jobs = Object.entries(parsed.jobs).map(([id, job]) => [id, { ...job, steps: job.steps ?? [] }] as const);
  return { ...parsed, jobs: Object.fromEntries(jobs) };
};

/** The commits of releases, read from each action's own repository. Review a newer one before you use it. */
export const reviewed: Readonly<Record<string, string>> = {
  'actions/checkout': '3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1',
  'actions/setup-node': '820762786026740c76f36085b0efc47a31fe5020 # v7.0.0',
  'actions/upload-artifact': 'bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0',
  'actions/download-artifact': '3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1',
  'actions/attest': '1e69f48acb82d1966a394da916b4c1698aa569d6 # v4.2.2',
  'aws-actions/configure-aws-credentials': 'e6de054238d6b7531b4efff3b6587d9aade6a06c # v6.2.3',
  'github/codeql-action/init': '8aad20d150bbac5944a9f9d289da16a4b0d87c1e # v4.36.2',
  'github/codeql-action/analyze': '8aad20d150bbac5944a9f9d289da16a4b0d87c1e # v4.36.2',
};

export const jobOf = (name: string, job: string): Job => {
  const found = workflow(name).jobs[job];
  if (found === undefined) throw new Error(`${name} has no job ${job}`);
  return found;
};
/** A step in one word: its command, or its action. */
export const stepsOf = (job: Job): string[] =>
  job.steps.map(({ uses, run }) => uses?.split('@')[0] ?? run?.trim() ?? '');
export const stepUsing = (job: Job, action: string): Step | undefined =>
  job.steps.find(({ uses }) => uses?.startsWith(`${action}@`) === true);
export const stepsUsing = (job: Job, action: string): readonly Step[] =>
  job.steps.filter(({ uses }) => uses?.startsWith(`${action}@`) === true);
