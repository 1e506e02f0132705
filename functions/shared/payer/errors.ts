import { GatewayError, type Signal } from '../errors.ts';

/** How a payer failed: only `invalid_grant` says anything about the grant. */
export type PayerFailure = 'invalid_grant' | 'invalid_client' | 'unavailable' | 'timeout' | 'nonsense';

/** What of a payer's was asked, as the canary's findings name it too. */
export type Asked = 'token endpoint' | 'FHIR API' | 'GET Patient';

/** A payer's failure, before it is known whom to tell. `detail` is for the log. */
export class PayerError extends Error {
  readonly failure: PayerFailure;
  readonly detail: string;

  constructor(failure: PayerFailure, detail: string) {
    super(failure);
    this.name = 'PayerError';
    this.failure = failure;
    this.detail = detail;
  }
}

/** What an alarm counts. A refused code says nothing about the payer; a refused client is mostly a secret out of date. */
const signals: Readonly<Partial<Record<PayerFailure, Signal>>> = {
  unavailable: 'payerDown',
  timeout: 'payerDown',
  nonsense: 'payerDown',
  invalid_client: 'secretMissing',
};

const forLog = ({ detail, failure }: PayerError) => ({ detail, signal: signals[failure] });

/** A payer's failure as a redirect tells it to the partner (RFC 6749 §4.1.2.1). */
export const failureAtLogin = (error: PayerError): GatewayError =>
  // `invalid_client` is our own registration or secret there: out of order, and no fault of the member's.
  ['unavailable', 'timeout', 'invalid_client'].includes(error.failure)
    ? new GatewayError(
        'temporarily_unavailable',
        'The health plan cannot be reached at the moment. Please try again later.',
        forLog(error),
      )
    : new GatewayError('server_error', 'The health plan gave an answer that cannot be used.', forLog(error));

/** A payer's failure as the FHIR route tells it: bad gateway, time-out or unavailable, never the end of a grant. */
export const failureAtRead = (error: PayerError): GatewayError => {
  switch (error.failure) {
    case 'timeout':
      return new GatewayError('payer_timeout', 'The health plan did not answer in time.', { ...forLog(error) });
    case 'unavailable':
    case 'invalid_client':
      return new GatewayError('temporarily_unavailable', 'The health plan is not available at the moment.', {
        retryAfterSeconds: 30,
        ...forLog(error),
      });
    case 'invalid_grant':
    case 'nonsense':
      return new GatewayError('payer_error', 'The health plan gave an answer that cannot be used.', {
        ...forLog(error),
      });
  }
};
