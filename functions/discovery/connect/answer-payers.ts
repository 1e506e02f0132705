import type { Deps } from '../../shared/deps.ts';
import { GatewayError } from '../../shared/errors.ts';
import { parameters, queryPairs, type ApiEvent, type ApiResponse } from '../../shared/http/api.ts';
import { json } from '../../shared/http/respond.ts';
import type { RequestRecord } from '../../shared/record/request-record.ts';
import { requireClient } from '../require-client.ts';
import { checkSearch, type FindPayers } from './find-payers.ts';

/** Not longer than the registry keeps what it has read, so that a pause shows in time. */
const cachable = { 'Cache-Control': 'public, max-age=20' };

/** Answers `GET /connect/payers`: what the page shows while a member types. */
export const answerPayers =
  ({ registry }: Pick<Deps, 'registry'>, findPayers: FindPayers) =>
  async (event: ApiEvent, record: RequestRecord): Promise<ApiResponse> => {
    const request = parameters(queryPairs(event));
    const partner = await requireClient(registry, request, record);
    if (partner === undefined) throw new GatewayError('invalid_request', 'client_id is missing.');
    const typed = request.values.get('q') ?? '';
    checkSearch(typed);
    return json(200, await findPayers(partner, typed), cachable);
  };
