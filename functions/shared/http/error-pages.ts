import type { MiddlewareObj } from '@middy/core';
import { recordError, recordOf } from '../request-record.ts';
import type { ApiEvent, ApiResponse } from './api.ts';
import { errorPage } from './page.ts';

/** Turns what was thrown before a partner is trusted into a page for a person. */
export const errorPages: MiddlewareObj<ApiEvent, ApiResponse> = {
  onError: (request) => {
    request.response = errorPage(recordError(recordOf(request.event), request.error));
  },
};
