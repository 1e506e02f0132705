import type { ServerResponse } from 'node:http';

/** The parts of a request to a payer that faults look at. */
export interface Asked {
  /** `return`: the browser is about to be sent back to the app. */
  readonly endpoint: 'token' | 'fhir' | 'return' | 'other';
  readonly url: URL;
  /** The grant type of a token request. */
  readonly grantType: string | null;
  /** The access token of a FHIR request, or ''. */
  readonly token: string;
}

/** The state that a payer's faults share. */
export interface FaultyPayer {
  readonly origin: string;
  /** Milliseconds: `slow` waits before an answer, `drip` waits between pieces, and tokens live with `short-tokens`. */
  readonly pauseMs: { readonly slow: number; readonly drip: number; readonly token?: number };
  /** The access tokens that have read a first page. */
  readonly firstPageTokens: Set<string>;
  /** When each access token was issued, in epoch milliseconds, while `short-tokens` was on. */
  readonly issuedAtMs: Map<string, number>;
  /** FHIR requests that `429` has counted. */
  requests: number;
}

/** One way to misbehave: a switch of the sandbox payer. */
export interface Fault {
  readonly name: string;
  /** What the payer does. */
  readonly does: string;
  /** What a partner app sees through the gateway. */
  readonly partnerSees: string;
  /** The result of an export of the whole record. */
  readonly exportGives: string;
  /** Whether the fault applies to a request. */
  readonly when: (asked: Asked) => boolean;
  /** Runs before the payer answers. Returns whether it has answered in the payer's place. */
  readonly before?: (asked: Asked, res: ServerResponse, payer: FaultyPayer) => Promise<boolean> | boolean;
  /** Changes a chunk of the answer. A chunk has whole FHIR entries, or the whole token answer. */
  readonly edit?: (text: string, payer: FaultyPayer) => string;
  /** Changes where the answer redirects to. */
  readonly redirect?: (location: URL) => void;
  /** The size of a piece in bytes, if the answer is sent in pieces with pauses. */
  readonly pieceBytes?: number;
}
