/** The calls of a request, as they are recorded and compared with those of its floor. */
import type { GetItemCommandInput, PutItemCommandInput, UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import type { PayerRequest } from '../functions/shared/payer/http.ts';

export type PayerCall = readonly [input: string | URL, init: PayerRequest];

/** A request to a table or to the payer. */
export type Call =
  | { readonly command: 'GetItem'; readonly input: GetItemCommandInput }
  | { readonly command: 'PutItem'; readonly input: PutItemCommandInput }
  | { readonly command: 'UpdateItem'; readonly input: UpdateItemCommandInput }
  | { readonly command: 'payer'; readonly input: PayerCall };

/** The calls of one request, in order. Those of one inner list were made side by side. */
export type Recording = readonly (readonly Call[])[];

/** The commands of a {@link Recording}, such as `[['GetItem'], ['PutItem', 'payer']]`. */
export type Commands = readonly (readonly Call['command'][])[];

/** The calls of a request that its floor repeats. */
export interface Counted {
  readonly calls: Commands;
  /** If each request makes its own calls to the table Limits, which count then. @default no */
  readonly limits?: boolean;
}

export interface Recorder {
  /** Calls, and notes when the call begins and ends. */
  readonly during: <T>(call: Call, make: () => Promise<T>) => Promise<T>;
  /** What was recorded since it was last taken. */
  readonly take: () => Recording;
}

/** Records calls. One that begins before those before it have ended is side by side with them. */
export const callRecorder = (): Recorder => {
  const recorded: Call[][] = [];
  let running = 0;
  return {
    during: async (call, make) => {
      if (running === 0) recorded.push([]);
      recorded.at(-1)?.push(call);
      running += 1;
      try {
        return await make();
      } finally {
        running -= 1;
      }
    },
    take: () => recorded.splice(0),
  };
};

/** `GetItem, PutItem beside payer`: which of two calls side by side began first means nothing. */
const inOrder = (commands: Commands): string =>
  commands.map((together) => together.toSorted().join(' beside ')).join(', ');

/** Refuses a handler that makes other calls than its floor, in another order, or other ones side by side. */
export const checkCalls = (recording: Recording, expected: Commands): void => {
  const made = inOrder(recording.map((together) => together.map(({ command }) => command)));
  if (made !== inOrder(expected)) throw new Error(`the handler calls ${made}; its floor has ${inOrder(expected)}`);
};
