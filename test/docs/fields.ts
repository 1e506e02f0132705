import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { metricNames } from '../../functions/shared/metrics/metrics.ts';
import { words } from '../support/words.ts';
import { root } from './documents.ts';

const source = (path: string): string => readFileSync(join(root, path), 'utf8');

const members = (text: string): string[] =>
  [...text.matchAll(/^ +(?:readonly )?(\w+)\??:/gm)].map(([, name = '']) => name);

const between = (text: string, from: string, to: string): string => {
  const start = text.indexOf(from);
  if (start < 0) throw new Error(`${from} is gone`);
  return text.slice(start, text.indexOf(to, start));
};

/** The fields of a line from API Gateway. */
export const accessLogFields = (): string[] => members(between(source('lib/access-log.ts'), 'const fields = {', '};'));

/** The fields of a function's line, of the audit function's, and of the access log, from their declarations. */
export const loggedFields = (): string[] => [
  ...members(between(source('functions/shared/record/request-record.ts'), 'export interface RequestRecord', '\n}')),
  'outcome',
  ...metricNames,
  'level',
  'records',
  // These are logged by the follow-up, the job and deliveries.
  ...words('jobStep failed overdue seconds type unreadable apart rewritten'),
  ...accessLogFields(),
];
