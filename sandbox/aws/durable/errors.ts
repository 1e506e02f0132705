/** An error of Lambda's API, as its SDK reads it. */
export class LambdaError extends Error {
  /** Such as `InvalidParameterValueException`. */
  override readonly name: string;
  /** HTTP status. */
  readonly status: number;

  constructor(name: string, status: number, message: string) {
    super(message);
    this.name = name;
    this.status = status;
  }
}

/** The service's exact text, since SDKs compare it. */
export const invalidToken = (): LambdaError => invalid('Invalid checkpoint token');

export const invalid = (message: string): LambdaError =>
  new LambdaError('InvalidParameterValueException', 400, message);

export const notFound = (message: string): LambdaError => new LambdaError('ResourceNotFoundException', 404, message);

/** A parameter that breaks a rule of the API's model. */
export const malformed = (name: string, rule: string): LambdaError =>
  new LambdaError(
    'ValidationException',
    400,
    `1 validation error detected: Value at '${name}' failed to satisfy constraint: ${rule}`,
  );

export const alreadyStarted = (name: string): LambdaError =>
  new LambdaError(
    'DurableExecutionAlreadyStartedException',
    409,
    `A durable execution named ${name} was already started with another payload`,
  );

export const callbackOver = (): LambdaError =>
  new LambdaError('CallbackTimeoutException', 400, 'The callback has expired or was already completed');

/** Lambda reports the key's state as its own failure, 502. */
export const keyDisabled = (): LambdaError =>
  new LambdaError('KMSDisabledException', 502, 'Lambda could not use the KMS key, which is disabled');
