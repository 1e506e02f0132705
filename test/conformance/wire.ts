import { callerOf } from '../../sandbox/aws/calls.ts';
import type { AnswerAws } from '../../sandbox/aws/endpoint.ts';
import type { StoreCall } from '../support/world/functions.ts';
import type { StoreFault, Wire } from './target.ts';

/** What the functions send to the tables, and how the tables fail. */
export interface SeenWire extends Wire {
  /** Notes a call. @returns how it fails, if it does */
  readonly see: (call: StoreCall) => StoreFault | undefined;
}

export const seenWire = (): SeenWire => {
  const calls: StoreCall[] = [];
  let fault: StoreFault | undefined;
  return {
    calls: () => calls,
    setFault: (next) => (fault = next),
    see: (call) => {
      calls.push(call);
      return fault;
    },
  };
};

/** The errors of DynamoDB. */
export const storeErrors = {
  throttled: { status: 400, name: 'ProvisionedThroughputExceededException' },
  down: { status: 500, name: 'InternalServerError' },
} as const;

/** Sees the functions' calls at an endpoint of AWS, but not the suite's own access to the tables. */
export const watchStore =
  ({ see }: SeenWire): AnswerAws =>
  (request) => {
    const [service = '', operation = ''] = String(request.headers['x-amz-target'] ?? '').split('.');
    const caller = callerOf(request);
    if (!service.startsWith('DynamoDB_') || caller === 'local') return undefined;
    const parameters = JSON.parse(request.body.toString()) as StoreCall['parameters'];
    const fault = see({ caller, operation, parameters });
    if (fault === undefined) return undefined;
    const { status, name } = storeErrors[fault];
    const body = JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: 'out of order' });
    return { status, headers: { 'content-type': 'application/x-amz-json-1.0' }, body };
  };
