/**
 * Rules for single values. Each rule returns `undefined` if the value is valid, or else what is wrong and, after a
 * semicolon, what to write.
 */
import { createPublicKey } from 'node:crypto';
import { isNpi, isNpiSystem, npiSystem } from '../../functions/shared/fhir/npi.ts';
import { isFhirParameter } from '../../functions/shared/fhir/record-search.ts';
import { namesPrivateAddress } from '../../functions/shared/http/private-address.ts';
import type { Identifier } from '../../functions/shared/registry/types.ts';
import { wordScopes } from '../../functions/shared/scopes/payer-words.ts';
import { readListed } from '../../functions/shared/scopes/read-words.ts';
import { isResourceType } from '../../functions/shared/scopes/resource-types.ts';
import { isReading, isWriting, namesType, parseScope } from '../../functions/shared/scopes/scopes.ts';
import { nearestOf } from './unknown-fields.ts';
import { unseenCharacter } from './visible.ts';

/** A rule about one string. */
export type Rule = (value: string) => string | undefined;

/** One for URLs, so that a field says whether its URL is requested or only a name. */
export type UrlRule = Rule & { readonly ofUrl: true };

const urlRule = (rule: Rule): UrlRule => Object.assign(rule, { ofUrl: true } as const);

const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Parameters of the authorize call that only the gateway sets. */
const ownAuthorizeParameters = new Set([
  'response_type',
  'response_mode',
  'client_id',
  'redirect_uri',
  'state',
  'nonce',
  'scope',
  'aud',
  'code_challenge',
  'code_challenge_method',
  'request',
  'request_uri',
]);

/** Parameters of the token call that only the gateway sets. */
const ownTokenParameters = new Set([
  'grant_type',
  'code',
  'redirect_uri',
  'code_verifier',
  'refresh_token',
  'scope',
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
]);

/** Parameters that the gateway adds to a partner's redirect URI. */
const ownRedirectParameters = ['code', 'state', 'iss', 'error', 'error_description', 'error_uri'];

/** An id. It is part of paths and of AWS resource names. */
export const id: Rule = (value) => {
  if (!/^[a-z0-9-]{1,64}$/.test(value))
    return 'is not a valid id; write 1 to 64 lower-case letters, digits and hyphens, such as "northwind-health"';
  return value.startsWith('-')
    ? 'begins with a hyphen, so commands would take it for a flag; write it without'
    : undefined;
};

/** A partner's client id. The audit files what it cannot read under `unknown`, in place of a partner. */
export const partnerId: Rule = (value) =>
  value === 'unknown' ? 'is reserved for records that the audit cannot read; write another id' : id(value);

/** A client id that a payer gave us (RFC 6749 appendix A.1). */
export const visible: Rule = (value) =>
  /^[\x20-\x7e]+$/.test(value) && value.trim() === value
    ? undefined
    : 'is empty or has characters that RFC 6749 does not allow; write the client id as the payer gave it';

/** A line of text that a person reads. */
export const notEmpty: Rule = (value) => {
  if (value.trim() === '') return 'is empty; write some text';
  const unseen = unseenCharacter(value);
  return unseen === undefined
    ? undefined
    : `has a character that nobody sees, or that turns or ends the line (${unseen}); remove it`;
};

/** The most characters of a name, which pages and tools show inside a sentence. */
const longestName = 200;

/** What something is called. What members read has a stricter rule, in `names.ts`. */
export const givenName: Rule = (value) =>
  notEmpty(value) ??
  (value.length > longestName
    ? `has ${value.length} characters, too many for a name; write at most ${longestName}`
    : undefined);

/**
 * A stage's name. The longest name that contains it is that of CloudFront's log delivery, `p2p-gateway-{stage}-edge`,
 * which CloudWatch Logs limits to 60 characters.
 */
export const stageName: Rule = (value) => {
  const longest = 60 - 'p2p-gateway--edge'.length;
  return (
    id(value) ??
    (value.endsWith('-') ? 'ends with a hyphen; write it without' : undefined) ??
    (value.length > longest
      ? `has ${value.length} characters, which makes the names of AWS resources too long; write at most ${longest}`
      : undefined)
  );
};

const unwritten = (value: string): URL | undefined => (URL.canParse(value) ? new URL(value) : undefined);

const isWeb = ({ protocol }: URL): boolean => protocol === 'https:' || protocol === 'http:';

const secureTransport = (url: URL): string | undefined => {
  if (url.protocol === 'https:') return undefined;
  if (!isWeb(url)) return `has the scheme "${url.protocol}"; write a URL that starts with https://`;
  return loopbackHosts.has(url.hostname)
    ? undefined
    : 'uses plain http; write https:// (http is allowed only for localhost, 127.0.0.1 and [::1])';
};

/**
 * Names of parameters whose values are secrets: of API gateways, of signed URLs (AWS, Google Cloud, and `sig` of Azure), and
 * `code` and `x-functions-key` of Azure Functions
 * (https://learn.microsoft.com/azure/azure-functions/function-keys-how-to).
 */
const secretName =
  /secret|passw(?:or)?d|passphrase|assertion|credential|signature|(?:api|access|subscription|app|auth|functions?|shared|signing|private)[-_.]?key|(?:^|[-_.]|access|auth|bearer|id|refresh|session)token$|^(?:key|code|sig|pwd|jwt|bearer|id_token_hint|authorization)$/i;

/** The parameter of a URL's query that holds a secret. */
const secretInQuery = (url: URL): string | undefined =>
  [...url.searchParams.keys()].find((name) => secretName.test(name));

const noUserinfoOrFragment = (value: string, url: URL, instead = ''): string | undefined => {
  const secret = secretInQuery(url);
  if (secret !== undefined) {
    return `has "${secret}" in its query, which would be a secret in the configuration; remove it, and have it replaced if this file was ever committed${instead}`;
  }
  if (url.username !== '' || url.password !== '') {
    return 'contains a user name or password; remove it, and change the password if this file was ever committed: Git still has it';
  }
  return value.includes('#') ? 'has a fragment; write the URL without "#" and everything after it' : undefined;
};

/** Why a host must not be rewritten as the URL parser would: it has look-alike letters, or is an address in disguise. */
const disguisedHost = (value: string, { hostname }: URL): string | undefined => {
  const written = /^[a-z+.-]+:\/\/(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)/i.exec(value)?.[1];
  if (written === undefined || written.toLowerCase() === hostname) return undefined;
  if (/[^\x20-\x7e]/.test(written)) {
    return `has letters in its host that are not ASCII (${JSON.stringify(written)}) and may look like others; write the host as its owner's documents do, in ASCII (xn--…)`;
  }
  return /^[\d.]+$/.test(hostname)
    ? `has an address as its host in another spelling (${JSON.stringify(written)}); write the name of the host`
    : undefined;
};

const asParsed = (value: string, url: URL, advice = url.href): string | undefined =>
  url.href === value || url.href === `${value}/`
    ? undefined
    : (disguisedHost(value, url) ?? `is not in normalized form; write "${advice}"`);

/** Ports of other services than the web's, to which browsers and Node's own fetch connect for no URL (Fetch, "port blocking"). */
const blockedPorts: ReadonlySet<string> = new Set(
  `1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 123 135 137 139 143
   161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 3659
   4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080`.split(/\s+/),
);

/** Whether a host is written with the dot of the DNS root, by which one server has two names. */
const endsInDot = ({ hostname }: URL): boolean => hostname.endsWith('.');

/**
 * `adviceFor` returns what to write instead of another spelling, for fields that take less than a whole URL; `instead`
 * says, in parentheses, where a secret of the query belongs.
 */
const checkUrl = (value: string, adviceFor?: (url: URL) => string, instead?: string): string | undefined => {
  const url = unwritten(value);
  if (url === undefined) return 'is not a URL; write an absolute one, such as "https://plan.example.org/path"';
  if (url.hostname.includes('*')) return 'has a wildcard in its host; write out each host';
  if (url.port === '0') return 'has port 0, where nothing listens; write the port, or leave it out';
  if (endsInDot(url)) return 'has a dot at the end of its host; remove the dot';
  if (blockedPorts.has(url.port))
    return `has port ${url.port}, which browsers refuse; write the port of its web server`;
  return secureTransport(url) ?? noUserinfoOrFragment(value, url, instead) ?? asParsed(value, url, adviceFor?.(url));
};

/** An absolute URL: https, or http on a loopback host; no user name, no fragment, no other spelling of itself. */
export const webUrl = urlRule((value) => checkUrl(value));

const byHeader = ' (the gateway sends it by quirks.secretHeaders)';

/** The URL of an endpoint of a payer that the gateway itself calls. */
export const payerEndpoint = urlRule((value) => checkUrl(value, undefined, byHeader));

/** An electronic payer id, as claims carry it. */
export const payerNumber: Rule = (value) =>
  /^[A-Za-z0-9-]{1,30}$/.test(value)
    ? undefined
    : 'is not a payer id; write its letters, digits and hyphens as claims carry them, such as "60054"';

/** An identifier of this many digits. */
export const digits =
  (count: number): Rule =>
  (value) =>
    value.length === count && /^\d+$/.test(value) ? undefined : `is not an identifier; write its ${count} digits`;

/** The most characters of a `data:` URL: logos are in every page, and a partner's is in its entry of the registry. */
const longestImage = 8192;

/** An image that pages carry inside themselves, since they load nothing from elsewhere. */
export const image: Rule = (value) => {
  if (!/^data:image\/(svg\+xml|png|webp);base64,[A-Za-z0-9+/]+={0,2}$/.test(value)) {
    return 'is not an image; write "data:image/svg+xml;base64,…" (or png or webp)';
  }
  return value.length > longestImage
    ? `has ${value.length} characters, too many for a page; write at most ${longestImage}`
    : undefined;
};

/** The URL of a partner's webhook: on the public internet, or on this machine for stage `local`. */
export const webhook = urlRule((value) => {
  const problem = checkUrl(value, undefined, ' (each event is signed: the server checks its signature)');
  if (problem !== undefined) return problem;
  return namesPrivateAddress(value) && !loopbackHosts.has(new URL(value).hostname)
    ? 'is not on the public internet, and the gateway posts to no private address; write a public URL'
    : undefined;
});

const withoutSlashes = (url: string): string => url.replace(/\/+$/, '');

const noSlashAtEnd = (value: string): string | undefined =>
  value.endsWith('/') ? `ends in a slash; write "${withoutSlashes(value)}"` : undefined;

/** Paths below a FHIR base URL that people copy along with it from a browser. */
const belowBase = /\/(?:metadata|\.well-known\/.*|Patient(?:\/.*)?|\$[a-z-]+)$/;

/** A payer's FHIR base URL. */
export const fhirBaseUrl = urlRule((value) => {
  const problem = baseUrl(value);
  if (problem !== undefined) return problem;
  const base = value.replace(belowBase, '');
  return base === value ? undefined : `is a path below the base URL; write "${base}"`;
});

/** A base URL, to which paths are appended. */
export const baseUrl: Rule = (value) => {
  const problem = checkUrl(value, ({ origin, pathname }) => withoutSlashes(origin + pathname), byHeader);
  if (problem !== undefined) return problem;
  if (value.includes('?')) return 'has a query; write the URL without "?" and everything after it';
  return noSlashAtEnd(value);
};

/** A base URL as a payer prints it in links: only compared, never called, so http is allowed. */
export const printedBaseUrl = urlRule((value) => {
  const url = unwritten(value);
  if (url === undefined || !isWeb(url)) return 'is not an http or https URL; write an absolute one';
  if (/[?#\s]/.test(value)) return 'has a query, a fragment or white space; write the base URL as it appears in links';
  return noSlashAtEnd(value);
});

/** An origin as browsers send it (RFC 6454 §6.2). */
export const origin = urlRule((value) => {
  if (value.includes('*')) return 'has a wildcard; write each origin out, such as "https://app.example.org"';
  const problem = checkUrl(value, (url) => url.origin);
  if (problem !== undefined) return problem;
  const expected = new URL(value).origin;
  return expected === value ? undefined : `is more than an origin; write "${expected}"`;
});

/** An issuer (RFC 8414 §2): no query, no fragment; a trailing slash counts, since issuers are compared exactly. */
export const issuer = urlRule(
  (value) =>
    webUrl(value) ?? (value.includes('?') ? 'has a query; write the issuer as the payer publishes it' : undefined),
);

/** Whether a scope is about a member or a user who signed in (SMART App Launch 2.2), which an exchange has not. */
export const isSignInScope = (scope: string): boolean =>
  /^(?:(?:patient|user)\/.*|launch(?:\/.*)?|openid|fhirUser|profile|offline_access|online_access)$/.test(scope);

/** A scope of a call without a browser: there is no OpenID Connect in it. */
export const identityScope: Rule = (value) =>
  payerScope(value) ??
  (value === 'openid' ? 'is "openid", which a call with an identity token does not have; remove it' : undefined);

/** The system of a business identifier: an absolute URI, compared character by character as in FHIR. */
export const identifierSystem: Rule = (value) => {
  const plain = value
    .toLowerCase()
    .replace(/^https:/, 'http:')
    .replace(/\/+$/, '');
  if (plain === npiSystem && value !== npiSystem)
    return `is not how FHIR writes the system of National Provider Identifiers; write "${npiSystem}"`;
  return /^(?:https?:\/\/[^\s/]|urn:[a-z0-9][a-z0-9-]*:)[\x21-\x7e]*$/.test(value)
    ? undefined
    : 'is not the system of an identifier; write an absolute URI, such as "http://hl7.org/fhir/sid/us-npi" or "urn:oid:2.16.840.1.113883.6.300"';
};

/** A National Provider Identifier. */
export const npi: Rule = (value) =>
  digits(10)(value) ??
  (isNpi(value) ? undefined : 'is not an NPI: its check digit does not fit; write the ten digits as NPPES has them');

/** A check of an identifier's value, depending on the identifier's system. */
export const identifier = ({ system, value }: Identifier): string | undefined =>
  isNpiSystem(system) ? npi(value) : undefined;

/** The path of an operation below a FHIR base URL, with these placeholders. */
export const operationPath =
  (placeholders: readonly string[]): Rule =>
  (value) => {
    const missing = placeholders.find((placeholder) => value.split(placeholder).length !== 2);
    if (missing !== undefined) return `does not have ${missing} once; write it where the Group's id belongs`;
    const plain = placeholders.reduce((path, placeholder) => path.replace(placeholder, 'x'), value);
    return /^(?:[A-Za-z0-9$_-][A-Za-z0-9$._-]*)(?:\/[A-Za-z0-9$_-][A-Za-z0-9$._-]*)*$/.test(plain)
      ? undefined
      : 'is not a path below the FHIR base URL; write it without a slash at its ends, such as "Group/$bulk-member-match"';
  };

/** The payer's authorize endpoint. Its query must not contain the gateway's parameters. */
export const authorizationEndpoint = urlRule((value) => {
  const problem = webUrl(value);
  if (problem !== undefined) return problem;
  const own = [...new URL(value).searchParams.keys()].find((name) => ownAuthorizeParameters.has(name));
  return own === undefined
    ? undefined
    : `has "${own}" in its query, a parameter that the gateway sets itself; remove it`;
});

/** The name of an extra parameter for the authorize endpoint. */
export const extraParameter: Rule = (name) => {
  if (ownAuthorizeParameters.has(name)) {
    return 'is a parameter that the gateway sets itself; remove it, and use the fields and quirks of the payer instead';
  }
  if (name.trim() === '') return 'has no name; write the name of a parameter, or remove it';
  return secretName.test(name)
    ? 'would show a secret to every browser; remove it, and replace the secret if this file was ever committed: Git still has it'
    : undefined;
};

/** The name of an extra parameter for the token endpoint. */
export const extraTokenParameter: Rule = (name) => {
  if (ownTokenParameters.has(name)) {
    return 'is a parameter that the gateway sets itself; remove it, and use the fields and quirks of the payer instead';
  }
  if (name.trim() === '') return 'has no name; write the name of a parameter, or remove it';
  return secretName.test(name)
    ? 'would be a secret in the configuration; remove it, and replace the secret if this file was ever committed: Git still has it'
    : undefined;
};

/**
 * The `aud` that a payer wants in place of its FHIR base URL. It is only sent, and every browser sees it. No payer is known that wants
 * http, but a server behind a proxy may know itself by that, as it then prints it in links.
 */
export const audience: Rule = (value) => {
  const url = unwritten(value);
  if (url === undefined || !isWeb(url)) {
    return 'is not an http or https URL; write the one that the payer asks for, or true for the FHIR base URL';
  }
  return /[#\s]/.test(value)
    ? 'has a fragment or white space; write the URL as the payer requires it'
    : noUserinfoOrFragment(value, url);
};

/** A payer's name for FHIR JSON, without parameters. */
export const jsonMediaType: Rule = (value) =>
  /^application\/(?:[a-z0-9.-]+\+)?json(?:\+[a-z0-9.-]+)?$/.test(value)
    ? undefined
    : 'is not a JSON media type; write one in lower case without parameters, such as "application/json+fhir"';

/** Headers that the gateway sets itself, or that HTTP does (RFC 9110 §7.6.1, §10.1). */
const ownHeaders =
  /^(?:accept(?:-.*)?|authorization|connection|content-.*|cookie2?|expect|forwarded|host|if-.*|keep-alive|origin|prefer|proxy-.*|range|referer|sec-.*|te|trailer|transfer-encoding|upgrade|user-agent|via|x-forwarded-.*|x-http-method.*|x-method-override)$/i;

/** The name of a header whose value is in the payer's secret. */
export const secretHeader: Rule = (name) => {
  if (!/^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(name)) {
    return 'is not the name of a header; write 1 to 64 letters, digits and hyphens, and put its value into the secret';
  }
  return ownHeaders.test(name) ? `is "${name}", a header that the gateway or HTTP sets itself; remove it` : undefined;
};

/** The value of such a header (RFC 9110 §5.5). */
export const secretHeaderValue: Rule = (value) =>
  /^[\x21-\x7e](?:[\x20-\x7e]{0,4094}[\x21-\x7e])?$/.test(value)
    ? undefined
    : 'is not a header value: 1 to 4,096 visible ASCII characters, without a space at either end';

/** Members of a token answer or `id_token` that never name a patient. */
const otherMembers = new Set(
  'access_token refresh_token id_token token_type expires_in scope iss aud azp exp iat nbf jti nonce auth_time'.split(
    ' ',
  ),
);

/** The member that names the patient. */
export const patientMember: Rule = (name) => {
  if (!/^[\x21-\x7e]{1,128}$/.test(name))
    return 'is not a member name; write it as the payer spells it, such as "patient"';
  return otherMembers.has(name) ? `is "${name}", which names no patient; write the member that does` : undefined;
};

/** The name of a parameter of a payer's page links. */
export const pagingParameter: Rule = (name) => {
  if (!/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/.test(name)) {
    return `"${name}" is not a parameter name; write 1 to 64 letters, digits, hyphens and underscores`;
  }
  return isFhirParameter(name) || /^(?:_link|_filter|_query|_has|_method|access_token|patient|subject)$/i.test(name)
    ? `"${name}" has a meaning of its own in requests; remove it, and list only what the payer's page links have`
    : undefined;
};

/** The resource type, or `*` for all, whose search parameters a payer's profile adds. */
export const searchedType: Rule = (type) =>
  type === '*' || isResourceType(type)
    ? undefined
    : 'is not a FHIR R4 resource type; write one, such as Observation, or "*" for all types';

/** A path where a payer has attachments: as every server reads it. */
export const attachmentPath: Rule = (path) =>
  /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+\/?$/.test(path)
    ? undefined
    : 'is not a plain path; write one such as "/documents/", without escapes, dots at a segment’s start, a query or a host';

/** A resource type that is read at a further base. */
export const furtherType: Rule = (type) => {
  if (!isResourceType(type)) return `"${type}" is not a FHIR R4 resource type; write one, such as Observation`;
  return type === 'Patient' ? 'is Patient, which is read at the fhirBaseUrl of the payer; remove it' : undefined;
};

/** The name of an operation on one patient that is passed on. */
export const operation: Rule = (name) => {
  if (!/^[a-z][A-Za-z0-9-]{0,63}$/.test(name)) {
    return `"${name}" is not the name of an operation; write it without $, such as "generate-insurance-card"`;
  }
  return name === 'everything' || name === 'export'
    ? `"${name}" needs no entry; write the field everything for $everything, and leave exports to the gateway`
    : undefined;
};

/** Parameters that say whose record is read, in any spelling: a payer could take one before the member's own. */
const namesPerson = /^(?:patient|subject|beneficiary|subscriber|policy-?holder|member|person|enrollee)(?:[-_]?id)?$/i;

/** The code of a payer's own search parameter. */
export const searchParameter: Rule = (code) => {
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(code)) {
    return `"${code}" is not a search parameter code; write 1 to 64 letters, digits, hyphens and underscores, without a modifier or chain (names that begin with _ belong to FHIR)`;
  }
  if (namesPerson.test(code)) {
    return `"${code}" names a person, and the gateway itself says whose record is read; remove it`;
  }
  return /page|offset|cursor/i.test(code)
    ? `"${code}" looks like a paging parameter; remove it, since partners follow the links of a Bundle instead`
    : undefined;
};

/**
 * A partner's redirect URI. `privateUse` says whether a native app's own scheme is allowed. RFC 8252 §7.1 requires a
 * reversed domain name, so the scheme contains a dot, which also excludes `javascript:` and similar schemes.
 */
export const redirectUri =
  (privateUse: boolean): Rule =>
  (value) => {
    if (value.includes('*')) return 'has a wildcard; write out each redirect URI, since they are compared exactly';
    // Without http://, localhost:5210 reads as a scheme.
    if (/^(?:localhost|127\.0\.0\.1)(?=[:/]|$)/.test(value)) return `lacks its scheme; write http://${value}`;
    const url = unwritten(value);
    if (url === undefined) return 'is not a URI; write an absolute one, such as "https://app.example.org/callback"';
    const own = ownRedirectParameters.find((name) => url.searchParams.has(name));
    if (own !== undefined) return `has "${own}" in its query, a parameter that the gateway adds itself; remove it`;
    if (isWeb(url)) return webUrl(value);
    if (!url.protocol.includes('.')) {
      return `has the scheme "${url.protocol}"; write https://, or for a native app a scheme with a dot, such as "org.example.app:/callback" (RFC 8252 §7.1)`;
    }
    if (!privateUse) {
      return 'has a private-use scheme, which only a public client may use; write an https:// URI, or clientAuthentication: ["none"]';
    }
    return noUserinfoOrFragment(value, url) ?? asParsed(value, url);
  };

/**
 * A client secret that a payer gave us (RFC 6749 appendix A.2). A line break is refused, since it was pasted by mistake
 * and is never part of the secret. The message does not quote the secret.
 */
export const clientSecret: Rule = (value) => {
  if (value === '') return 'is empty; write the secret';
  if (/^(["']).*\1$/.test(value)) return 'is in quotes; write only the secret';
  if (/^<.*>$/.test(value)) return 'is a placeholder in <>; write the secret itself';
  if (/[\r\n]/.test(value)) return 'contains a line break; write only the secret';
  if (value.trim() !== value) return 'begins or ends with white space; write only the secret';
  // RFC 6749 forbids tabs, but payers have issued such secrets.
  return /^[\t\x20-\x7e]+$/.test(value)
    ? undefined
    : 'has a character that RFC 6749 does not allow; write the secret as the payer gave it';
};

/** The hash of an empty string, as from an unset variable. */
const hashOfNothing = '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU';

/** The SHA-256 of a client secret, base64url without padding. */
export const secretHash: Rule = (value) => {
  // With 32 bytes, the 43rd character has four bits of data, and its last two bits are zero.
  if (/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/.test(value)) {
    return value === hashOfNothing ? 'is the hash of an empty secret; write the hash of the secret itself' : undefined;
  }
  if (/^[0-9a-f]{64}$/i.test(value)) {
    return 'is 64 hexadecimal digits, the form in which "npm run partners" prints a secret; write its SHA-256 in base64url (43 characters), and if this is a secret, make a new one: Git may have this one';
  }
  return 'is not a SHA-256 in base64url (43 characters); write the output of: printf %s "$SECRET" | openssl dgst -sha256 -binary | basenc --base64url | tr -d =';
};

const noResourceType = (value: string): string =>
  `"${value}" names no FHIR R4 resource type; write one that does, such as patient/Observation.rs`;

/** The scopes that a partner may get: reads of one patient. No `openid`, since no `id_token` is ever issued. */
export const partnerScope: Rule = (value) => {
  if (value === 'launch/patient' || value === 'offline_access') return undefined;
  const scope = parseScope(value);
  if (
    scope.kind !== 'resource' ||
    scope.context !== 'patient' ||
    !/^(?:\*|[A-Za-z]+)$/.test(scope.type) ||
    !(isReading(scope) || isWriting(scope))
  ) {
    return `"${value}" is not supported; write launch/patient, offline_access, or patient/{type or *} with .rs or .read`;
  }
  const { type, permissions, filter } = scope;
  if (!namesType(scope)) return noResourceType(value);
  if (isWriting(scope)) {
    return `"${value}" allows more than reading, but the gateway only reads; write "patient/${type}.rs"`;
  }
  return filter === undefined
    ? undefined
    : `"${value}" is a granular scope, which is not supported; write "patient/${type}.${permissions}"`;
};

const contexts = ['patient', 'user', 'system'];

/** The one of these that was most likely meant, if it is not this one. */
const misspelt = (value: string, known: readonly string[]): string | undefined => {
  const nearest = known.includes(value) ? undefined : nearestOf(value, known);
  return nearest === value ? undefined : nearest;
};

/** The words of SMART and OpenID Connect, and Microsoft's for launches. */
const knownWords = [...wordScopes, ...wordScopes.map((word) => word.replace('launch/', 'launch.'))];

/** The scope of SMART that a misspelt one most likely means. A payer's own scopes are not like any of them. */
const nearestScope = (value: string): string | undefined => {
  const [, context, rest] = /^([A-Za-z]+)\/([^/]+\.[^/]+)$/.exec(value) ?? [];
  if (context === undefined) return misspelt(value, knownWords);
  const nearest = misspelt(context, contexts);
  return nearest === undefined ? undefined : `${nearest}/${rest}`;
};

/** The scopes that the gateway may request from a payer: any of RFC 6749 §3.3 except SMART's writes. */
export const payerScope: Rule = (value) => {
  if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value))
    return 'is not a single scope; write one scope per entry, without spaces';
  const nearest = nearestScope(value);
  if (nearest !== undefined) return `"${value}" is not a scope of SMART; write "${nearest}"`;
  if (readListed([value]).some((one) => one.kind === 'resource' && isWriting(one)))
    return `"${value}" allows more than reading, but the gateway only reads; write a read scope`;
  const scope = parseScope(value);
  return scope.kind === 'other' || scope.permissions === undefined || namesType(scope)
    ? undefined
    : noResourceType(value);
};

/** A word of the payer's own in its token answers that names no resources. */
export const ownScope: Rule = (value) =>
  payerScope(value) ??
  (readListed([value]).some(({ kind }) => kind === 'resource')
    ? `"${value}" names resources, so it is read as what it says; remove it`
    : undefined);

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** A public key for ES384 or RS384, the two algorithms of SMART App Launch. */
export const publicJwk = (jwk: Readonly<Record<string, unknown>>): string | undefined => {
  const secret = privateMembers.find((member) => member in jwk);
  if (secret !== undefined) {
    return `contains the private member "${secret}"; write the public key only, and replace this key pair: it is no longer secret`;
  }
  const alg = jwk['kty'] === 'EC' && jwk['crv'] === 'P-384' ? 'ES384' : jwk['kty'] === 'RSA' ? 'RS384' : undefined;
  if (alg === undefined) return 'fits neither ES384 nor RS384; write an EC key on P-384 or an RSA key';
  if (jwk['alg'] !== undefined && jwk['alg'] !== alg) return `has an alg that does not fit the key; write "${alg}"`;
  if (jwk['use'] !== undefined && jwk['use'] !== 'sig') return 'is not for signatures; write "use": "sig"';
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    // Keys are compared as texts, and served as they are.
    const own = key.export({ format: 'jwk' }) as Readonly<Record<string, unknown>>;
    const odd = ['x', 'y', 'n', 'e'].find((member) => jwk[member] !== own[member]);
    if (odd !== undefined)
      return `has "${odd}" in another form than RFC 7518 has (base64url without padding or leading zeros); write "${odd}": "${String(own[odd])}"`;
    const bits = alg === 'RS384' ? key.asymmetricKeyDetails?.modulusLength : undefined;
    return bits !== undefined && bits < 2048 ? 'is an RSA key under 2048 bits; write a longer one' : undefined;
  } catch {
    return 'is not a valid key; write the JWK with all its public members, in base64url';
  }
};
