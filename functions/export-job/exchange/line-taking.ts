import type { Leg } from '../leg/leg.ts';
import type { RecordRules } from '../reading/check-resource.ts';
import type { LinesReason, Problem } from '../reading/problems.ts';
import type { createLineRewriter } from '../reading/rewrite-line.ts';
import type { ListedFile } from '../state/plan-files.ts';
import type { LineRules } from './line-rules.ts';

/** How the lines of a file are taken. */
export interface LineTaking {
  readonly leg: Leg;
  readonly rules: RecordRules;
  readonly lines: LineRules;
  readonly file: ListedFile;
  readonly rewrite: ReturnType<typeof createLineRewriter>;
  /** Counts lines that are to be reported. */
  readonly count: (why: LinesReason, type: string) => void;
  readonly report: (problem: Problem) => void;
}
