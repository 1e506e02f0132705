import type { PartnerEvent } from '../shared/events/event.ts';

/** A task that follows from a change in a table. A repeat of it does nothing. */
export type Task =
  | {
      readonly do: 'startJob';
      readonly name: string;
      readonly exportId: string;
      /** For an exchange, as in the job's input. */
      readonly owner?: string;
    }
  | { readonly do: 'sweep'; readonly name: string; readonly exportId: string; readonly keep: boolean }
  | { readonly do: 'deleteExport'; readonly grantId: string }
  | { readonly do: 'tell'; readonly event: PartnerEvent };

/** What AWS takes as the name of a durable execution (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html). */
const nameForm = /^[\w-]{1,64}$/;

/** An event has only ids, so a longer one is made of a damaged item. UTF-16 units; far below what Lambda takes. */
const longestEvent = 4096;

/** Whether AWS can take a task at all. One that it always refuses would block every record after it. */
export const canBeDone = (task: Task): boolean => {
  if (task.do === 'deleteExport') return true;
  if (task.do !== 'tell') return nameForm.test(task.name);
  return nameForm.test(task.event.id) && JSON.stringify(task.event).length <= longestEvent;
};
