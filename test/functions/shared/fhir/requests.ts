import { GatewayError, type ErrorCode, type IssueType } from '../../../../functions/shared/errors.ts';
import type { FhirRequest, Parameter } from '../../../../functions/shared/fhir/fhir-request.ts';
import { issueTypeOf } from '../../../../functions/shared/fhir/operation-outcome.ts';
import { parseFhirRequest, type FhirRequestInput } from '../../../../functions/shared/fhir/parse-fhir-request.ts';
import { words } from '../../../support/words.ts';

/** Requests by GET, as `parse` takes them, of these paths with their queries. */
export const gets = (paths: string): string[] => words(paths).map((path) => `GET ${path}`);

const parametersOf = (query: string): Parameter[] => [...new URLSearchParams(query)];

const inputOf = (line: string) => {
  const [, method = '', path = '', , query = '', , form] = /^(\S+) \/([^? ]*)(\?(\S*))?( (.*))?$/.exec(line) ?? [];
  return {
    method,
    segments: path === '' ? [] : path.split('/').map(decodeURIComponent),
    query: parametersOf(query),
    ...(form === undefined ? {} : { form: parametersOf(form) }),
  };
};

/** `GET /Patient/1?_count=2` or `POST /Patient/_search?… form`, as the FHIR route reads it. */
export const parse = (
  line: string,
  {
    everything = true,
    searchParameters = {},
    operations,
  }: Partial<Pick<FhirRequestInput, 'everything' | 'searchParameters' | 'operations'>> = {},
): FhirRequest => {
  return parseFhirRequest({ ...inputOf(line), everything, searchParameters, operations });
};

/** The same with unchecked parameters, since the code after the allow-list must not rely on it. */
export const unchecked = (line: string): FhirRequest => {
  const { query, form, ...path } = inputOf(line);
  const atBase = path.segments.length === 0 ? [['_id', 'x'] as const] : [];
  return {
    ...parseFhirRequest({ ...path, query: atBase, everything: true }),
    query,
    ...(form === undefined ? {} : { form }),
  };
};

/** What the FHIR route says about an error. */
interface Refusal {
  readonly status: number;
  readonly code: ErrorCode;
  readonly issueType: IssueType;
  readonly publicMessage: string;
}

/** The typed error that something throws, as the FHIR route reports it; fails if it throws none. */
export const refusal = (act: () => unknown): Refusal => {
  try {
    act();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const { status, code, publicMessage } = error;
    return { status, code, issueType: issueTypeOf(error), publicMessage };
  }
  throw new Error('was not refused');
};
