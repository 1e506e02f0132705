import { afterBase } from '../../shared/fhir/base-url-prefix.ts';
import { isObject, type JsonObject } from '../../shared/json-object.ts';
import { eachBase, type AnswerBases } from '../../shared/registry/fhir-bases.ts';
import { neverFetched, relativeBinary } from './rewrite-line.ts';
import { holdsAttachment } from './survey-resource.ts';

/** An attachment whose content is a Binary of the payer's (https://hl7.org/fhir/R4/datatypes.html#attachment). */
export interface OwnAttachment {
  /** The URL as the resource has it. */
  readonly url: string;
  /** The URL to ask, below the payer's base. */
  readonly from: string;
  readonly contentType?: string;
  /** Bytes. */
  readonly size?: number;
  /** A SHA-1 as R4 writes it, in base64. */
  readonly hash?: string;
}

/**
 * One Binary, or one version of it, and neither an operation nor a history. The id has FHIR's characters, and a few more that
 * payers use.
 */
const oneBinary = /^\/Binary\/(?!_)[A-Za-z0-9._~=:@+,-]{1,128}(?:\/_history\/[A-Za-z0-9._~=:@+,-]{1,128})?(?:\?[^]*)?$/;

/** Longer URLs are not asked. */
const mostCharacters = 4096;

/**
 * Where to ask for an attachment: Binaries below a base only. Anything else on the payer's host is written by whoever wrote
 * the document, and may be a resource or an operation in another spelling, which would be asked with the member's token.
 * @param answer the payer's bases; the one that gave the answer is that of relative URLs
 */
const whereOwn = (url: string, answer: AnswerBases): string | undefined => {
  const [first = ''] = answer.bases;
  if (url.length > mostCharacters || neverFetched.test(url)) return undefined;
  const absolute = relativeBinary.test(url) ? `${first}/${url.replace(/^\//, '')}` : url;
  if (!/^https?:\/\//i.test(absolute) || !URL.canParse(absolute)) return undefined;
  const parsed = new URL(absolute);
  if (parsed.username !== '' || parsed.password !== '') return undefined;
  const href = parsed.href.replace(/#[^]*$/, '');
  for (const { bases } of eachBase(answer)) {
    for (const base of bases) {
      const rest = afterBase(href, new URL(base).href.replace(/\/+$/, ''));
      if (rest !== undefined) return oneBinary.test(rest) ? bases[0]! + rest : undefined;
    }
  }
  return undefined;
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

/** A media type that can go into a header (RFC 9110 §8.3.1). */
const mediaType = /^[\w!#$&^.+-]{1,64}\/[\w!#$&^.+-]{1,100}(?:; ?[\w-]{1,32}=[\w.+-]{1,64})*$/;

export const isMediaType = (text: unknown): text is string => typeof text === 'string' && mediaType.test(text);

/**
 * The attachments of a resource that can be asked for at the payer, each URL once.
 * @param resource.attachments the URLs that a survey found, so that most resources are not walked again
 */
export const ownAttachments = (
  { resource, attachments }: { readonly resource: JsonObject; readonly attachments: readonly string[] },
  rules: AnswerBases,
): readonly OwnAttachment[] => {
  if (!attachments.some((url) => whereOwn(url, rules) !== undefined)) return [];
  const found = new Map<string, OwnAttachment>();
  for (const { url, contentType, size, hash } of attachmentsIn(resource) as readonly Record<string, unknown>[]) {
    const from = whereOwn(String(url), rules);
    if (from === undefined || found.has(String(url))) continue;
    found.set(String(url), {
      url: String(url),
      from,
      ...(isMediaType(contentType) ? { contentType } : {}),
      ...(typeof size === 'number' ? { size } : {}),
      ...(typeof hash === 'string' ? { hash } : {}),
    });
  }
  return [...found.values()];
};
