/** The input of an execution. Like everything that the engine stores, it holds names, counts and outcomes only. */
export interface JobInput {
  readonly exportId: string;
  /** The number of this execution of the export; absent for the first. */
  readonly run?: number;
  /** The state file that a later execution continues from. */
  readonly state?: string;
  /** For an exchange: whose limit of running exchanges it counts toward, as `exchangeOwner` writes partner and payer. */
  readonly owner?: string | undefined;
  /** The ARN of the execution that this one continues. */
  readonly after?: string;
}

/** The name of an execution. The engine accepts each name once. At most 64 characters. */
export const executionName = (exportId: string, run: number): string => (run === 1 ? exportId : `${exportId}-${run}`);
