/** An answer of the token endpoint that is not a token, in Blue Button's words. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  constructor(status: number, body: Readonly<Record<string, unknown>>) {
    super(`refused with ${status}`);
    this.status = status;
    this.body = { status_code: status, ...body };
  }
}

/** The answer to any error in either token, and to any failure of the payer's own. */
export const badRequest = (): Refusal => new Refusal(400, { message: 'Bad request' });

/** The answer if no member matches, or more than one does. It is not an OAuth error. */
export const noMatch = (): Refusal =>
  new Refusal(401, { message: 'ERROR: Your patient data cannot be found at this time.' });

/** The refusals that the OAuth library behind the payer makes. */
export const oauthError = (status: number, error: string, description?: string): Refusal =>
  new Refusal(status, { error, ...(description === undefined ? {} : { error_description: description }) });
