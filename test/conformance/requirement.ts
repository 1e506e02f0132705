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
const processRequirement = (
  source: string,
  title: string,
  run: (target: LocalTarget) => Promise<void>,
): Requirement => ({ source, title, needs: 'processes', run });

type Checked = (target: WorldTarget) => Promise<void>;
interface OnStage {
  readonly onStage: (target: Target) => Promise<void>;
}
interface InProcesses {
  readonly inProcesses: (target: LocalTarget) => Promise<void>;
}

/** What a running stage is asked, among {@link promises}. */
export const onStage = (run: OnStage['onStage']): OnStage => ({ onStage: run });

/** What only functions in processes of their own are asked, among {@link promises}. */
export const inProcesses = (run: InProcesses['inProcesses']): InProcesses => ({ inProcesses: run });

/** Requirements by `SOURCE: what the gateway promises`; most need a world. */
export const promises = (all: Readonly<Record<string, Checked | OnStage | InProcesses>>): readonly Requirement[] =>
  Object.entries(all).map(([name, ask]) => {
    const at = name.indexOf(': ');
    const [source, title] = [name.slice(0, at), name.slice(at + 2)];
    if (typeof ask === 'function') return localRequirement(source, title, ask);
    return 'onStage' in ask
      ? requirement(source, title, ask.onStage)
      : processRequirement(source, title, ask.inProcesses);
  });
