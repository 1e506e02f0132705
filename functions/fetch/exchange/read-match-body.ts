import { GatewayError } from '../../shared/errors.ts';
import { malformed } from '../../shared/fhir/refusals.ts';
import { headerText, type ApiEvent } from '../../shared/http/api.ts';
import { isDeeperThan } from '../../shared/json/depth.ts';
import { parseObject, type JsonObject } from '../../shared/json/json-object.ts';
import { repeatedMember } from '../../shared/json/repeated-member.ts';

/** In bytes. An invocation takes 6 MB, of which JSON's escapes take their part. */
const longestMatchBody = 4_000_000;

/** How deep the JSON may be. FHIR's own elements of these resources do not reach 20. */
const deepest = 50;

const tooLarge = (): GatewayError =>
  new GatewayError(
    'invalid_request',
    `The body is longer than ${longestMatchBody} bytes. Send the members in several requests.`,
    { status: 413 },
  );

const checkMediaType = (event: ApiEvent): void => {
  const [mediaType = '', ...parameters] = headerText(event, 'content-type')
    .split(';')
    .map((part) => part.replaceAll(/[\s"]/g, '').toLowerCase());
  const isJson = ['application/fhir+json', 'application/json'].includes(mediaType);
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice('charset='.length);
  const coding = headerText(event, 'content-encoding').trim().toLowerCase();
  if (isJson && (charset ?? 'utf-8') === 'utf-8' && ['', 'identity'].includes(coding)) return;
  throw malformed('Send a Parameters resource in application/fhir+json, in UTF-8 and uncompressed.');
};

/** The text of UTF-8; undefined if it is not. API Gateway writes U+FFFD where it found none: a name would leave damaged. */
const decodeUtf8 = (bytes: Uint8Array): string | undefined => {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes('\u{FFFD}') ? undefined : text;
  } catch {
    return undefined;
  }
};

const textOf = ({ body, isBase64Encoded }: ApiEvent): string => {
  const bytes = Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8');
  if (bytes.length > longestMatchBody) throw tooLarge();
  const text = decodeUtf8(bytes);
  if (text === undefined) throw malformed('The body is not UTF-8.');
  return text;
};

/** The body of a match. */
interface MatchBody {
  /** As the partner sent it. */
  readonly text: string;
  readonly parameters: JsonObject;
}

/**
 * Reads the body of a match.
 * @throws GatewayError 400, 413, 415
 */
export const readMatchBody = (event: ApiEvent): MatchBody => {
  checkMediaType(event);
  const text = textOf(event);
  if (isDeeperThan(deepest, text)) throw malformed(`The body is more than ${deepest} levels deep.`);
  const parameters = parseObject(text);
  if (parameters === undefined) throw malformed('The body is not a JSON object.');
  // Another parser may take the other one: what was checked here would not be what the payer reads.
  if (repeatedMember(text) !== undefined) throw malformed('An object of the body has the same member twice.');
  if (parameters['resourceType'] !== 'Parameters') {
    throw malformed('Send a Parameters resource with a parameter MemberBundle for each member.');
  }
  return { text, parameters };
};
