import { unseenCharacter } from '../../config/checks/visible.ts';
import { UsageError } from './errors.ts';
import type { Flag } from './spec.ts';

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
  if (reason.length > longestReason || unseenCharacter(reason) !== undefined) {
    throw new UsageError(
      `--reason is too long or has several lines; write one line of up to ${longestReason} characters`,
    );
  }
  return reason;
};

/** What the help says of a reason, up to how it is kept. */
export const reasonHelp = (kept: string): string => `why, ${kept} (up to ${longestReason} characters)`;

/** The flag of a command that is kept with a reason. @param missing what to say without one */
export const reasonFlag = (help: string, missing: string) => ({
  '--reason TEXT': { help, take: ([given]) => requireReason(given, missing) } satisfies Flag<string>,
});

/** The flag of a command that the audit keeps with a reason. @param why follows "the audit records" */
export const auditReason = (why: string) =>
  reasonFlag(
    reasonHelp("for the audit; no health data and no member's name"),
    `Give --reason TEXT: the audit records ${why}`,
  );
