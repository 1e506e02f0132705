import { visibleLine } from '../../config/checks/visible.ts';
import { instant } from '../../functions/shared/instant.ts';
import { isOverdue, type Export } from '../../functions/shared/store/export-item.ts';

/** What an export can be; `waiting` and `overdue` are running too, as the table has it. */
export const states = ['running', 'waiting', 'overdue', 'completed', 'partial', 'failed'] as const;

/** One of them. */
export type ExportState = (typeof states)[number];

/** What of an export says its state. */
export type WithState = Pick<Export, 'status' | 'expiresAt' | 'wanted'>;

/** The state of an export. @param now epoch seconds */
export const stateOf = (item: WithState, now: number): ExportState => {
  if (item.status !== 'running') return item.status;
  if (isOverdue(item, now)) return 'overdue';
  return item.wanted === undefined ? 'running' : 'waiting';
};

/** What the state of an export means, and for whom it waits. @param now epoch seconds */
export const stateInWords = (item: WithState & Pick<Export, 'beganAt' | 'endedAt'>, now: number): string => {
  const state = stateOf(item, now);
  if (state === 'waiting')
    return `waiting since ${instant(item.wanted?.since ?? 0)}: the partner's next poll brings a newer token of the payer`;
  if (state === 'overdue') return `overdue: it did not end by ${instant(item.expiresAt)}, and counts as failed`;
  if (state === 'running')
    return item.beganAt === undefined
      ? "running, and its job has not begun: the partner's next poll starts it again"
      : `running since ${instant(item.beganAt)}`;
  const ended = item.endedAt === undefined ? state : `${state} ${instant(item.endedAt)}`;
  return `${ended}, kept until ${instant(item.expiresAt)}`;
};

/** Without a Retry-After of the plan, the job asks it again after two minutes at most. */
const longestOwnWait = 120;

/** The progress that a former plan reports with 202, and the time of the next poll. @param now epoch seconds */
export const planInWords = (
  { status, pollAgainAt, payerProgress }: Pick<Export, 'status' | 'pollAgainAt' | 'payerProgress'>,
  now: number,
): string[] => {
  if (status !== 'running' || pollAgainAt === undefined || pollAgainAt <= now) return [];
  const waits = pollAgainAt - now > longestOwnWait ? 'asked to wait until' : 'is still at work, and is asked again at';
  const said = payerProgress === undefined ? '' : `; it says: ${visibleLine(payerProgress)}`;
  return [`${waits} ${instant(pollAgainAt)}${said}`];
};

/** What is read: the record of a grant, or in an exchange between plans, whom the payer knows, or a Group. */
export const whatIsRead = ({ exchange, group }: Pick<Export, 'exchange' | 'group'>): string =>
  exchange === undefined ? 'record' : exchange === 'match' ? 'match' : `group ${visibleLine(group ?? '')}`;
