import { fhirAnswer } from '../../shared/fhir/operation-outcome.ts';
import type { ApiResponse } from '../../shared/http/api.ts';
import { auditRead } from '../../shared/record/audit-read.ts';
import type { Asking } from './asking.ts';
import { requireGroup } from './open-group.ts';

/** Answers with a Group of the partner, as the payer sent it. @throws GatewayError */
export const answerGroup = async (asking: Asking, id: string): Promise<ApiResponse> => {
  asking.context.record.interaction = 'read Group';
  const { head, body } = await requireGroup(asking, id);
  asking.context.record.exchange = head.exportId;
  await auditRead(asking.deps, asking.context, undefined).begin();
  return fhirAnswer(200, body.resource);
};
