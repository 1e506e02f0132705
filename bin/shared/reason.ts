import { unseenCharacter } from '../../config/checks/visible.ts';
import { secretIn } from '../../config/checks/written-secrets.ts';
import { UsageError } from './errors.ts';
import { dryRun, read, type Flag } from './spec.ts';

/** How many characters a reason may have. */
export const longestReason = 200;

/** What to say about a command without a reason. */
export const missingReason = 'Give --reason TEXT: the audit records it with your name';

/**
 * Reads the reason for a change, which is kept with the operator's name.
 * @param isAsked whether a person typed it at a question, and not as a flag
 * @throws UsageError if it is missing, too long, has a secret, or is not one line of visible text
 */
export const requireReason = (given: string | undefined, isAsked = false): string => {
  const what = isAsked ? 'the reason' : '--reason';
  const reason = (given ?? '').trim();
  if (reason === '') throw new UsageError(missingReason);
  if (reason.length > longestReason || unseenCharacter(reason) !== undefined) {
    throw new UsageError(
      `${what} is too long or has several lines; write one line of up to ${longestReason} characters`,
    );
  }
  const secret = secretIn(reason);
  if (secret !== undefined) {
    throw new UsageError(
      `${what} ${secret}, and would be kept for years; write a reason without it, and have it replaced${isAsked ? '' : ": your shell's history has it"}`,
    );
  }
  return reason;
};

const help = `why, for the audit; no secret, no health data and no member's name (up to ${longestReason} characters)`;

/** The flag of a command that the audit keeps with a reason. */
export const reason = {
  '--reason TEXT': { help, take: ([given]) => requireReason(given) } satisfies Flag<string>,
};

/** The flags of a command that the audit keeps with a reason, and that can be tried. */
export const recorded = { ...reason, ...dryRun };

/** The reason of a command that asks for it at a terminal. */
export const askedReason = {
  '--reason TEXT': read(`${help}. Asked for at a terminal`, (given) => requireReason(given)),
};
