import type { MiddlewareObj } from '@middy/core';
import { recordError, recordOf, referenceOf } from '../record/request-record.ts';
import type { ApiEvent, ApiResponse } from './api.ts';
import { errorPage } from './page.ts';

/** Turns what was thrown before a partner is trusted into a page for a person. */
export const errorPages: MiddlewareObj<ApiEvent, ApiResponse> = {
  onError: (request) => {
    const record = recordOf(request.event);
    request.response = errorPage(recordError(record, request.error), referenceOf(record));
  },
};
