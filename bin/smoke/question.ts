import type { StageConfig } from '../../config/stage.ts';
import type { SmokePlan } from './flags.ts';

/** A running stage, and what a question needs to test it. */
export interface AskedStage {
  readonly config: StageConfig;
  readonly plan: SmokePlan;
  /** The public origin, without a trailing slash. */
  readonly origin: string;
  /** The id of the payer to read from. */
  readonly payer: string;
  /** The FHIR base URL of that payer. */
  readonly base: string;
  /** Whether an edge restores the name of `WWW-Authenticate`. */
  readonly edge: boolean;
  readonly token: string | undefined;
  readonly environment: NodeJS.ProcessEnv;
  readonly runSuite: RunSuite;
  /** Waits, in milliseconds. */
  readonly wait: (ms: number) => Promise<unknown>;
}

/**
 * Runs the conformance suite against a stage.
 * @param file a payer and two partners of it
 * @returns its exit code and what it printed
 */
export type RunSuite = (
  origin: string,
  file: string,
  environment: NodeJS.ProcessEnv,
) => Promise<{ readonly code: number | null; readonly told: string }>;

/** The result of a question; `missing` is what is needed to ask it. */
export type SmokeAnswer =
  | { readonly outcome: 'right' | 'wrong'; readonly what: string }
  | { readonly outcome: 'notAsked'; readonly missing: string };

/** A question that only a running stage can answer. */
export interface Question {
  readonly name: string;
  readonly title: string;
  /** What is missing to ask it; undefined if nothing is. */
  readonly missing: (asked: AskedStage) => string | undefined;
  /** @throws what the network throws: that is a wrong answer */
  readonly ask: (asked: AskedStage) => Promise<SmokeAnswer>;
}

export const rightAnswer = (what: string): SmokeAnswer => ({ outcome: 'right', what });
export const wrongAnswer = (what: string): SmokeAnswer => ({ outcome: 'wrong', what });

export const needsToken = ({ token }: AskedStage): string | undefined =>
  token === undefined ? 'an access token in P2P_ACCESS_TOKEN' : undefined;

/** Reads under the payer's FHIR base with the access token. */
export const readAsPartner = ({ base, token }: AskedStage, path: string): Promise<Response> =>
  fetch(`${base}/${path}`, { headers: { authorization: `Bearer ${token ?? ''}` }, redirect: 'manual' });
