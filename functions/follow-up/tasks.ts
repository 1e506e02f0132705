import type { PartnerEvent } from '../shared/events/event.ts';

/** A task that follows from a change in a table. A repeat of it does nothing. */
export type Task =
  | { readonly do: 'startJob'; readonly name: string; readonly exportId: string }
  | { readonly do: 'sweep'; readonly name: string; readonly exportId: string; readonly keep: boolean }
  | { readonly do: 'deleteExport'; readonly grantId: string }
  | { readonly do: 'tell'; readonly event: PartnerEvent };
