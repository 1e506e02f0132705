import { belowBase } from '../../shared/fhir/base-url-prefix.ts';
import { idForm, segmentForm } from '../../shared/fhir/fhir-id.ts';
import { plainParameters } from '../../shared/fhir/known-parameters.ts';
import { eachBase, isAt, type AnswerBases } from '../../shared/registry/fhir-bases.ts';
import { placeAtPayer } from './place-at-payer.ts';

/** Matches a URL that nobody fetches: an empty one, a `data:` URL, or a reference to a contained resource. */
export const neverFetched = /^(?:$|#|data:)/i;

/** A relative link to a Binary. Like a reference, it is relative to the payer's base (https://hl7.org/fhir/R4/references.html). */
export const relativeBinary = /^\/?Binary\/./;

/**
 * One Binary, or one version of it, and neither an operation nor a history: what follows the base. The id has FHIR's characters, and a
 * few more that payers use.
 */
export const oneBinary =
  /^\/Binary\/(?!_)[A-Za-z0-9._~=:@+,-]{1,128}(?:\/_history\/[A-Za-z0-9._~=:@+,-]{1,128})?(?:\?[^]*)?$/;

/** What else may be below a base's Binaries: an operation, a search, or an id that servers may read in two ways. */
const belowBinaries = /^\/Binary(?:$|[/?])/;

/** Whether a URL begins as one of a Binary does, wherever the rest of it leads. */
const isWrittenSo = (url: string, answer: AnswerBases): boolean => {
  if (relativeBinary.test(url)) return isAt(answer, 'Binary');
  const bases = eachBase(answer).flatMap((one) => (isAt(one, 'Binary') ? one.bases : []));
  return bases.some((base) => belowBinaries.test(belowBase(url, base) ?? ''));
};

/**
 * What the URL of an attachment names at the base that has Binaries. The gateway serves `one`; its base is put before `other`, too,
 * so that no client sends its token to the payer.
 * @returns undefined if it is not there
 */
export const binaryAt = (url: string, answer: AnswerBases): 'one' | 'other' | undefined => {
  if (neverFetched.test(url)) return undefined;
  const place = placeAtPayer(url, answer);
  const rest = typeof place === 'object' && isAt(place.base, 'Binary') ? place.rest : '';
  if (oneBinary.test(rest)) return 'one';
  return belowBinaries.test(rest) || isWrittenSo(url, answer) ? 'other' : undefined;
};

/** Whether the gateway takes a segment of a path as an id. */
const isTaken = (segment: string): boolean => {
  try {
    const id = decodeURIComponent(segment);
    return segmentForm.test(id) && idForm.test(id);
  } catch {
    return false;
  }
};

/**
 * Whether the gateway, asked for the URL that a Binary's has in the files, asks the payer for that one. Some payers have ids of more
 * characters than it takes.
 */
export const isServed = (url: string, answer: AnswerBases): boolean => {
  const place = placeAtPayer(url, answer);
  if (typeof place !== 'object' || !isAt(place.base, 'Binary')) return false;
  const [path = '', query = ''] = place.rest.split(/\?([^]*)/);
  const [, id = '', version = 'none'] = /^\/Binary\/([^/]+)(?:\/_history\/([^/]+))?\/?$/.exec(path) ?? [];
  const isKnown = (name: string): boolean => plainParameters.read.has(name);
  return isTaken(id) && isTaken(version) && [...new URLSearchParams(query).keys()].every(isKnown);
};
