declare module 'dynalite' {
  import type { Server } from 'node:http';

  /** Milliseconds that a table stays in its transitional states. */
  interface DynaliteOptions {
    /** The folder of a LevelDB store. @default in memory */
    readonly path?: string;
    readonly createTableMs?: number;
    readonly deleteTableMs?: number;
    readonly updateTableMs?: number;
  }

  export default function dynalite(options?: DynaliteOptions): Server;
}

declare module 'dynalite/validations/index.js' {
  /** What DynamoDB says of the expressions in a request, which it changes; falsy if nothing is wrong. */
  export function validateExpressions(request: object): string | null | undefined;
}
