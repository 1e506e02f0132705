import type { Held } from '../../sandbox/aws/lambda.ts';

/**
 * Watches what the processes of a function hold after a collection. Neither V8's habits nor the machine's load affect
 * it, but an answer that is kept does.
 */
export const watchHeld = async (
  held: () => Promise<readonly Held[] | undefined>,
): Promise<{ readonly look: () => Promise<void>; readonly grownMb: () => number }> => {
  const first = new Map<number, number>();
  let grown = 0;
  const look = async (): Promise<void> => {
    for (const { pid, bytes } of (await held()) ?? []) {
      if (!first.has(pid)) first.set(pid, bytes);
      grown = Math.max(grown, bytes - first.get(pid)!);
    }
  };
  await look();
  return { look, grownMb: () => grown / 1024 / 1024 };
};

/** Calls back every ten megabytes of a body, which pauses in the meantime. */
export const everyTenMegabytes = (look: () => Promise<void>): ((bytes: number) => Promise<void>) => {
  let seen = 0;
  return async (bytes) => {
    if (Math.floor((seen + bytes) / 10_000_000) > Math.floor(seen / 10_000_000)) await look();
    seen += bytes;
  };
};
