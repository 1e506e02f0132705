/** Error codes of RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1, RFC 8707 §2, and the few that the FHIR route adds. */
export type ErrorCode =
  | 'access_denied'
  | 'answer_too_large'
  | 'insufficient_scope'
  | 'invalid_client'
  | 'invalid_grant'
  | 'invalid_request'
  | 'invalid_scope'
  | 'invalid_target'
  | 'invalid_token'
  | 'method_not_allowed'
  | 'not_found'
  | 'payer_error'
  | 'payer_timeout'
  | 'reconnect'
  | 'server_error'
  | 'temporarily_unavailable'
  | 'unauthorized_client'
  | 'too_many_requests'
  | 'unsupported_grant_type'
  | 'unsupported_response_type';

/** The default HTTP status of each code, if the answer is not a redirect. */
const statuses: Readonly<Record<ErrorCode, number>> = {
  access_denied: 403,
  answer_too_large: 502,
  insufficient_scope: 403,
  invalid_client: 401,
  invalid_grant: 400,
  invalid_request: 400,
  invalid_scope: 400,
  invalid_target: 400,
  invalid_token: 401,
  method_not_allowed: 405,
  not_found: 404,
  payer_error: 502,
  payer_timeout: 504,
  reconnect: 403,
  server_error: 500,
  temporarily_unavailable: 503,
  unauthorized_client: 400,
  too_many_requests: 429,
  unsupported_grant_type: 400,
  unsupported_response_type: 400,
};

/** Every error code. Tools use it; the mark lets a bundle leave it out. */
export const errorCodes = /* @__PURE__ */ Object.keys(statuses).toSorted() as readonly ErrorCode[];

/** FHIR's issue types (https://hl7.org/fhir/R4/valueset-issue-type.html) that our errors use. */
export type IssueType =
  | 'exception'
  | 'forbidden'
  | 'invalid'
  | 'login'
  | 'not-found'
  | 'not-supported'
  | 'processing'
  | 'throttled'
  | 'timeout'
  | 'too-costly'
  | 'transient';

/** What is counted besides the outcomes of requests. The dashboard shows each; lib/alarm-definitions.ts says which ring. */
export const signals = [
  'payerDown',
  'payerDrift',
  'refreshFailed',
  'refreshRepeated',
  'reuseDetected',
  'auditNotWritten',
  'auditTimesDiffer',
  'secretMissing',
  'codeRefused',
  'answerTooLarge',
  'limitsDown',
  'breakerOpened',
  'registryDown',
  'registryDamaged',
  'exportFailed',
  'exportWaiting',
  'deliveryFailed',
] as const;

export type Signal = (typeof signals)[number];

/** What a member's page can be about: where the gateway can go no further and may not send the browser back. */
export type DeadEnd =
  | 'appGone'
  | 'blockedApp'
  | 'brokenLink'
  | 'embedded'
  | 'expired'
  | 'finished'
  | 'notBegunHere'
  | 'notFound'
  | 'openedAhead'
  | 'otherBrowser'
  | 'ours'
  | 'unavailable'
  | 'unknownApp'
  | 'unknownPlan'
  | 'unregisteredReturn'
  | 'wrongAnswer'
  | 'wrongMethod';

/** A registered app, as its entry has it. */
interface AppToGoBackTo {
  readonly name: string;
  readonly homePage: string;
}

/** One of many mistakes in a request, and where it is. */
export interface Mistake {
  /** Issue type, of https://hl7.org/fhir/R4/valueset-issue-type.html */
  readonly code: 'business-rule' | 'duplicate' | 'invalid' | 'not-supported' | 'required' | 'structure' | 'too-long';
  /** FHIRPath of the element. */
  readonly expression: string;
  /** A public sentence, which repeats nothing that the caller sent. */
  readonly message: string;
}

interface GatewayErrorOptions {
  /** HTTP status, if the answer is not a redirect. @default the code's */
  readonly status?: number;
  /** Issue type, if the answer is an OperationOutcome. @default the code's */
  readonly issueType?: IssueType;
  /** All that is wrong with the request, if the answer is an OperationOutcome. */
  readonly mistakes?: readonly Mistake[];
  /** What the caller can do: a sentence that follows the public one. @default none */
  readonly advice?: string;
  /** What happened, for the log; never sent. It must hold no token, code, secret, state or health data. */
  readonly detail?: string;
  readonly retryAfterSeconds?: number;
  /** The signal that an alarm counts. */
  readonly signal?: Signal;
  /** The operator's stop that refused the request. */
  readonly stop?: 'block' | 'pause';
  /** Further response headers, such as `Allow`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What a member reads, if the answer is a page. @default by the code */
  readonly page?: DeadEnd;
  /** The app whose home page a member can go back to, if the answer is a page. Only one that is registered. */
  readonly backTo?: AppToGoBackTo;
}

/**
 * The one error that functions throw: a code and a sentence for the caller, and a private detail for the log. Each
 * function's edge turns it into what its caller understands (page, redirect, OAuth JSON or OperationOutcome).
 */
export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly issueType: IssueType | undefined;
  readonly sentence: string;
  readonly advice: string;
  readonly mistakes: readonly Mistake[];
  readonly detail: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly signal: Signal | undefined;
  readonly stop: 'block' | 'pause' | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly page: DeadEnd | undefined;
  readonly backTo: AppToGoBackTo | undefined;

  constructor(code: ErrorCode, sentence: string, options: GatewayErrorOptions = {}) {
    super(code);
    this.name = 'GatewayError';
    this.code = code;
    this.sentence = sentence;
    this.advice = options.advice ?? '';
    this.status = options.status ?? statuses[code];
    this.issueType = options.issueType;
    this.mistakes = options.mistakes ?? [];
    this.detail = options.detail;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.signal = options.signal;
    this.stop = options.stop;
    this.headers = options.headers ?? {};
    this.page = options.page;
    this.backTo = options.backTo;
  }

  /** What the caller is told: what happened, and what to do. */
  get publicMessage(): string {
    return `${this.sentence} ${this.advice}`.trimEnd();
  }
}

/** The headers of an error's answer, in every format. */
export const errorHeaders = ({ headers, retryAfterSeconds }: GatewayError): Record<string, string> => ({
  ...headers,
  ...(retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) }),
});

/** An error's sentence, with the request's reference, if any, for a person to quote. */
export const withReference = (publicMessage: string, reference: string | undefined): string =>
  reference === undefined ? publicMessage : `${publicMessage} (reference ${reference})`;

/** Makes the error for a dependency that fails. Nothing was decided, so the caller may retry. */
export const unavailable = (detail: string, retryAfterSeconds = 5): GatewayError =>
  new GatewayError('temporarily_unavailable', 'The service is briefly unavailable.', {
    advice: 'Please try again.',
    retryAfterSeconds,
    detail,
  });

/** Checked by shape: a DOMException, or an error from another realm, is not always an `instanceof Error`. */
const isErrorLike = (value: unknown): value is { readonly name: string; readonly cause?: unknown } =>
  typeof value === 'object' &&
  value !== null &&
  'message' in value &&
  'name' in value &&
  typeof value.name === 'string';

/**
 * Names a foreign error for the log. Names and codes only: messages of parsers and HTTP clients quote what they read.
 */
export const causeOf = (error: unknown): string => {
  const names: string[] = [];
  for (let at = error, depth = 0; isErrorLike(at) && depth < 4; at = at.cause, depth += 1) {
    const code = 'code' in at && typeof at.code === 'string' ? at.code : undefined;
    names.push(code === undefined ? at.name : `${at.name}:${code}`);
  }
  return names.length === 0 ? 'unknown' : names.join(' < ');
};

/** The same for a person to read, without names that say nothing, such as `Error`: `ENOTFOUND`. */
export const plainCauseOf = (error: unknown): string => {
  const parts = causeOf(error)
    .split(' < ')
    .map((part) => part.replace(/^(?:Type)?Error(?::|$)/, ''))
    .filter((part) => part !== '');
  return parts.length === 0 && error instanceof Error ? error.message : parts.join(' < ');
};

/**
 * Turns any thrown value into a {@link GatewayError}. An unexpected one becomes `server_error`; its name is kept for
 * the log.
 */
export const asGatewayError = (error: unknown): GatewayError =>
  error instanceof GatewayError
    ? error
    : new GatewayError('server_error', 'Something went wrong on our side.', { detail: causeOf(error) });
