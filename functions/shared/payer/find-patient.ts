import { writtenId } from '../fhir/fhir-id.ts';
import { isLastPage } from '../fhir/last-page.ts';
import {
  answersSearch,
  codesOfLack,
  countInHeaders,
  holdsNothing,
  isKnownMember,
  linksInHeader,
  mayLack,
  saidCount,
  saidLinks,
  saidMode,
  type SaidLinks,
} from '../fhir/said.ts';
import { isObject, objectsIn, parseObject, type JsonObject } from '../json/json-object.ts';
import { repeatedMember } from '../json/repeated-member.ts';
import { fhirMediaType } from '../registry/profile.ts';
import type { Payer } from '../registry/types.ts';
import type { PayerClientDeps } from './client.ts';
import { PayerError } from './errors.ts';
import { getAnswer, type GivenAnswer } from './get-text.ts';
import { isReadablePatientId } from './patient-id.ts';
import { readSecretHeaders } from './secrets.ts';

const noBundle = (): PayerError => new PayerError('nonsense', 'GET Patient answered without a Bundle');

/** Whether there may be a further page. @param url that was asked */
const hasFurther = ({ next, isUnreadable, ...places }: SaidLinks, url: string): boolean =>
  isUnreadable || next.length > 0 || !isLastPage(places, url);

/** Whether the payer may have counted more than one. */
const hasMore = (count: ReturnType<typeof saidCount>): boolean => count === 'unreadable' || (count ?? 0) > 1;

/** Whether a Bundle, or an entry of one, has members that may hold more. */
const holdsMore = (of: Parameters<typeof isKnownMember>[0], members: JsonObject): boolean =>
  Object.entries(members).some(
    ([name, value]) => !isKnownMember(of, name) && !holdsNothing(name, JSON.stringify(value)),
  );

/** An entry that says why it is there counts by that; else an OperationOutcome is a remark. No other type is one. */
const isMatch = ({ resource, search }: JsonObject): boolean => {
  const mode = saidMode(search);
  const isOutcome = isObject(resource) && resource['resourceType'] === 'OperationOutcome';
  const isSaid = isObject(search) && (search['mode'] ?? undefined) !== undefined;
  if (mode === 'match') return isSaid || !isOutcome;
  return mode === 'outcome' && !isOutcome;
};

/** Whether a remark, in an OperationOutcome or in a Bundle's `issues`, says that something is missing. */
const saysLack = (outcome: unknown): boolean =>
  isObject(outcome) &&
  objectsIn(outcome['issue']).some(({ code }) => typeof code === 'string' && codesOfLack.has(code));

/** Whether an entry says that something is missing: in a remark, or by a status other than of success. */
const entryLacks = ({ resource, response }: JsonObject): boolean => {
  if (isObject(resource) && resource['resourceType'] === 'OperationOutcome' && saysLack(resource)) return true;
  if (!isObject(response)) return false;
  const { status, outcome } = response;
  return saysLack(outcome) || !/^"?\s*2\d\d\b/.test(JSON.stringify(status ?? 200));
};

/** A type and an id at the end of a URL, with or without a version. */
const typeAndId = /(?:^|\/)([A-Z][a-z][A-Za-z]*\/[^/?#]+)(?:\/_history\/[^/?#]+)?\/?$/;

/** Whether a `fullUrl` is of another resource. Its base says nothing, and a URN names none. */
const isOfAnother = (fullUrl: unknown, id: string): boolean => {
  const [, named] = (typeof fullUrl === 'string' && typeAndId.exec(fullUrl)) || [];
  return named !== undefined && named !== `Patient/${id}`;
};

const onlyPatient = (bundle: JsonObject, url: string): string | undefined => {
  const { resourceType, type, total, link, issue, issues, entry = [] } = bundle;
  if (resourceType !== 'Bundle' || !answersSearch(type) || holdsMore('bundle', bundle)) return undefined;
  if (hasFurther(saidLinks(link), url) || hasMore(saidCount(total))) return undefined;
  if (!Array.isArray(entry) || !entry.every(isObject)) throw noBundle();
  if (entry.some((one) => holdsMore('entry', one) || entryLacks(one))) return undefined;
  if ([{ issue }, { issue: issues }, issues].some(saysLack)) return undefined;
  const [only, ...others] = entry.filter(isMatch);
  const patient = only?.['resource'];
  if (others.length > 0 || !isObject(patient) || patient['resourceType'] !== 'Patient') return undefined;
  const id = writtenId(patient['id']);
  return isReadablePatientId(id) && !isOfAnother(only?.['fullUrl'], id) ? id : undefined;
};

/**
 * Asks the payer whose record its fresh token opens. The answer counts only if exactly one patient matches, no page
 * follows, both can be read in one way only, and the payer does not say that something may be missing.
 * @throws PayerError if the payer does not answer, or names none or several
 */
export const findPatient = async (deps: PayerClientDeps, payer: Payer, accessToken: string): Promise<string> => {
  const byPost = payer.quirks.searchMethod === 'POST';
  const url = `${payer.fhirBaseUrl}/Patient${byPost ? '/_search' : ''}`;
  const answer = await getAnswer(deps, url, {
    asked: 'GET Patient',
    accept: fhirMediaType(payer),
    form: byPost ? '' : undefined,
    headers: await readSecretHeaders(deps, payer),
    accessToken,
    timeoutMs: 10_000,
    limitBytes: 2 * 1024 * 1024,
  });
  const id = patientIn(answer, url);
  if (id === undefined) throw new PayerError('nonsense', 'GET Patient named no single patient');
  return id;
};

/** @throws PayerError if the text is not a Bundle */
const patientIn = ({ text, headers }: GivenAnswer, url: string): string | undefined => {
  // A 204: the search found nobody.
  if (text === '' || hasFurther(linksInHeader(headers.get('link')), url)) return undefined;
  if (hasMore(countInHeaders(headers)) || mayLack(headers.get('warning'))) return undefined;
  const bundle = parseObject(text);
  if (bundle === undefined) throw noBundle();
  // No one can tell which of the two counts.
  return repeatedMember(text) === undefined ? onlyPatient(bundle, url) : undefined;
};
