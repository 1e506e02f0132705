import { GatewayError, type Signal } from '../errors.ts';

/**
 * How a payer failed: only `invalid_grant`, and at a refresh `invalid_scope` and `refused`, say anything about the grant. `refused` is a
 * refusal of what the request carries, in other words than RFC 6749 §5.2 has for it.
 */
export type PayerFailure =
  'invalid_grant' | 'invalid_scope' | 'refused' | 'invalid_client' | 'unavailable' | 'timeout' | 'nonsense';

/** Which of a payer's endpoints was called. The canary's findings use the same names. */
export type Asked = 'token endpoint' | 'userinfo endpoint' | 'JWKS' | 'FHIR API' | 'GET Patient';

/** A payer's failure, before it is known who to tell. `detail` is for the log. */
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

/** A payer's answer that no single member matches an identity, as its profile knows it. */
export class NoMatch extends PayerError {
  constructor() {
    super('invalid_grant', 'no single member matches');
    this.name = 'NoMatch';
  }
}

/**
 * A payer's refusal of a code. The code came from a browser, and anyone who starts a sign-in can make one up. Some servers answer a
 * made-up code with `invalid_request`, a bare 401 or a 500, so such an answer does not prove that the payer or our secret has a problem.
 */
export class CodeRefused extends PayerError {
  constructor({ failure, detail }: PayerError) {
    super(failure, detail);
    this.name = 'CodeRefused';
  }
}

/**
 * The signal that an alarm counts. A refused code says nothing about the payer. A refused client is usually an outdated
 * secret.
 */
const signals: Readonly<Partial<Record<PayerFailure, Signal>>> = {
  unavailable: 'payerDown',
  timeout: 'payerDown',
  nonsense: 'payerDown',
  invalid_scope: 'payerDown',
  refused: 'payerDown',
  invalid_client: 'secretMissing',
};

const forLog = (error: PayerError): { readonly detail: string; readonly signal: Signal | undefined } => {
  const { detail, failure } = error;
  const isOfCode = error instanceof CodeRefused && failure !== 'invalid_grant';
  return { detail, signal: isOfCode ? 'codeRefused' : signals[failure] };
};

/** A payer's failure for a redirect to the partner (RFC 6749 §4.1.2.1). */
export const failureAtLogin = (error: PayerError): GatewayError =>
  // `invalid_client` means that our own registration or secret at the payer is wrong, which is not the member's fault.
  ['unavailable', 'timeout', 'invalid_client'].includes(error.failure)
    ? new GatewayError('temporarily_unavailable', 'The health plan cannot be reached at the moment.', {
        advice: 'Please try again later.',
        ...forLog(error),
      })
    : new GatewayError('server_error', 'The health plan gave an answer that cannot be used.', forLog(error));

/** A payer's failure for the FHIR route: bad gateway, timeout or unavailable, never the end of a grant. */
export const failureAtRead = (error: PayerError): GatewayError => {
  switch (error.failure) {
    case 'timeout':
      return new GatewayError('payer_timeout', 'The health plan did not answer in time.', forLog(error));
    case 'unavailable':
    case 'invalid_client':
      return new GatewayError('temporarily_unavailable', 'The health plan is not available at the moment.', {
        retryAfterSeconds: 30,
        ...forLog(error),
      });
    case 'invalid_grant':
    case 'invalid_scope':
    case 'refused':
    case 'nonsense':
      return new GatewayError('payer_error', 'The health plan gave an answer that cannot be used.', forLog(error));
  }
};
