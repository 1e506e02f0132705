/**
 * Within how many seconds a block, a pause, a change of the registry or a member's end in a Group holds everywhere, for what is
 * under way too. An entry is kept for twenty, and what is under way looks every five, or ten (`shared/partner/watch-stops.ts`).
 * The tools and the documents promise it.
 */
export const everywhereSeconds = 30;
