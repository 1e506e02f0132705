import { withReference, type GatewayError } from '../errors.ts';

/** A table of the page that explains errors (`docs/partners/errors.md`): pages, redirects, OAuth's JSON, OperationOutcomes. */
export type ErrorTable = 'page' | 'redirect' | 'token' | 'fhir';

/**
 * The URL of the row that explains an error, if the stage has such a page.
 * @param status of the answer, which a row of `redirect` has not
 */
export const readOn = (table: ErrorTable, { code }: Pick<GatewayError, 'code'>, status: number): string | undefined => {
  const page = process.env['ERRORS_URL'];
  return page === undefined
    ? undefined
    : `${page}#${[table, ...(table === 'redirect' ? [] : [status]), code].join('-')}`;
};

/** `error_uri` of RFC 6749 §4.1.2.1 and §5.2, if the stage has a page about errors. */
export const errorUri = (...asked: Parameters<typeof readOn>): { readonly error_uri?: string } => {
  const uri = readOn(...asked);
  return uri === undefined ? {} : { error_uri: uri };
};

/**
 * A sentence with its reference, and where to read on: for OperationOutcomes, in which R4 has no element for a link, and
 * `issue.diagnostics` is the text for those who look for the cause.
 */
export const withReadOn = (sentence: string, reference: string | undefined, uri?: string): string =>
  uri === undefined ? withReference(sentence, reference) : `${withReference(sentence, reference)} See ${uri}`;
