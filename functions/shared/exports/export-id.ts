import { base64url } from '../base64url.ts';

/*
 * An export's id is its grant's id and 16 random bytes, both in base64url. The item can be found from the id alone, and
 * the id is a valid name for a durable execution.
 */
const idForm = /^([\w-]{22})[\w-]{22}$/;

export const exportIdBytes = 16;

/** @param random {@link exportIdBytes} bytes */
export const makeExportId = (grantId: string, random: Uint8Array): string => grantId + base64url(random);

/** The grant of an export; undefined if the text is not an export id. */
export const grantOfExport = (exportId: string): string | undefined => idForm.exec(exportId)?.[1];
