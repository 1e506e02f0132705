/** Limits of one durable execution (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html). */
export const limits = {
  /** Operations, each retry included. */
  operations: 3000,
  /** Bytes of all payloads written. */
  persistedBytes: 100 * 1024 * 1024,
  /** Bytes of the payload of one update, and of a call-back's result. */
  payloadBytes: 256 * 1024,
  /** Bytes of an error. */
  errorBytes: 32 * 1024,
  /** Bytes of the input, and of the result of an execution that was started asynchronously. */
  inputBytes: 1024 * 1024,
  /** The longest wait, retry delay and call-back time-out, in seconds. */
  longestSeconds: 31_622_400,
  /** Operations on one page of the state. */
  pageItems: 1000,
  /** Payload bytes on one page of the state. */
  pageBytes: 1024 * 1024,
} as const;

/** Lambda's patterns for names and ids. */
export const patterns = {
  executionName: /^[A-Za-z0-9_-]{1,64}$/,
  operationId: /^[A-Za-z0-9_-]{1,64}$/,
  operationName: /^[\x20-\x7e]{1,256}$/,
  subType: /^[A-Za-z_-]{1,32}$/,
} as const;
