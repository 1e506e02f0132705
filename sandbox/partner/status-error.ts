/** An answer of the gateway that is not what was asked for, with its HTTP status. */
export class StatusError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
