/** The attributes of exports' items that each function may change, from the declaration of what each step writes. */
import { exportWriters, writtenBy } from './attribute-writers.ts';

/** Every conditional write to a running export names these. */
const named = ['grantId', 'exportId', 'status'] as const;

const union = (...names: readonly string[]): string[] => [...new Set(names)].sort();

/** The job may not change whom the export is for, what it reads, or what opens its files. */
export const changedByJob = union(
  ...named,
  'payerVersion',
  ...writtenBy(
    exportWriters,
    'beginExport',
    'continueExport',
    'noteProgress',
    'askForToken',
    'endExport',
    'dropSecrets',
  ),
);

/** A poll gives the job a newer token, or starts it again. */
export const changedByPoll = union(
  ...named,
  'beganAt',
  ...writtenBy(exportWriters, 'startAgain', 'giveToken', 'noteAwake'),
);
