/** Builds the id of a call-back from its execution and operation, in the characters that Lambda allows. */
export const callbackIdOf = (executionArn: string, operationId: string): string =>
  Buffer.from(`${executionArn} ${operationId}`).toString('base64');

/** The execution and operation that a call-back's id names. Both are empty if Lambda did not make the id. */
export const namedBy = (callbackId: string): readonly [executionArn: string, operationId: string] => {
  const [executionArn = '', operationId = ''] = Buffer.from(callbackId, 'base64').toString().split(' ');
  return [executionArn, operationId];
};
