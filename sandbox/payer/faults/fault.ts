import type { ServerResponse } from 'node:http';

/** A request to a payer, as far as faults look at it. */
export interface Asked {
  /** `return`: the browser is about to be sent back to the app. */
  readonly endpoint: 'token' | 'fhir' | 'return' | 'other';
  readonly url: URL;
  /** Of a token request. */
  readonly grantType: string | null;
  /** The access token of a FHIR request, or ''. */
  readonly token: string;
}

/** What a payer's faults know and remember. */
export interface FaultyPayer {
  readonly origin: string;
  /** How long `slow` waits before an answer, and `drip` between two pieces. Milliseconds. */
  readonly pauseMs: { readonly slow: number; readonly drip: number };
  /** The access tokens that have read a first page. */
  readonly firstPageTokens: Set<string>;
  /** FHIR requests that `429` has counted. */
  requests: number;
}

/** One way to misbehave: a switch of the sandbox payer. */
export interface Fault {
  readonly name: string;
  /** What the payer does. */
  readonly does: string;
  /** What a partner app sees of it, through the gateway. */
  readonly partnerSees: string;
  /** The requests that it concerns. */
  readonly when: (asked: Asked) => boolean;
  /** Runs before the payer answers. Returns whether it has answered in the payer's place. */
  readonly before?: (asked: Asked, res: ServerResponse, payer: FaultyPayer) => Promise<boolean> | boolean;
  /** Changes a chunk of the answer. A chunk has whole FHIR entries, or the whole token answer. */
  readonly edit?: (text: string, payer: FaultyPayer) => string;
  /** Changes where the answer redirects to. */
  readonly redirect?: (location: URL) => void;
  /** Bytes of a piece, if the answer is sent in pieces with pauses between them. */
  readonly pieceBytes?: number;
}
