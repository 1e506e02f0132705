import { saidCount } from '../../shared/fhir/said.ts';
import { isObject, type JsonObject } from '../../shared/json/json-object.ts';
import { sendableType } from '../../shared/media-type.ts';
import { eachBase, type AnswerBases } from '../../shared/registry/fhir-bases.ts';
import { neverFetched, oneBinary } from './binary-urls.ts';
import { placeAtPayer } from './place-at-payer.ts';
import { holdsAttachment } from './survey-resource.ts';

/** What a resource says of a content. */
interface SaidOfContent {
  readonly contentType?: string;
  /** Bytes. */
  readonly size?: number;
  /** A SHA-1 as R4 writes it, in base64. */
  readonly hash?: string;
}

/** An attachment whose content is a Binary of the payer's (https://hl7.org/fhir/R4/datatypes.html#attachment). */
export interface OwnAttachment extends SaidOfContent {
  /** The URL as the resource has it. */
  readonly url: string;
  /** The URL to ask, below the payer's base. */
  readonly from: string;
  /** It is no Binary, but at a path of the profile's. */
  readonly isBeside?: true;
  /** What other attachments of the resource say of the same content, if that is not the same. */
  readonly also?: readonly SaidOfContent[];
}

/** The payer's bases, and the paths of its profile. */
export interface AttachmentRules extends AnswerBases {
  readonly attachmentPaths?: readonly string[] | undefined;
}

/** Longer URLs are not asked. */
const mostCharacters = 4096;

/**
 * A URL whose path means the same to every server: no escapes, no path parameters, no dot segments, no empty ones, no
 * operations.
 */
const plainUrl =
  /^https?:\/\/[^/?#@\\\s]+(?<path>(?:\/[A-Za-z0-9_~=:@+,-][A-Za-z0-9._~=:@+,-]*)+)(?:\?[A-Za-z0-9._~=:@+,&/-]*)?(?:#[^]*)?$/i;

/** What to ask at one of the profile's paths, on the server of one of the payer's bases. */
const whereBeside = (url: string, parsed: URL, answer: AnswerBases, paths: readonly string[]): string | undefined => {
  const path = plainUrl.exec(url)?.groups?.['path'];
  if (path === undefined || path !== parsed.pathname) return undefined;
  const isListed = paths.some((one) => (one.endsWith('/') ? path.startsWith(one) : path === one));
  const isOurs = eachBase(answer).some(({ bases: [first = ''] }) => new URL(first).origin === parsed.origin);
  return isListed && isOurs ? parsed.origin + path + parsed.search : undefined;
};

/** Where to fetch it, and whether that is outside the FHIR bases. */
type Where = Pick<OwnAttachment, 'from' | 'isBeside'>;

/**
 * Where to fetch an attachment: a Binary below a base, or a URL below one of the profile's `attachmentPaths`. Any other URL
 * comes from whoever wrote the document. It could be another spelling of a resource or an operation on the payer's host,
 * and the request for it would carry the member's token.
 * @param answer the payer's bases; the one that gave the answer is that of relative URLs
 */
const whereOwn = (url: string, { attachmentPaths = [], ...answer }: AttachmentRules): Where | undefined => {
  if (url.length > mostCharacters || neverFetched.test(url)) return undefined;
  const place = placeAtPayer(url, answer);
  if (place === undefined) return undefined;
  if (place !== 'elsewhere')
    return oneBinary.test(place.rest) ? { from: place.base.bases[0]! + place.rest } : undefined;
  if (!/^https?:\/\//i.test(url)) return undefined;
  const from = whereBeside(url, new URL(url), answer, attachmentPaths);
  return from === undefined ? undefined : { from, isBeside: true };
};

/** The Attachments of a resource that have a URL, in the order of the resource's members. */
const attachmentsIn = (resource: JsonObject): readonly JsonObject[] => {
  const found: JsonObject[] = [];
  const walk = (value: unknown, name: string): void => {
    if (Array.isArray(value)) for (const item of value) walk(item, name);
    else if (isObject(value)) {
      if (holdsAttachment(name) && typeof value['url'] === 'string') found.push(value);
      for (const [key, child] of Object.entries(value)) if (typeof child === 'object') walk(child, key);
    }
  };
  walk(resource, '');
  return found;
};

/** What can be read of it. Some payers write the size as a text. */
const saidOf = ({ contentType: type, size, hash }: JsonObject): SaidOfContent => {
  const contentType = sendableType(type);
  const bytes = typeof size === 'number' ? size : saidCount(size);
  return {
    ...(contentType === undefined ? {} : { contentType }),
    ...(typeof bytes === 'number' ? { size: bytes } : {}),
    ...(typeof hash === 'string' ? { hash } : {}),
  };
};

/**
 * The attachments of a resource that can be asked for at the payer, each URL once.
 * @param resource.attachments the URLs that a survey found, so that most resources are not walked again
 */
export const ownAttachments = (
  { resource, attachments }: { readonly resource: JsonObject; readonly attachments: readonly string[] },
  rules: AttachmentRules,
): readonly OwnAttachment[] => {
  if (!attachments.some((url) => whereOwn(url, rules) !== undefined)) return [];
  const found = new Map<string, Where & { readonly url: string }>();
  const said = new Map<string, Map<string, SaidOfContent>>();
  for (const one of attachmentsIn(resource)) {
    const url = String(one['url']);
    const place = found.get(url) ?? whereOwn(url, rules);
    if (place === undefined) continue;
    found.set(url, { url, ...place });
    const all = said.get(place.from) ?? new Map<string, SaidOfContent>();
    const content = saidOf(one);
    said.set(place.from, all.set(JSON.stringify(content), content));
  }
  return [...found.values()].map((place): OwnAttachment => {
    const [first, ...also] = said.get(place.from)!.values();
    return Object.assign(place, first, also.length > 0 && { also });
  });
};
