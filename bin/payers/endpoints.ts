import { isR4 } from '../../functions/shared/fhir/release.ts';
import { isAboutOurKey, isGiven } from '../../functions/shared/payer/answers.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import { fhirMediaType } from '../../functions/shared/registry/profile.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { fault, pass, type Check, type Finding } from './finding.ts';
import { isRedirect, probe, type Answer, type Probed } from './probe.ts';

const json = 'application/json';

const noAnswer = (check: Check, url: string, failure: string): Finding =>
  fault(check, `${url} ${failure}`, 'ask the payer whether it is up, and run again');

/** What is wrong with an answer, whatever the endpoint. */
const commonFault = (check: Check, url: string, answer: Answer): Finding | undefined => {
  const { status } = answer;
  if (status >= 500) {
    return fault(check, `${url} answers ${status}`, 'ask the payer to look at its server, and run again');
  }
  if (status === 404) {
    return fault(check, `${url} answers 404: not found`, 'check the path, or ask the payer for the endpoint');
  }
  return undefined;
};

/** A page instead of OAuth's JSON comes from a firewall in front of the payer's server, which checks addresses. */
const keptOut = (check: Check, url: string, { status, json: body }: Answer): Finding | undefined =>
  status === 403 && body === undefined
    ? fault(check, `${url} answers 403 with a page`, 'ask the payer whether it has to allow our addresses')
    : undefined;

/** An API gateway in front of the payer asks for a key of its own. The doctor sends no secret, so it gets no further. */
const wantsKey = (
  check: Check,
  url: string,
  { status, challenge, text }: Answer,
  { quirks: { secretHeaders } }: Payer,
): Finding | undefined => {
  if (status !== 401 || !isAboutOurKey(challenge, text)) return undefined;
  return secretHeaders === undefined
    ? fault(
        check,
        `${url} answers 401 and asks for a key of its own`,
        'ask the payer for the header and the key; write its name into quirks.secretHeaders, and the key into the secret',
      )
    : pass(check, `${url} answers (401: it wants ${secretHeaders.join(', ')}, which this check does not send)`);
};

/** Members' browsers open this endpoint. Without parameters it may show any page except a server error. */
export const checkAuthorize = async (
  { http }: { http: PayerHttp },
  { authorizationEndpoint: url }: Payer,
): Promise<Finding> => {
  const answer = await probe(http, url, { accept: 'text/html' });
  if ('failure' in answer) return noAnswer('authorize', url, answer.failure);
  return commonFault('authorize', url, answer) ?? pass('authorize', `${url} answers (${answer.status})`);
};

const redirected = (check: Check, url: string, { status, location }: Answer, field: string): Finding =>
  fault(
    check,
    `${url} redirects (${status}${location === undefined ? '' : ` to ${location}`}), which the gateway does not follow`,
    `ask the payer for the ${field} itself`,
  );

/** An empty request has no grant type, so RFC 6749 §5.2 defines the answer: JSON with an error. */
export const checkToken = async ({ http }: { http: PayerHttp }, payer: Payer): Promise<Finding> => {
  const { tokenEndpoint: url, quirks } = payer;
  const { tokenRequest = 'form' } = quirks;
  const answer = await probe(http, url, { method: 'POST', accept: json, isJson: tokenRequest === 'json' });
  if ('failure' in answer) return noAnswer('token', url, answer.failure);
  const common =
    commonFault('token', url, answer) ?? keptOut('token', url, answer) ?? wantsKey('token', url, answer, payer);
  if (common !== undefined) return common;
  if (isRedirect(answer)) return redirected('token', url, answer, 'tokenEndpoint');
  if (answer.status === 415) {
    const other = tokenRequest === 'form' ? 'json' : 'form';
    return fault('token', `${url} refuses a ${tokenRequest} (415)`, `write quirks.tokenRequest: '${other}'`);
  }
  const error = answer.json?.['error'];
  if (typeof error !== 'string' || answer.status < 400) {
    return fault(
      'token',
      `${url} answers an empty request with ${answer.status} and ${answer.contentType}, not with an OAuth error (RFC 6749 §5.2)`,
      'check that this is the token endpoint and not a page or a proxy in front of it; ask the payer',
    );
  }
  return pass('token', `${url} answers as RFC 6749 requires (${answer.status} ${error.slice(0, 40)})`);
};

/** RFC 7009 leaves this endpoint more freedom than the token endpoint has. */
export const checkRevoke = async (
  { http }: { http: PayerHttp },
  { revocationEndpoint: url = '' }: Payer,
): Promise<Finding> => {
  const answer = await probe(http, url, { method: 'POST', accept: json });
  if ('failure' in answer) return noAnswer('revoke', url, answer.failure);
  const common = commonFault('revoke', url, answer) ?? keptOut('revoke', url, answer);
  if (common !== undefined) return common;
  if (isRedirect(answer)) return redirected('revoke', url, answer, 'revocationEndpoint');
  return pass('revoke', `${url} answers (${answer.status})`);
};

/** Without a token, a userinfo endpoint refuses (OpenID Connect Core §5.3.3). */
export const checkUserinfo = async (
  { http }: { http: PayerHttp },
  { userinfoEndpoint: url = '' }: Payer,
): Promise<Finding> => {
  const answer = await probe(http, url, { accept: json });
  if ('failure' in answer) return noAnswer('userinfo', url, answer.failure);
  const common = commonFault('userinfo', url, answer);
  if (common !== undefined) return common;
  if (isRedirect(answer)) return redirected('userinfo', url, answer, 'userinfoEndpoint');
  return pass('userinfo', `${url} answers (${answer.status})`);
};

/** The keys that sign the payer's `id_token`, or an identity provider's: without them every login ends. */
export const checkKeys = async (
  { http }: { http: PayerHttp },
  { jwksUri: url = '' }: Pick<Payer, 'jwksUri'>,
): Promise<Finding> => {
  const answer = await probe(http, url, { accept: json });
  if ('failure' in answer) return noAnswer('keys', url, answer.failure);
  const common = commonFault('keys', url, answer);
  if (common !== undefined) return common;
  if (isRedirect(answer)) return redirected('keys', url, answer, 'jwksUri');
  const keys = answer.json?.['keys'];
  return Array.isArray(keys) && keys.length > 0
    ? pass('keys', `${url} has ${keys.length} ${keys.length === 1 ? 'key' : 'keys'}`)
    : fault(
        'keys',
        `${url} answers ${answer.status} and ${answer.contentType}, not a set of keys`,
        'check jwksUri, or ask whose it is for its jwks_uri',
      );
};

const otherRelease = (url: string, what: string): Finding =>
  fault('FHIR', `${url} says that this is ${what}, but the gateway reads R4`, 'ask the payer for its FHIR R4 base URL');

const judgeStatement = (url: string, { json: statement, status, contentType }: Answer): Finding => {
  // DSTU2 called it Conformance.
  if (statement?.['resourceType'] === 'Conformance') return otherRelease(url, 'FHIR DSTU2 (a Conformance)');
  if (!isGiven({ status }) || statement?.['resourceType'] !== 'CapabilityStatement') {
    return fault(
      'FHIR',
      `${url} answers ${status} and ${contentType}, not a CapabilityStatement`,
      'check fhirBaseUrl, or ask the payer for it',
    );
  }
  const { fhirVersion } = statement;
  if (!isR4(fhirVersion)) {
    return otherRelease(
      url,
      `FHIR ${typeof fhirVersion === 'string' ? fhirVersion.slice(0, 20) : 'without a version'}`,
    );
  }
  return pass('FHIR', `${url} is a CapabilityStatement of FHIR ${fhirVersion.slice(0, 20)}`);
};

/** Judges the answer to `metadata`: whether the base URL is right, and which FHIR release it serves. */
export const judgeMetadata = (url: string, answer: Probed): Finding => {
  if ('failure' in answer) return noAnswer('FHIR', url, answer.failure);
  if (answer.status === 401) return pass('FHIR', `${url} requires a token (401); the FHIR release is unknown`);
  if (answer.status === 403) {
    return fault(
      'FHIR',
      `${url} answers 403`,
      'check fhirBaseUrl; ask the payer whether it has to allow our addresses',
    );
  }
  if (isRedirect(answer)) return redirected('FHIR', url, answer, 'fhirBaseUrl');
  return commonFault('FHIR', url, answer) ?? judgeStatement(url, answer);
};

/** Reads the CapabilityStatement of one of the payer's bases, and judges it. @param base its URL */
export const checkFhir = async ({ http }: { http: PayerHttp }, payer: Payer, base: string): Promise<Finding> => {
  const url = `${base}/metadata`;
  const answer = await probe(http, url, { accept: fhirMediaType(payer) });
  return ('failure' in answer ? undefined : wantsKey('FHIR', url, answer, payer)) ?? judgeMetadata(url, answer);
};
