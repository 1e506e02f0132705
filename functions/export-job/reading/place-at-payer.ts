import { belowBase } from '../../shared/fhir/base-url-prefix.ts';
import { eachBase, type AnswerBases, type FhirBase } from '../../shared/registry/fhir-bases.ts';
import { isResourceType } from '../../shared/scopes/resource-types.ts';

/** Where a URL leads: below one of the payer's bases. */
export interface Place {
  readonly base: FhirBase;
  /** What follows the base's URL: nothing, or text that starts with `/` or `?`. */
  readonly rest: string;
}

/** A URL cannot have these, and servers read them in different ways (RFC 3986 §2). */
const notInUrls = /[\s\\\p{Cc}]/u;

const scheme = /^[a-z][a-z0-9+.-]*:/i;

/** A URL that names a server, with or without a scheme. */
const withServer = /^(?:https?:)?\/\/[^/?#]/i;

const fromItsType = /^\/(?<type>[A-Za-z]+)\/./;

/**
 * Finds where a reference, or the URL of an attachment, leads. A relative one is resolved by RFC 3986 §5 against the base that
 * gave the answer (https://hl7.org/fhir/R4/references.html#literal). Some payers begin a reference with a slash and a type: that is
 * resolved as if it had no slash.
 * @param answer the payer's bases, as they apply to the answer
 * @returns undefined if it is not an HTTP URL, or if servers may read it in two ways
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
      const rest = belowBase(url.href, new URL(one).href.replace(/\/+$/, ''));
      return rest === undefined ? [] : [{ base, rest }];
    }),
  );
  // One base may be below another.
  return places.toSorted((one, other) => one.rest.length - other.rest.length)[0] ?? 'elsewhere';
};
