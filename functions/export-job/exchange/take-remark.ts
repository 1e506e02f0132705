import type { PageResource, SkippedResource } from '../reading/page-resource.ts';
import { payerRemarks } from '../reading/problems.ts';
import { everything } from '../state/state.ts';
import type { LineTaking } from './line-rules.ts';

/**
 * Reports the payer's remark. Only its codes are kept, since its text may contain anything. A line that is no OperationOutcome is also
 * reported as a remark.
 */
export const takeRemark = (
  { file, report }: Pick<LineTaking, 'file' | 'report'>,
  given: PageResource | SkippedResource,
): false => {
  const outcome = given.skipped === undefined && given.type === 'OperationOutcome' ? given.resource : {};
  for (const remark of payerRemarks(outcome, everything, 1)) {
    if (remark.kind !== 'payerRemark') continue;
    report({
      kind: 'fileRemark',
      type: everything,
      file: file.number,
      severity: remark.severity,
      code: remark.code,
    });
  }
  return false;
};
