import { causeOf, GatewayError } from '../shared/errors.ts';

/**
 * Describes an error for the engine's history and the log. Our own errors give their private detail, which holds no
 * token and nothing of a record. Other errors give their names only.
 */
export const sayCause = (error: unknown): string =>
  error instanceof GatewayError ? (error.detail ?? error.code) : causeOf(error);

/** An error to rethrow, with a message that is safe to store and log. */
export const withCause = (error: unknown): Error => new Error(sayCause(error));
