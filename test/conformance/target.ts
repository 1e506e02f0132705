import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import type { StoreCall } from '../support/world/functions.ts';
import type { localApps } from './local-config.ts';
import type { ScriptedPayers } from './scripted-payer.ts';
import type { Store } from './store.ts';

/** A partner of the stage, with its credentials. */
export interface App {
  readonly clientId: string;
  /** Absent for a public client. */
  readonly secret?: string;
  readonly redirectUri: string;
}

/** A stage under test, as a partner or an attacker sees it. */
export interface Target {
  /** The public origin, without a trailing slash. */
  readonly origin: string;
  /** The id of a payer that both partners may read from. */
  readonly payer: string;
  /** A partner with a secret, which it may send with Basic or in the form. */
  readonly portal: App & { readonly secret: string };
  /** A public partner with a web page. */
  readonly app: App & { readonly webOrigin: string };
  /** Whether an edge restores the `WWW-Authenticate` header, which API Gateway renames. */
  readonly edge: boolean;
}

/** How DynamoDB fails. */
export type StoreFault = 'throttled' | 'down';

/** What the functions send to the tables. */
export interface Wire {
  readonly calls: () => readonly StoreCall[];
  /** Breaks every call to DynamoDB; undefined repairs it. */
  readonly setFault: (fault: StoreFault | undefined) => void;
}

/** A stage with its payers, tables, clock and logs under the test's control, in this process or in processes of its own. */
export interface WorldTarget extends Target {
  readonly apps: typeof localApps;
  readonly payers: ScriptedPayers;
  /** The tables, accessed without the functions. */
  readonly store: Store;
  readonly wire: Wire;
  /** The tables' names by construct name. */
  readonly tables: Readonly<Record<string, string>>;
  /** Every line that a function has printed, and every line of the request log. */
  readonly logLines: readonly string[];
  /** Epoch seconds. */
  readonly now: () => number;
  /** Lets time pass: moves a clock that the test controls, or waits. */
  readonly passSeconds: (seconds: number) => Promise<void>;
  /** Sets a payer's secret; `undefined` empties it. */
  readonly setSecret: (payerId: string, secret: object | undefined) => void;
  /** Resets payers, secrets and faults. */
  readonly reset: () => void;
  readonly close: () => Promise<void>;
}

const fileSchema = z.strictObject({
  payer: z.string(),
  edge: z.boolean().default(false),
  portal: z.strictObject({ clientId: z.string(), secret: z.string(), redirectUri: z.url() }),
  app: z.strictObject({ clientId: z.string(), redirectUri: z.url(), webOrigin: z.url() }),
});

/**
 * The deployed stage that `P2P_BASE_URL` names, with the partners of the file that `P2P_CONFORMANCE_FILE` names.
 * Undefined if neither variable is set; then the suite starts its own stage.
 * @throws Error that says which of the two is missing; ZodError for a file of the wrong shape
 */
export const deployedTarget = async (environment: NodeJS.ProcessEnv): Promise<Target | undefined> => {
  const { P2P_BASE_URL: origin, P2P_CONFORMANCE_FILE: file } = environment;
  if (origin === undefined && file === undefined) return undefined;
  if (origin === undefined || file === undefined) {
    throw new Error('Set both P2P_BASE_URL (the stage) and P2P_CONFORMANCE_FILE (a payer and two partners of it)');
  }
  return { origin: origin.replace(/\/+$/, ''), ...fileSchema.parse(JSON.parse(await readFile(file, 'utf8'))) };
};

/** The FHIR base URL of a payer's facade. */
export const baseOf = ({ origin, payer }: Target, payerId = payer): string => `${origin}/r4/${payerId}`;
