import { setTimeout as after } from 'node:timers/promises';

/** The most milliseconds for an answer, of a payer or of AWS. */
export const answerMs = 5000;

/**
 * Waits for the promise's value, up to a time limit. Work that is still running then is not canceled.
 * @throws DOMException TimeoutError
 */
export const withinMs = async <T>(ms: number, promise: Promise<T>): Promise<T> => {
  const done = new AbortController();
  const tooLate = after(ms, undefined, { signal: done.signal }).then(() => {
    throw new DOMException(`Not within ${ms} ms`, 'TimeoutError');
  });
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    tooLate.catch(() => {});
    done.abort();
  }
};
