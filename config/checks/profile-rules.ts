/** The rules between the fields of one payer's profile. */
import { limitsOf, parseRecordSearch, readRecordSearch } from '../../functions/shared/fhir/record-search.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { readListed } from '../../functions/shared/scopes/read-words.ts';
import { covers, hold } from '../../functions/shared/scopes/scopes.ts';
import { findingIf, type ConfigFinding } from './finding.ts';
import { calledUrls } from './stage-urls.ts';

type Check = (payer: Payer) => readonly ConfigFinding[];

const issuer: Check = ({ sendsIss, issuer: named }) =>
  findingIf(
    sendsIss && named === undefined,
    ['issuer'],
    'is missing though sendsIss is true; write the issuer that the payer sends as iss',
  );

const authentication: Check = ({ clientAuthentication, publicKeys, secretOf, quirks }) => {
  const isPublic = clientAuthentication === 'none';
  return [
    ...findingIf(
      clientAuthentication === 'private_key_jwt' && publicKeys.length === 0,
      ['publicKeys'],
      'is empty, but private_key_jwt needs a key; write the public JWK with its kid',
    ),
    ...findingIf(
      isPublic && publicKeys.length > 0,
      ['publicKeys'],
      'is set, but clientAuthentication is "none"; remove the keys, or write "private_key_jwt"',
    ),
    ...findingIf(
      isPublic && secretOf !== undefined && quirks.secretHeaders === undefined,
      ['secretOf'],
      'is set, but clientAuthentication is "none", which needs no secret without quirks.secretHeaders; remove one of them',
    ),
    ...findingIf(
      isPublic && !quirks.pkce,
      ['quirks', 'pkce'],
      'is false for a public client, whose codes only PKCE protects; write true, or a clientAuthentication with a secret',
    ),
  ];
};

/** Each source of the patient's id has fields of its own. */
const patient: Check = ({ patientFrom, patientMember, patientNoneReason, scopes, ...payer }) => [
  ...findingIf(
    patientFrom !== 'none' && patientNoneReason !== undefined,
    ['patientNoneReason'],
    'explains patientFrom: "none", which is not set; remove it, or write patientFrom: "none"',
  ),
  ...findingIf(
    patientMember !== undefined && (patientFrom === 'search' || patientFrom === 'none'),
    ['patientMember'],
    `is set, but patientFrom is "${patientFrom}", which does not use it; remove it`,
  ),
  ...findingIf(
    patientFrom === 'userinfo' && payer.userinfoEndpoint === undefined,
    ['userinfoEndpoint'],
    'is missing though patientFrom is "userinfo"; write the userinfo URL of the payer',
  ),
  ...findingIf(
    patientFrom !== 'userinfo' && payer.userinfoEndpoint !== undefined,
    ['userinfoEndpoint'],
    'is set, but patientFrom is not "userinfo"; remove it, or write patientFrom: "userinfo"',
  ),
  ...findingIf(
    patientFrom === 'id_token' && payer.jwksUri === undefined,
    ['jwksUri'],
    'is missing though patientFrom is "id_token"; write the URL of the keys that sign it (jwks_uri)',
  ),
  ...findingIf(
    patientFrom !== 'id_token' && payer.jwksUri !== undefined,
    ['jwksUri'],
    'is set, but patientFrom is not "id_token"; remove it, or write patientFrom: "id_token" (the gateway\'s own keys go into publicKeys)',
  ),
  ...findingIf(
    payer.jwksUri !== undefined && payer.jwksUri === payer.issuer,
    ['jwksUri'],
    'is the issuer; write the URL of the keys that sign its id_token (jwks_uri)',
  ),
  ...findingIf(
    patientFrom === 'id_token' && payer.issuer === undefined,
    ['issuer'],
    'is missing though patientFrom is "id_token"; write the iss of the payer\'s id_token',
  ),
  ...findingIf(
    patientFrom === 'id_token' && scopes.length > 0 && !scopes.includes('openid'),
    ['scopes'],
    'has no "openid", without which the payer would send no id_token; add it',
  ),
];

/** The key types that an algorithm needs (RFC 7518 §6.1). */
const keyTypes = { RS384: 'RSA', ES384: 'EC' } as const;

/** A grant without a browser has no nonce to bind an `id_token` of the payer's, and is about one patient. */
const identity: Check = ({ identitySignIn, clientAuthentication, patientFrom, publicKeys }) => {
  if (identitySignIn === undefined) return [];
  const { assertionAlgorithm } = identitySignIn;
  const isOurs = publicKeys.some(({ kty }) => kty === keyTypes[assertionAlgorithm]);
  return [
    ...findingIf(
      clientAuthentication === 'none',
      ['clientAuthentication'],
      'is "none", but identitySignIn signs with a key, which is a secret; write "private_key_jwt", or the method for the refresh',
    ),
    ...findingIf(
      clientAuthentication !== 'none' && !isOurs,
      ['publicKeys'],
      `has no ${keyTypes[assertionAlgorithm]} key, but identitySignIn signs with ${assertionAlgorithm}; write the public JWK with its kid`,
    ),
    ...findingIf(
      patientFrom === 'none' || patientFrom === 'id_token',
      ['identitySignIn'],
      `is set, but patientFrom is "${patientFrom}", which no call without a browser can use; remove identitySignIn, or write "token", "search" or "userinfo"`,
    ),
  ];
};

/** A separate client: otherwise, whoever stole that of the sign-in could read without any sign-in. */
const exchange: Check = ({ exchange: asked, clientId, publicKeys }) => {
  if (asked === undefined) return [];
  const { assertionAlgorithm } = asked;
  const own = new Set(asked.publicKeys.map((key) => key['n'] ?? key['x']));
  const at = (field: keyof typeof asked) => ['exchange', field];
  return [
    ...findingIf(
      !asked.publicKeys.some(({ kty }) => kty === keyTypes[assertionAlgorithm]),
      at('publicKeys'),
      `has no ${keyTypes[assertionAlgorithm]} key, but assertionAlgorithm is ${assertionAlgorithm}; write the public JWK with its kid`,
    ),
    ...findingIf(
      asked.clientId === clientId,
      at('clientId'),
      "is the sign-in's client too; have the payer register another one for exchanges, and write its client id",
    ),
    ...findingIf(
      publicKeys.some((key) => own.has(key['n'] ?? key['x'])),
      at('publicKeys'),
      "has a key of the sign-in's client; make one that only exchanges use",
    ),
    ...findingIf(
      asked.tokenEndpoint !== undefined && asked.fhirBaseUrl === asked.tokenEndpoint,
      at('tokenEndpoint'),
      "is the FHIR base URL; write the payer's own tokenEndpoint for exchanges",
    ),
  ];
};

const recordSearches = ({
  wholeRecord,
}: Payer): readonly (readonly [path: readonly PropertyKey[], search: string])[] => [
  ...(wholeRecord?.searches ?? []).map((search, at) => [['wholeRecord', 'searches', at], search] as const),
  ...(wholeRecord?.substitute === undefined ? [] : [[['wholeRecord', 'substitute'], wholeRecord.substitute] as const]),
];

/** Whether the payer grants what a search needs; if `scopes` names no resources, that cannot be said. */
const isCovered = ({ scopes }: Payer): ((type: string, needs: 'r' | 's' | 'rs') => boolean) => {
  const held = hold(readListed(scopes).filter((scope) => scope.kind === 'resource'));
  return (type, needs) => held.size === 0 || covers(held, type, needs);
};

/** The search for the member's Patient, which each sign-in then makes. */
const patientSearch: Check = (payer) =>
  findingIf(
    payer.patientFrom === 'search' && !isCovered(payer)('Patient', 's'),
    ['scopes'],
    'does not cover the search of Patient that patientFrom: "search" makes at each sign-in; add patient/Patient.rs',
  );

/** A search that the scopes do not cover would fail in production, for every member. */
const wholeRecord: Check = (payer) =>
  recordSearches(payer).flatMap(([path, search]) => {
    const read = readRecordSearch(search, payer.searchParameters ?? {});
    if ('problem' in read) return [{ path, message: read.problem }];
    const missing = read.needs.filter(({ type, needs }) => !isCovered(payer)(type, needs));
    const asked = missing.map(({ type, needs }) => `patient/${type}.${needs}`).join(' ');
    return findingIf(
      missing.length > 0,
      path,
      `needs ${asked}, which scopes does not cover; add it to scopes, or remove the search`,
    );
  });

/** A type whose searches limit nothing needs no word on it; one that nothing searches is a mistake. */
const exhaustive: Check = ({ wholeRecord: { searches = [], exhaustive: named = [] } = {} }) =>
  named.flatMap((type, at) => {
    const limits = searches.filter((text) => parseRecordSearch(text).type === type).map(limitsOf);
    return findingIf(
      limits.length === 0 || limits.includes(''),
      ['wholeRecord', 'exhaustive', at],
      'is not searched with parameters that limit it; write a type whose every search in searches has some, or remove it',
    );
  });

/** Whether one of two bases lies below the other, so that a link could belong to either. */
const overlap = (one: string, other: string): boolean =>
  `${one}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${one}/`);

/** Each link and each type belongs to one base, and no single request reaches them all. */
const furtherBases: Check = ({
  everything,
  wholeRecord: { substitute } = {},
  furtherBases: further = [],
  ...payer
}) => {
  if (further.length === 0) return [];
  const bases = [payer.fhirBaseUrl, ...payer.fhirBaseUrlAliases, ...further.map(({ fhirBaseUrl }) => fhirBaseUrl)];
  const named = further.flatMap(({ types }) => types);
  return [
    ...findingIf(
      everything,
      ['everything'],
      'is true, but with furtherBases $everything would bring only what is at fhirBaseUrl; write false',
    ),
    ...findingIf(
      substitute !== undefined,
      ['wholeRecord', 'substitute'],
      'is one search, which furtherBases does not reach; write searches, or remove it',
    ),
    ...further.flatMap(({ fhirBaseUrl, types }, at) => [
      ...findingIf(
        bases.filter((base) => overlap(base, fhirBaseUrl)).length > 1,
        ['furtherBases', at, 'fhirBaseUrl'],
        'is the same as another base of this payer, or lies above or below one; write the base of its own',
      ),
      ...types.flatMap((type, index) =>
        findingIf(
          named.filter((one) => one === type).length > 1,
          ['furtherBases', at, 'types', index],
          `"${type}" appears twice; write each type at the one base where it is read`,
        ),
      ),
    ]),
  ];
};

const withoutSlash = (path: string): string => path.replace(/\/+$/, '');

/** Whether a path of attachments has another path below it, or lies below that, as servers that ignore case see it. */
const reaches = (listed: string, path: string, isBase: boolean): boolean => {
  const [one, other] = [listed.toLowerCase(), path.toLowerCase()];
  return one === other || (one.endsWith('/') && `${other}/`.startsWith(one)) || (isBase && one.startsWith(`${other}/`));
};

/** The member's token goes to what these paths name, so they name documents only. */
const attachmentPaths: Check = (payer) => {
  const { attachments, attachmentPaths: paths = [] } = payer.wholeRecord ?? {};
  const bases = [payer.fhirBaseUrl, ...(payer.furtherBases ?? []).map(({ fhirBaseUrl }) => fhirBaseUrl)];
  const origins = new Set(bases.map((base) => URL.parse(base)?.origin));
  const others = calledUrls(payer);
  return [
    ...findingIf(
      attachments === false && paths.length > 0,
      ['wholeRecord', 'attachmentPaths'],
      'is set together with attachments: false, which fetches none; write only one of them',
    ),
    ...paths.flatMap((path, at) => {
      const found = others.find(({ url }) => {
        const parsed = URL.parse(url);
        return (
          parsed !== null &&
          origins.has(parsed.origin) &&
          reaches(path, withoutSlash(parsed.pathname), bases.includes(url))
        );
      });
      return findingIf(
        found !== undefined,
        ['wholeRecord', 'attachmentPaths', at],
        `covers ${found?.path.join('.')}, or is below it; write a path that has documents only`,
      );
    }),
  ];
};

/** What contradicts itself in a payer's profile. */
export const contradictions: Check = (payer) =>
  [
    issuer,
    authentication,
    patient,
    patientSearch,
    identity,
    exchange,
    wholeRecord,
    exhaustive,
    furtherBases,
    attachmentPaths,
  ].flatMap((check) => check(payer));
