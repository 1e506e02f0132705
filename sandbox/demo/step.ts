import { curlLine, masked } from './curl.ts';
import type { DemoRequest } from './curl.ts';

/** One step as printed: masked, with its duration. */
export interface StepReport {
  readonly name: string;
  readonly title: string;
  readonly request: string;
  readonly response: string;
  readonly ms: number;
}

/** A step did not end as expected. `step` is its name. */
export class StepError extends Error {
  override readonly name = 'StepError';
  readonly step: string;
  constructor(step: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.step = step;
  }
}

/** Runs one step and reports it. @throws {StepError} */
export type Take = <Value>(
  name: string,
  title: string,
  run: () => Promise<{ value: Value; request: DemoRequest; response: string }>,
) => Promise<Value>;

/**
 * The steps of one run.
 * @param secrets texts that must not be printed, by name; steps add to it
 * @param signal stops the run before its next step
 */
export const stepsOf =
  (
    report: (step: StepReport) => void,
    secrets: Readonly<Record<string, string | undefined>>,
    signal: AbortSignal,
  ): Take =>
  async (name, title, run) => {
    const startedMs = performance.now();
    try {
      signal.throwIfAborted();
      const { value, request, response } = await run();
      const ms = Math.round(performance.now() - startedMs);
      report({ name, title, request: curlLine(request, secrets), response: masked(response, secrets), ms });
      return value;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new StepError(name, masked(message, secrets), error);
    }
  };
