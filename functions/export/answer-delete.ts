import { fhirAnswer } from '../shared/fhir/operation-outcome.ts';
import type { ApiResponse } from '../shared/http/api.ts';
import { auditRead, type AuditContext } from '../shared/record/audit-read.ts';
import type { Export } from '../shared/store/export-item.ts';
import { deleteExport } from '../shared/store/exports.ts';
import type { ExportDeps } from './deps.ts';

const outcome = JSON.stringify({
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'information', code: 'informational', diagnostics: 'The export is deleted.' }],
});

/**
 * Deletes an export. The table's stream then deletes its files, and its job ends when the item is gone. For an exchange, a new
 * execution, which the stream starts, tells the former plan. The exchange counts as running until then, because the plan may still be working on it.
 */
export const answerDelete = async (deps: ExportDeps, item: Export, context: AuditContext): Promise<ApiResponse> => {
  context.record.interaction = 'export delete';
  auditRead(deps, context, item.patient);
  await deleteExport(deps.exports, item);
  return fhirAnswer(202, outcome);
};
