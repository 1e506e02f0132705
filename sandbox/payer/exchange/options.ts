import type { IncomingHttpHeaders } from 'node:http';
import type { PublicJwk } from '../../../functions/shared/registry/types.ts';

/** A business identifier, as in FHIR. */
export interface PlanIdentifier {
  readonly system: string;
  readonly value: string;
}

/** One request of an exchange, as this payer heard it. */
export interface HeardRequest {
  /** `elsewhere` is the target of redirects, which must not be followed. */
  readonly at: 'token' | 'match' | 'export' | 'group' | 'status' | 'file' | 'elsewhere';
  readonly method: string;
  /** The `Host` header. */
  readonly host: string;
  /** The path with its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Members that are made up when they are asked for, the same ones for the same seed. */
export interface GeneratedMembers {
  /** @default 10,000; at most 100,000 */
  readonly members?: number;
  /** @default 1 */
  readonly seed?: number;
  /** How many Observations each has. @default 5; at most 100,000 */
  readonly readings?: number;
  /** The bytes of an Observation's line, its end included, if they are more than it needs. */
  readonly readingBytes?: number;
}

/** How fast a payer is. */
export interface PayerPace {
  /** Before it answers a request. */
  readonly latencyMs: number;
  /** The most that it sends of its files, all of them together. */
  readonly bytesPerSecond: number;
}

/** How a payer answers other plans that ask for the records of their new members (PDex 2.2, payer-to-payer). */
export interface FormerPlanOptions {
  /** The client that asks here. It is no client of the sign-in. */
  readonly clientId: string;
  readonly clientKeys: readonly PublicJwk[];
  /** The plans for which the client may ask, one of which each Consent names as the recipient. @default any */
  readonly newPlans?: readonly PlanIdentifier[];
  readonly generated?: GeneratedMembers;
  /** The most lines of a file. @default one file for each type */
  readonly linesPerFile?: number;
  /** How often a status is 202 before the manifest is there. @default once */
  readonly polls?: number;
  /** The `Retry-After` of a status, in seconds. @default 1 */
  readonly retryAfter?: number;
  /** The method of an export's kick-off. @default POST */
  readonly exportMethod?: 'GET';
  /** Whether it filters by `_typeFilter`. @default it refuses it */
  readonly typeFilter?: true;
  /** `false`: files are read without a token, and one that comes all the same is refused. @default true */
  readonly requiresAccessToken?: boolean;
  /** @default as fast as the client reads */
  readonly pace?: PayerPace;
  /** Gets each request when it arrives. */
  readonly heard?: (request: HeardRequest) => void;
}
