import { UsageError } from './command-line.ts';

/** How many characters a reason may have. */
export const longestReason = 200;

/**
 * Reads the reason for a change, which is kept with the operator's name.
 * @param missing what to say if there is none
 * @throws UsageError if it is missing, too long, or not one line of visible text
 */
export const requireReason = (given: string | undefined, missing: string): string => {
  const reason = (given ?? '').trim();
  if (reason === '') throw new UsageError(missing);
  if (reason.length > longestReason || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(reason)) {
    throw new UsageError(
      `--reason is too long or has several lines; write one line of up to ${longestReason} characters`,
    );
  }
  return reason;
};
