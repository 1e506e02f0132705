import { createHash } from 'node:crypto';
import { causeOf } from '../../shared/errors.ts';
import { mostFileBytes } from '../../shared/exports/manifest.ts';
import { writtenId } from '../../shared/fhir/fhir-id.ts';
import { parseObject, type JsonObject } from '../../shared/json/json-object.ts';
import { essenceOf, sendableType } from '../../shared/media-type.ts';
import { dropBody, plainJson } from '../../shared/payer/answers.ts';
import { withoutBom } from '../../shared/plain-text.ts';
import { fhirJson, fhirMediaType } from '../../shared/registry/profile.ts';
import type { JobDeps } from '../job/deps.ts';
import { partWriter } from '../job/parts.ts';
import { aboutAnother } from '../reading/check-resource.ts';
import type { OwnAttachment } from '../reading/own-attachments.ts';
import { meaningOf, payerRemarks, type AttachmentFault } from '../reading/problems.ts';
import { saysWithheld } from '../reading/says-withheld.ts';
import type { WrittenAttachment } from '../state/state.ts';
import type { Answer } from './ask-payer.ts';
import { readBinaryData, watchKind, type BinaryData, type KindWatch } from './binary-data.ts';
import type { Leg } from './leg.ts';

/** The most bytes of an attachment. */
export const mostBytesOf = ({ mostAttachmentBytes = mostFileBytes }: Pick<JobDeps, 'mostAttachmentBytes'>): number =>
  mostAttachmentBytes;

/** What was taken of an answer, or why it cannot be taken. One that may pass, and `cut`, may succeed at another try. */
export type Taken =
  | { readonly written: WrittenAttachment }
  | { readonly fault: AttachmentFault; readonly mayPass?: true }
  | { readonly cut: true };

export const isPage = (type: string | null | undefined): boolean =>
  essenceOf(type) === 'text/html' || essenceOf(type) === 'application/xhtml+xml';

/** Text, JSON or XML. */
const isText = (type: string): boolean => /^text\/|[/+](?:json|xml)$/.test(type);

/**
 * Whether the answer is of a kind that the resource does not name: the page of a login or an error, an OperationOutcome, the
 * resource in XML.
 */
const isOther = (sent: string, declared: string): boolean =>
  sent === 'application/fhir+xml' ? declared !== sent : isText(sent) && declared !== '' && !isText(declared);

/** Beside the bases this is no document, but an answer of another API, of which the scope says nothing. */
const isData = (sent: string): boolean => /[/+]json$|^application\/fhir\+xml$/.test(sent);

const lengthOf = ({ headers }: { readonly headers: { readonly get: (name: string) => string | null } }): number => {
  const isCoded = headers.get('content-encoding') !== null;
  return isCoded ? 0 : Number(headers.get('content-length') ?? 0);
};

/**
 * Whether nothing but a Binary may come as this, with the content in it. Some payers have no other form, whatever is
 * accepted (https://hl7.org/fhir/R4/binary.html#rest).
 */
const mustBeBinary = ({ payer }: Pick<Leg, 'payer'>, declared: string, sent: string): boolean => {
  const isFhir = sent === fhirJson || sent === fhirMediaType(payer);
  return declared !== sent && (isFhir || (sent === plainJson && declared !== '' && declared !== fhirJson));
};

/** Finds content of another type than the resource says. @returns undefined if the type fits, or if it cannot be known */
export const otherTypeOf = (
  leg: Pick<Leg, 'payer'>,
  { contentType, also = [] }: Pick<OwnAttachment, 'contentType' | 'also'>,
  { sent, isUnwrapped }: Pick<WrittenAttachment, 'sent' | 'isUnwrapped'>,
): 'page' | undefined => {
  if (sent === undefined) return undefined;
  const isOdd = (declared: string): boolean =>
    (isPage(sent) && !isPage(declared)) ||
    isOther(sent, declared) ||
    (isUnwrapped !== true && mustBeBinary(leg, declared, sent));
  return [contentType, ...also.map((one) => one.contentType)].some((type) => isOdd(essenceOf(type)))
    ? 'page'
    : undefined;
};

/** A SHA-1 in base64, of one that is written in base64 as R4 says, or in hexadecimal digits. */
const plainHash = (hash: string): string =>
  /^[0-9a-f]{40}$/i.test(hash) ? Buffer.from(hash, 'hex').toString('base64') : hash.trim();

/** How a content differs from what the resource says about it; undefined if it does not. */
export const differenceOf = (
  { also = [], ...attachment }: Pick<OwnAttachment, 'size' | 'hash' | 'also'>,
  content: Pick<WrittenAttachment, 'bytes' | 'hash'>,
): 'size' | 'hash' | undefined => {
  const all = [attachment, ...also];
  if (all.some(({ size }) => size !== undefined && size !== content.bytes)) return 'size';
  return all.some(({ hash }) => hash !== undefined && plainHash(hash) !== content.hash) ? 'hash' : undefined;
};

/**
 * Whether a content is another patient's, or somebody's who cannot be compared with the member. A Binary says it by its
 * security context, and as plain bytes by the header `X-Security-Context` (https://hl7.org/fhir/R4/binary.html).
 */
const isOfAnother = ({ rules }: Pick<Leg, 'rules'>, binary: JsonObject): boolean =>
  aboutAnother({ ...binary, resourceType: 'Binary' }, rules) !== undefined;

/** Whether a Binary has another id than the one that was asked for. */
const isAnotherOne = ({ from }: Pick<OwnAttachment, 'from'>, { id }: JsonObject): boolean => {
  const asked = /\/Binary\/([^/?]+)(?:\/_history\/[^/?]+)?(?:\?[^]*)?$/.exec(from)?.[1];
  return asked !== undefined && (id ?? undefined) !== undefined && writtenId(id) !== asked;
};

/** The content in a chunk of a Binary; undefined if it is not base64. */
const dataIn = (wrapped: BinaryData, chunk: Uint8Array): Uint8Array | undefined => {
  try {
    return wrapped.push(chunk);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};

/** Whether a call was cut because it took too long. */
const isLate = (error: unknown): boolean => /\bTimeoutError\b/.test(causeOf(error));

type Pieces = AsyncIterator<Uint8Array> | undefined;

const nextPiece = async (pieces: Pieces): Promise<Uint8Array | 'end' | Taken> => {
  try {
    const next = await pieces?.next();
    return next === undefined || next.done === true ? 'end' : next.value;
  } catch (error) {
    return isLate(error) ? { fault: 'slow' } : { cut: true };
  }
};

/** A document of JSON usually says what it is within this many bytes, and one of XML within its first. */
const mostPeeked = 64 * 1024;
const leastPeeked = 1024;

/** A Binary in XML, which is not unwrapped. The root element may follow instructions and comments. */
const xmlBinary = /^(?:\xef\xbb\xbf)?(?:\s|<\?[^>]*>|<!--(?:(?!-->)[^])*-->|<!(?!--)[^>]*>)*<(?:[\w.-]+:)?Binary[\s/>]/;

/** A page of HTML, whatever it is called. */
const isHtml = (begin: Buffer): boolean =>
  /^(?:\xef\xbb\xbf)?(?:\s|<!--(?:(?!-->)[^])*-->)*<(?:!doctype\s+html|html)[\s>]/i.test(begin.toString('latin1'));

/** Whether an OperationOutcome says that another try may succeed, or says more than was kept of it. */
const isPassing = (first: readonly Uint8Array[]): boolean => {
  const outcome = parseObject(withoutBom(Buffer.concat(first).toString('utf8')));
  return outcome === undefined || meaningOf(payerRemarks(outcome, 'Binary', 1)) === 'later';
};

/** The first bytes of a content, as many as it takes to know what it is. */
const peek = async (
  pieces: Pieces,
): Promise<{ readonly first: readonly Uint8Array[]; readonly watch: KindWatch } | { readonly taken: Taken }> => {
  const watch = watchKind();
  const first: Uint8Array[] = [];
  const isEnough = (bytes: number): boolean => bytes >= (watch.kind() === undefined ? mostPeeked : leastPeeked);
  for (let bytes = 0; !isEnough(bytes); bytes += first.at(-1)!.length) {
    const piece = await nextPiece(pieces);
    if (piece === 'end') break;
    if (!(piece instanceof Uint8Array)) return { taken: piece };
    watch.push(piece);
    first.push(piece);
  }
  return { first, watch };
};

/**
 * Seals an attachment's content to the partner while its bytes arrive, in parts. The parts count only if the whole content
 * is as the resource says.
 * @throws the bucket's error
 */
export const takeDocument = async (
  leg: Pick<Leg, 'deps' | 'item' | 'payer' | 'buffers' | 'rules'>,
  attachment: OwnAttachment,
  { response, end }: Extract<Answer, { kind: 'json' }>,
): Promise<Taken> => {
  const { deps, item, buffers } = leg;
  const sent = response.headers.get('content-type');
  const own = essenceOf(sent);
  const declared = essenceOf(attachment.contentType);
  const drop = async (fault: AttachmentFault, mayPass = false): Promise<Taken> => {
    await dropBody(response);
    return { fault, ...(mayPass && { mayPass }) };
  };
  const header = response.headers.get('x-security-context');
  const mostBytes = mostBytesOf(deps);
  const parts = partWriter(deps, item.exportId, item.recipient, buffers);
  const sha1 = createHash('sha1');
  const begin: Buffer[] = [];
  try {
    // The page of an error or a login, and no document. In answer to a search, too, it is asked for again.
    if (isPage(sent) && !isPage(attachment.contentType)) return await drop('page', true);
    if (header !== null && isOfAnother(leg, { securityContext: { reference: header } }))
      return await drop('otherPatient');
    const pieces = response.body?.[Symbol.asyncIterator]();
    const peeked = await peek(pieces);
    if ('taken' in peeked) return peeked.taken;
    const { first, watch } = peeked;
    if (first.every(({ length }) => length === 0) && attachment.size !== 0) return await drop('empty', true);
    // The type that the resource states is not used here: otherwise, its author could choose what gets checked.
    const kind = watch.kind();
    if (kind === 'OperationOutcome') return await drop('page', isPassing(first));
    if (attachment.isBeside === true && isData(own)) return await drop('page');
    if (xmlBinary.test(Buffer.concat(first).toString('latin1'))) return await drop('page');
    const isBinary = kind === 'Binary' || (kind === undefined && mustBeBinary(leg, declared, own));
    const wrapped = isBinary ? readBinaryData() : undefined;
    if (wrapped === undefined) {
      const other = otherTypeOf(leg, attachment, { sent: own });
      if (other !== undefined) return await drop(other);
      if (lengthOf(response) > mostBytes) return await drop('tooLarge');
    }
    const most = Math.min(mostBytes, attachment.size ?? mostBytes);
    for (let at = 0; ; at += 1) {
      const next = first[at] ?? (await nextPiece(pieces));
      if (next === 'end') break;
      if (!(next instanceof Uint8Array)) return next;
      if (at >= first.length) watch.push(next);
      const piece = wrapped === undefined ? next : dataIn(wrapped, next);
      if (piece === undefined) return await drop('data');
      if (parts.bytes() + piece.length > most) {
        return await drop(most < mostBytes ? 'size' : 'tooLarge');
      }
      sha1.update(piece);
      if (parts.bytes() < leastPeeked) begin.push(Buffer.from(piece.subarray(0, leastPeeked)));
      parts.add('Binary', [piece]);
      await parts.putIfLarge();
    }
    // This Binary named its type too late to be unwrapped.
    if (isBinary !== (watch.kind() === 'Binary')) return { fault: 'page' };
    if (wrapped?.isWhole() === false) return { cut: true };
    if (wrapped?.isPlain() === false) return { fault: 'data' };
    const beside = wrapped === undefined ? {} : wrapped.beside();
    if (beside === undefined) return { fault: 'beside' };
    if (isOfAnother(leg, beside)) return { fault: 'otherPatient' };
    if (isAnotherOne(attachment, beside)) return { fault: 'page' };
    const isWithheld = saysWithheld(beside['meta']);
    if (parts.bytes() === 0 && attachment.size !== 0) return { fault: isWithheld ? 'withheld' : 'empty' };
    const { contentType: inner } = beside;
    const said =
      wrapped === undefined
        ? { sent: own }
        : ({ sent: essenceOf(typeof inner === 'string' ? inner : undefined), isUnwrapped: true } as const);
    if (isHtml(Buffer.concat(begin)) && declared !== '' && !isPage(declared))
      return { fault: 'page', ...(wrapped === undefined && { mayPass: true as const }) };
    const content = { bytes: parts.bytes(), hash: sha1.digest('base64') };
    const fault = otherTypeOf(leg, attachment, said) ?? differenceOf(attachment, content);
    if (fault !== undefined) return { fault };
    const written = (await parts.put()).map(({ object, digest, bytes }) => ({ object, digest, bytes }));
    const given = wrapped === undefined ? sent : inner;
    const contentType = attachment.contentType ?? sendableType(given) ?? 'application/octet-stream';
    const withheld = isWithheld && ({ isWithheld } as const);
    return { written: { from: attachment.from, contentType, ...said, ...withheld, ...content, parts: written } };
  } finally {
    end();
  }
};
