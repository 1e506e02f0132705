/** The local stack can't start as requested. The message is one line for a person. */
export class LocalStackError extends Error {
  override readonly name = 'LocalStackError';
}
