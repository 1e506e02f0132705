import { afterBase } from '../../shared/fhir/base-url-prefix.ts';
import { eachBase, type AnswerBases, type FhirBase } from '../../shared/registry/fhir-bases.ts';
import { isResourceType } from '../../shared/scopes/resource-types.ts';

/** Where a URL leads: below one of the payer's bases. */
export interface Place {
  readonly base: FhirBase;
  /** What follows the base's URL: nothing, or text that starts with `/` or `?`. */
  readonly rest: string;
}

/** No URL has these, and servers do not agree on what they mean (RFC 3986 §2). */
const notInUrls = /[\s\\\p{Cc}]/u;

const scheme = /^[a-z][a-z0-9+.-]*:/i;

/** A server that is named, with or without a scheme. */
const withServer = /^(?:https?:)?\/\/[^/?#]/i;

const fromItsType = /^\/(?<type>[A-Za-z]+)\/./;

/**
 * Finds where a reference, or the URL of an attachment, leads. A relative one is resolved as RFC 3986 §5 says, from the base that
 * gave the answer (https://hl7.org/fhir/R4/references.html#literal). One that begins with a slash and a type is taken as below that base, too:
 * some payers write so.
 * @param answer the payer's bases, as the answer sees them
 * @returns undefined for what is not an HTTP URL, or is in a form that servers may read in two ways
 */
export const placeAtPayer = (text: string, answer: AnswerBases): Place | 'elsewhere' | undefined => {
  if (text === '' || notInUrls.test(text)) return undefined;
  if ((scheme.test(text) || text.startsWith('//')) && !withServer.test(text)) return undefined;
  const isFromType = isResourceType(fromItsType.exec(text)?.groups?.['type'] ?? '');
  const relative = isFromType ? text.slice(1) : text;
  const home = new URL(answer.bases[0] ?? '').href.replace(/\/*$/, '/');
  if (!URL.canParse(relative, home)) return undefined;
  const url = new URL(relative, home);
  if (url.username !== '' || url.password !== '') return undefined;
  url.hash = '';
  const places = eachBase(answer).flatMap((base) =>
    base.bases.flatMap((one) => {
      const rest = afterBase(url.href, new URL(one).href.replace(/\/+$/, ''));
      return rest === undefined ? [] : [{ base, rest }];
    }),
  );
  // One base may be below another.
  return places.toSorted((one, other) => one.rest.length - other.rest.length)[0] ?? 'elsewhere';
};
