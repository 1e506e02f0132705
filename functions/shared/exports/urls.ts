/** Where an export is polled, downloaded and deleted. */
export const exportUrl = (origin: string, { payer, exportId }: { payer: string; exportId: string }): string =>
  `${origin}/exports/${payer}/${exportId}`;
