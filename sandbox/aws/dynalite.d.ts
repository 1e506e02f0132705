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
