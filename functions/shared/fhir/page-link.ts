import { anyType, isResourceType } from '../scopes/resource-types.ts';
import { seal, sealIvBytes, unseal } from '../store/crypto.ts';
import { afterBase } from './base-url-prefix.ts';
import { longestPageLink } from './decide-links.ts';
import type { TypeNeed } from './fhir-request.ts';
import { malformed } from './refusals.ts';
import { indexOfType, typeAt } from './search-targets.ts';

/*
 * A page's link as a partner gets it: `{base}?_link=…`, the payer's path and query sealed under a key of the grant that
 * no bearer carries. A partner can follow only what the payer linked to for this grant, and a page may return only what
 * the first request could.
 *
 *   iv ‖ AES-256-GCM( needs ‖ LF ‖ path and query ) ‖ tag      base64url, bound to the grant
 *
 * Before the path stands the base's URL, if it is a further base of the payer's.
 */

/** Where a page is, below the payer's base, and what it can return. */
export interface Page {
  /** The further base of the payer's that it is below. @default its first */
  readonly base?: string | undefined;
  /** What follows the payer's base: nothing, or text that starts with `/` or `?`. */
  readonly rest: string;
  readonly types: readonly TypeNeed[];
}

/** Whose links they are. */
export interface LinkKey {
  readonly grantId: string;
  readonly linkKey: Uint8Array;
}

/** Bytes of the iv, the tag and the line feed. */
const shortest = sealIvBytes + 16 + 1;

const boundTo = (grantId: string) => `page link of ${grantId}`;

/** Types by their position in R4's list, so that even the full list is short. */
const writeNeeds = (types: readonly TypeNeed[]): string =>
  types.map(({ type, needs }) => `${type === anyType ? anyType : indexOfType(type).toString(36)}:${needs}`).join(' ');

const readNeeds = (text: string): TypeNeed[] => {
  return text.split(' ').map((entry) => {
    const [index, needs] = entry.split(':') as [string, TypeNeed['needs']];
    const type = index === anyType ? anyType : typeAt(Number.parseInt(index, 36));
    if (type === undefined) throw new Error('no resource type');
    return { type, needs };
  });
};

/**
 * Seals a page's link into a value of `_link`, in characters that need no encoding; null if it is too long. At most
 * 7,800 characters, so that a request with it stays below the 10,240 bytes that API Gateway accepts.
 */
export const sealPage = (
  { base = '', rest, types }: Page,
  { grantId, linkKey }: LinkKey,
  iv: Uint8Array,
): string | null => {
  const place = base + rest;
  if (Buffer.byteLength(place) > longestPageLink) return null;
  const plain = Buffer.from(`${writeNeeds(types)}\n${place}`);
  return Buffer.from(seal(linkKey, plain, boundTo(grantId), iv)).toString('base64url');
};

const startsBelowBase = /^(?:$|[/?])/;

/** @throws Error if it is below a base that the payer no longer has */
const placeIn = (text: string, furtherBases: readonly string[]): Pick<Page, 'base' | 'rest'> => {
  if (startsBelowBase.test(text)) return { rest: text };
  const base = furtherBases.find((url) => afterBase(text, url) !== undefined);
  if (base === undefined) throw new Error('no base of the payer');
  return { base, rest: text.slice(base.length) };
};

/**
 * Unseals the value of `_link`.
 * @param furtherBases those of the payer, beside its first
 * @throws GatewayError 400 if it is damaged, was not made for this grant, or is below a base that the payer no longer has
 */
export const unsealPage = (
  value: string,
  { grantId, linkKey }: { grantId: string; linkKey: Uint8Array | undefined },
  furtherBases: readonly string[] = [],
): Page => {
  const sealed = Buffer.from(value, 'base64url');
  // Only the canonical spelling, so that any changed character is noticed.
  if (linkKey !== undefined && sealed.length >= shortest && sealed.toString('base64url') === value) {
    try {
      const plain = Buffer.from(unseal(linkKey, sealed, boundTo(grantId))).toString('utf8');
      const end = plain.indexOf('\n');
      return { types: readNeeds(plain.slice(0, end)), ...placeIn(plain.slice(end + 1), furtherBases) };
    } catch {
      // As below.
    }
  }
  throw malformed('This page link is damaged or was made for another sign-in. Start the search again.');
};

/** Without the fragment, which clients never send. */
const sent = (url: string) => url.replace(/#[^]*$/, '');

/** What a path and query mean below whatever base; without one, since dot segments may not lead above it. */
const alone = (rest: string) => new URL(`https://payer.invalid${rest}`).href;

/**
 * Finds what follows the payer's base in a link of an answer. Relative links are resolved as a client would
 * (RFC 3986 §5), and those that begin with a resource type from the base. Undefined for a link that leads elsewhere, by dot segments or by another host.
 * @param requestUrl the URL that the payer was asked for
 * @param bases the payer's bases
 */
export const linkResolver = (requestUrl: string, bases: readonly string[]): ((link: string) => string | undefined) => {
  const known = bases
    .toSorted((a, b) => b.length - a.length)
    .map((base) => ({ base, href: new URL(base).href.replace(/\/+$/, '') }));
  const home = known.find(({ href }) => afterBase(new URL(requestUrl).href, href) !== undefined)?.href;
  return (link) => {
    // What begins with a type is relative to the service's base, as FHIR's relative URLs are.
    const isFromBase = home !== undefined && isResourceType(/^([A-Za-z]+)[/?]/.exec(link)?.[1] ?? '');
    const from = isFromBase ? `${home}/` : requestUrl;
    if (link === '' || !URL.canParse(link, from)) return undefined;
    const resolved = sent(new URL(link, from).href);
    for (const { base, href } of known) {
      const rest = afterBase(resolved, href);
      if (rest === undefined) continue;
      // Keep the payer's spelling if it wrote the base out, and means the same without it: dot segments could lead through the base.
      const spelled = afterBase(sent(link), base);
      return spelled !== undefined && alone(spelled) === alone(rest) ? spelled : rest;
    }
    return undefined;
  };
};
