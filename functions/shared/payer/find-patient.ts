import { writtenId } from '../fhir/fhir-id.ts';
import { isNext } from '../fhir/link-header.ts';
import { isObject, objectsIn, parseObject, type JsonObject } from '../json/json-object.ts';
import { fhirMediaType } from '../registry/profile.ts';
import type { Payer } from '../registry/types.ts';
import type { PayerClientDeps } from './client.ts';
import { PayerError } from './errors.ts';
import { getText } from './get-text.ts';
import { isReadablePatientId } from './patient-id.ts';
import { readSecretHeaders } from './secrets.ts';

const noBundle = (): PayerError => new PayerError('nonsense', 'GET Patient answered without a Bundle');

/**
 * Whether a Bundle names a next page: in R4's list of links, in one link, or in maps by their relations, as some payers write them. A link
 * may have several relations, in a text or a list.
 */
const hasNext = ({ link }: JsonObject): boolean =>
  objectsIn([link].flat())
    .flatMap(Object.entries<unknown>)
    .some(([name, said]) =>
      /^rel(?:ation)?$/.test(name) ? [said].flat().join(' ').split(/\s+/).some(isNext) : said !== null && isNext(name),
    );

/** An entry that says why it is there counts by that; else an OperationOutcome is a remark. */
const isMatch = ({ resource, search }: JsonObject): boolean => {
  const mode = isObject(search) ? search['mode'] : undefined;
  const isRemark = isObject(resource) && resource['resourceType'] === 'OperationOutcome';
  return mode === 'match' || ((mode ?? undefined) === undefined && !isRemark);
};

const onlyPatient = (bundle: JsonObject): string | undefined => {
  const { resourceType, total, entry = [] } = bundle;
  if (resourceType !== 'Bundle' || hasNext(bundle) || (typeof total === 'number' && total > 1)) return undefined;
  if (!Array.isArray(entry) || !entry.every(isObject)) throw noBundle();
  const [only, ...others] = entry.filter(isMatch);
  const patient = only?.['resource'];
  if (others.length > 0 || !isObject(patient) || patient['resourceType'] !== 'Patient') return undefined;
  const id = writtenId(patient['id']);
  return isReadablePatientId(id) ? id : undefined;
};

/**
 * Asks the payer whose record its fresh token opens. The answer counts only if exactly one patient matches and no page
 * follows.
 * @throws PayerError if the payer does not answer, or names none or several
 */
export const findPatient = async (deps: PayerClientDeps, payer: Payer, accessToken: string): Promise<string> => {
  const byPost = payer.quirks.searchMethod === 'POST';
  const text = await getText(deps, `${payer.fhirBaseUrl}/Patient${byPost ? '/_search' : ''}`, {
    asked: 'GET Patient',
    accept: fhirMediaType(payer),
    form: byPost ? '' : undefined,
    headers: await readSecretHeaders(deps, payer),
    accessToken,
    timeoutMs: 10_000,
    limitBytes: 2 * 1024 * 1024,
  });
  const id = patientIn(text);
  if (id === undefined) throw new PayerError('nonsense', 'GET Patient named no single patient');
  return id;
};

/** @throws PayerError if the text is not a Bundle */
const patientIn = (text: string): string | undefined => {
  // A 204: the search found nobody.
  if (text === '') return undefined;
  const bundle = parseObject(text);
  if (bundle === undefined) throw noBundle();
  return onlyPatient(bundle);
};
