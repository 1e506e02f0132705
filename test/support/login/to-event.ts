import type { ApiEvent } from '../../../functions/shared/http/api.ts';
import { apiEvent } from '../api-call.ts';
import type { GatewayRequest } from './requests.ts';

/** A request as API Gateway gives it to a function. */
export const toEvent = ({ route, ...rest }: GatewayRequest): ApiEvent => apiEvent(route, rest);
