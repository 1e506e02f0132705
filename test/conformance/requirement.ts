import type { LocalTarget } from './local-target.ts';
import type { Target, WorldTarget } from './target.ts';

interface Named {
  /** The RFC, specification or list that requires it. */
  readonly source: string;
  /** What the gateway promises. */
  readonly title: string;
}

/** A promise that can be kept or broken over HTTP. */
export type Requirement =
  | (Named & { readonly needs: 'a stage'; readonly run: (target: Target) => Promise<void> })
  | (Named & { readonly needs: 'a world'; readonly run: (target: WorldTarget) => Promise<void> })
  | (Named & { readonly needs: 'processes'; readonly run: (target: LocalTarget) => Promise<void> });

/** Requirements of one endpoint. */
export interface Group {
  readonly endpoint: string;
  readonly requirements: readonly Requirement[];
}

/** A requirement for any running stage, without a sign-in. */
export const requirement = (source: string, title: string, run: (target: Target) => Promise<void>): Requirement => ({
  source,
  title,
  needs: 'a stage',
  run,
});

/** A requirement that needs a payer's fault, a clock, access to the store, or a member who signs in on request. */
export const localRequirement = (
  source: string,
  title: string,
  run: (target: WorldTarget) => Promise<void>,
): Requirement => ({ source, title, needs: 'a world', run });

/** A requirement that only functions in processes of their own can keep or break. */
export const processRequirement = (
  source: string,
  title: string,
  run: (target: LocalTarget) => Promise<void>,
): Requirement => ({ source, title, needs: 'processes', run });
