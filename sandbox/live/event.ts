/** Who talks to whom. `app` is a partner's app: the sandbox's own, or a developer's. */
export type Lane = 'browser' | 'app' | 'gateway' | 'payer';

/** A name and a value that may be shown. */
export type Pair = readonly [name: string, value: string];

/** What a function's log line adds to the hop that invoked it. All of it is in the functions' own logs. */
export interface LoggedFacts {
  readonly step?: string;
  readonly outcome?: string;
  readonly interaction?: string;
  readonly payerStatus?: number;
  readonly payerMs?: number;
  readonly bytes?: number;
  readonly error?: string;
  readonly detail?: string;
}

/** One HTTP request, from its arrival to the end of its answer. */
export interface Hop extends LoggedFacts {
  readonly kind: 'hop';
  readonly from: Lane;
  readonly to: Lane;
  /** `gateway`, `partner` or a payer's id. */
  readonly service: string;
  readonly method: string;
  readonly path: string;
  readonly query: readonly Pair[];
  readonly request: readonly Pair[];
  /** A style sheet, a script or a picture. */
  readonly asset?: true;
  /** Absent until the answer has begun. */
  readonly status?: number;
  readonly answer?: readonly Pair[];
  /** What a token endpoint was sent, and what it answered. */
  readonly form?: readonly Pair[];
  readonly body?: readonly Pair[];
  /** Absent until the answer has ended. */
  readonly ms?: number;
  /** The reference that an error shows to a person, and that `npm run trace` finds. */
  readonly reference?: string;
  /** What the error means, and where the rendered API document says so, if it is served. */
  readonly explanation?: { readonly says: string; readonly href?: string };
}

/** A write to a table or a bucket. */
export interface Stored {
  readonly kind: 'stored';
  /** The function that wrote. */
  readonly by: string;
  /** Such as `put`, `update` or `delete`. */
  readonly action: string;
  /** The table's or the bucket's name in the stack, such as `grants`. */
  readonly where: string;
  /** Attributes, with the values that are no secret. */
  readonly attributes: readonly Pair[];
  /** For how long it is kept, in seconds, where the write says so. */
  readonly ttlSeconds?: number;
  /** The condition of the write did not hold, so nothing was stored. */
  readonly refused?: true;
}

/** A step of an export or of the delivery of an event. */
export interface Step {
  readonly kind: 'step';
  readonly by: string;
  readonly text: string;
  readonly facts: readonly Pair[];
  readonly failed?: true;
}

export type Shown = Hop | Stored | Step;

/** An event as readers get it. */
export type LiveEvent = Shown & {
  readonly id: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly flow?: number;
};

/** What belongs together: a member's sign-in, its grant, and everything that happens with it. */
export interface Flow {
  readonly kind: 'flow';
  readonly id: number;
  /** It turned out to be a part of this earlier flow. */
  readonly into?: number;
  readonly grant?: string;
  readonly payer?: string;
  readonly partner?: string;
}

export type FlowName = Pick<Flow, 'grant' | 'payer' | 'partner'>;
