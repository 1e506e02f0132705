/** The last segment of the URL of an attachment's file. @param at its place among those of the export, from 0 */
export const attachmentName = (at: number): string => `attachment-${at + 1}`;

/** Where an export is polled, downloaded and deleted. */
export const exportUrl = (origin: string, { payer, exportId }: { payer: string; exportId: string }): string =>
  `${origin}/exports/${payer}/${exportId}`;
