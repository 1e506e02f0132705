import {
  type FhirRequest,
  FhirRequestError,
  type Parameter,
  parseFhirRequest,
} from '../../../../functions/shared/fhir/fhir-request.ts';

const parametersOf = (query: string): Parameter[] => [...new URLSearchParams(query)];

/** `GET /Patient/1?_count=2` or `POST /Patient/_search?… form`, as the FHIR route reads it. */
export function parse(line: string, { everything = true } = {}): FhirRequest {
  const [, method = '', path = '', , query = '', , form] = /^(\S+) \/([^? ]*)(\?(\S*))?( (.*))?$/.exec(line) ?? [];
  return parseFhirRequest({
    method,
    segments: path === '' ? [] : path.split('/').map(decodeURIComponent),
    query: parametersOf(query),
    ...(form === undefined ? {} : { form: parametersOf(form) }),
    everything,
  });
}

/** The typed error that something throws; fails where it throws none. */
export function refusal(act: () => unknown): FhirRequestError {
  try {
    act();
  } catch (error) {
    if (error instanceof FhirRequestError) return error;
    throw error;
  }
  throw new Error('was not refused');
}
