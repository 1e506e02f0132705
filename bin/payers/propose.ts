import { nearestName } from '../../config/checks/names.ts';
import * as rules from '../../config/checks/rules.ts';
import { visibleLine } from '../../config/checks/visible.ts';
import { examplePublicKey, pendingClientId } from '../../config/examples.ts';
import { smart } from '../../config/presets.ts';
import { compareDiscovery } from '../../functions/shared/payer/compare-discovery.ts';
import type { Difference } from '../../functions/shared/payer/difference.ts';
import { placesOf } from '../../functions/shared/payer/discovery-documents.ts';
import type { Payer, PayerQuirks } from '../../functions/shared/registry/types.ts';
import { covers, hold, isAboutPatient, parseScope } from '../../functions/shared/scopes/scopes.ts';
import { slug } from '../shared/slug.ts';
import type { Discovered } from './discover.ts';
import { ask, guess, read, type Known, type Line } from './line.ts';
import {
  knownUrl,
  publishedCapabilities,
  publishedList,
  publishedLists,
  publishedUrls,
  unknownHost,
  type PublishedList,
} from './published.ts';
import { scopesFor } from './scopes.ts';

/** A payer's entry, how each of its fields is known, and what only the payer, or the reader, knows about it. */
export interface Proposed {
  readonly payer: Payer;
  /** By field, such as `tokenEndpoint` or `quirks.aud`. A field without a line has the preset's value. */
  readonly lines: ReadonlyMap<string, Line>;
  /** Each `fields: why`. */
  readonly asks: readonly string[];
}

type Authentication = Payer['clientAuthentication'];
type Fields = Partial<Record<keyof Payer, Known<unknown>>>;
type Quirks = Partial<Record<keyof PayerQuirks, Known<unknown>>>;

const few = ({ values }: PublishedList): string => values.slice(0, 6).join(', ') || 'nothing';

const namesOf = ({ statement, given }: Discovered): Record<'id' | 'displayName', Known<string>> => {
  const { hostname } = new URL(given);
  const publisher = statement?.publisher ?? '';
  const where = `publisher in ${given}/metadata`;
  const isName = publisher.length <= 80 && rules.givenName(publisher) === undefined;
  const near = isName ? nearestName(publisher) : undefined;
  const displayName =
    near === undefined
      ? guess(hostname, 'the host; members see it, so choose a name')
      : near === publisher
        ? read(publisher, `${where}; members see it`)
        : guess(
            near,
            `${where}, without the characters that names may not have (${visibleLine(publisher)}); members see it`,
          );
  return {
    id: guess(slug(displayName.value) || 'payer', 'from the name; choose it well, it is part of every URL'),
    displayName,
  };
};

const baseOf = ({ fhirBaseUrl, statement }: Discovered): Fields => {
  if (fhirBaseUrl === undefined) return { fhirBaseUrl: ask(`${unknownHost}/r4`, 'an issuer does not publish it') };
  return {
    fhirBaseUrl:
      statement === undefined
        ? guess(fhirBaseUrl, 'it was given; metadata requires a token')
        : read(fhirBaseUrl, `${fhirBaseUrl}/metadata answers`),
    ...(statement?.alias === undefined
      ? {}
      : { fhirBaseUrlAliases: read([statement.alias], `implementation.url in ${fhirBaseUrl}/metadata`) }),
  };
};

const endpointsOf = (found: Discovered): Fields => {
  const endpoint = (member: string, oauthUri: string, path: string, rule?: rules.Rule): Known<string> | undefined =>
    knownUrl(found, publishedUrls(found, member, oauthUri), `${unknownHost}/${path}`, rule);
  const revocation = endpoint('revocation_endpoint', 'revoke', 'revoke');
  return {
    authorizationEndpoint:
      endpoint('authorization_endpoint', 'authorize', 'authorize', rules.authorizationEndpoint) ??
      ask(`${unknownHost}/authorize`, 'not published'),
    tokenEndpoint: endpoint('token_endpoint', 'token', 'token') ?? ask(`${unknownHost}/token`, 'not published'),
    // A field that may be left out needs no placeholder.
    ...(revocation?.line.basis === 'read' ? { revocationEndpoint: revocation } : {}),
  };
};

const discoveryOf = ({ fhirBaseUrl, smartConfiguration }: Discovered): Fields =>
  smartConfiguration === undefined || smartConfiguration.url === `${fhirBaseUrl}/.well-known/smart-configuration`
    ? {}
    : { smartConfigurationUrl: read(smartConfiguration.url, 'it is there, not below the FHIR base') };

const issuerOf = (found: Discovered): Fields => {
  const issuer = knownUrl(found, publishedUrls(found, 'issuer'), unknownHost, rules.issuer);
  if (issuer?.line.basis !== 'read') return {};
  const { serverMetadata: server } = found;
  const member = 'authorization_response_iss_parameter_supported';
  if (server === undefined) return { issuer, sendsIss: guess(false, 'no document says that redirects carry iss') };
  // RFC 9207 §3: missing, it is false.
  const isSent = server.body[member] === true;
  return { issuer, sendsIss: read(isSent, `${member} ${isSent ? 'in' : 'is not true in'} ${server.url}`) };
};

const symmetric = 'client-confidential-symmetric';

/** Where a payer lists `client_credentials` that is not for systems: SMART defines it for these alone, with system scopes. */
const identitiesIn = (found: Discovered): PublishedList | undefined => {
  const grants = publishedList(found, 'grant_types_supported');
  const scopes = publishedList(found, 'scopes_supported');
  const isForSystems = scopes?.values.some((scope) => scope.startsWith('system/')) === true;
  return grants?.values.includes('client_credentials') === true && !isForSystems ? grants : undefined;
};

/** What to ask a payer that may accept members' identity tokens. No published document says so, hence a question, not a field. */
const identityAsks = (found: Discovered, endpoint: string): string[] => {
  const grants = identitiesIn(found);
  if (grants === undefined) return [];
  const algorithms = publishedList(found, 'token_endpoint_auth_signing_alg_values_supported');
  const signing = algorithms === undefined ? '' : `, signed with one of ${few(algorithms)}`;
  return [
    `identitySignIn: ${grants.where} lists client_credentials, and no system scopes. Does it answer apps with members' identity tokens (docs/payers.md, "Sign-in without a portal")? From which identity providers${signing}, with which aud (${endpoint}, to the letter?), and how does it say that nobody matches?`,
  ];
};

const exchangeOperations = new Set(['bulk-member-match', 'davinci-data-export']);

/** What to write and to ask of a payer that declares the operations of a former plan. The stage needs `exchanges` before the entry may have it. */
const exchangeAsks = (found: Discovered): string[] => {
  const declared = found.statement?.groupOperations.filter((name) => exchangeOperations.has(name)) ?? [];
  if (declared.length === 0) return [];
  const scopes = publishedList(found, 'scopes_supported');
  const ofSystems = (scopes?.values ?? []).filter(
    (scope) => scope.startsWith('system/') || scope.includes('BulkMemberMatch'),
  );
  const algorithms = publishedList(found, 'token_endpoint_auth_signing_alg_values_supported');
  const algorithm = ['ES384', 'RS384'].find((one) => algorithms?.values.includes(one));
  const fields = [
    ...(ofSystems.length === 0 ? [] : [`scopes: ${JSON.stringify(ofSystems.slice(0, 6))} (${scopes?.where})`]),
    ...(algorithm === undefined ? [] : [`assertionAlgorithm: '${algorithm}' (${algorithms?.where})`]),
  ];
  const names = declared.map((name) => `$${name}`).join(' and ');
  const says = `${found.given}/metadata declares ${names}: it answers other plans (docs/payers.md, "Payer-to-payer exchange")`;
  const isPublished = fields.length === 0 ? '' : `. Published: ${fields.join(', ')}`;
  return [
    `exchange: ${says}${isPublished}. Which client id of its own for our key, which identifiers (NPI) name the plan in a Consent, are other hosts for status and files, _typeFilter, and a token for files?`,
  ];
};

/** Whether a list of methods may be of the call with an identity token only. */
const areOfIdentitiesOnly = (found: Discovered, methods: PublishedList, capabilities?: PublishedList): boolean =>
  identitiesIn(found) !== undefined &&
  methods.values.every((method) => method === 'private_key_jwt') &&
  capabilities?.values.includes(symmetric) === true;

const authenticationOf = (found: Discovered, capabilities: PublishedList | undefined): Known<Authentication> => {
  const methods = publishedList(found, 'token_endpoint_auth_methods_supported');
  const strongest = (['private_key_jwt', 'client_secret_basic', 'client_secret_post', 'none'] as const).find((method) =>
    methods?.values.includes(method),
  );
  if (methods !== undefined && areOfIdentitiesOnly(found, methods, capabilities)) {
    return ask(
      'client_secret_basic',
      `${methods.where} (${few(methods)}) is all, but ${symmetric} is in ${capabilities?.where}: which one is for codes and refreshes?`,
    );
  }
  if (methods !== undefined && strongest !== undefined) return read(strongest, `${methods.where} (${few(methods)})`);
  if (methods !== undefined) return ask('client_secret_basic', `${methods.where} lists ${few(methods)}`);
  const able = (
    [
      ['client-confidential-asymmetric', 'private_key_jwt'],
      ['client-confidential-symmetric', 'client_secret_basic'],
      ['client-public', 'none'],
    ] as const
  ).find(([capability]) => capabilities?.values.includes(capability));
  return able === undefined
    ? ask('client_secret_basic', 'how does it register the gateway? Nothing is published')
    : guess(able[1], `${able[0]} is in ${capabilities?.where}, which names no method`);
};

const keysOf = ({ value }: Known<Authentication>): Fields =>
  value === 'private_key_jwt'
    ? {
        publicKeys: guess(
          [examplePublicKey],
          "the example's, whose private key nobody has; make a pair with: npm run --silent payers -- key",
        ),
      }
    : {};

const patientOf = (
  found: Discovered,
  capabilities: PublishedList | undefined,
  listed: PublishedList | undefined,
): Known<Payer['patientFrom']> => {
  if (capabilities?.values.includes('context-standalone-patient') === true) {
    return read('token', `context-standalone-patient is in ${capabilities.where}`);
  }
  if (listed?.values.includes('launch/patient') === true) {
    return guess('token', `launch/patient is in ${listed.where}, but no capabilities say so; a first login shows it`);
  }
  const userinfo = publishedUrls(found, 'userinfo_endpoint')[0];
  const others = userinfo === undefined ? '' : `, or ${userinfo.url}`;
  return capabilities === undefined
    ? ask('token', `does its token answer name the patient${others}? Nothing is published`)
    : ask('search', `what names the patient, its token answer or an id_token${others}? Until then, GET Patient`);
};

const scopesOf = (
  listed: PublishedList | undefined,
  capabilities: PublishedList | undefined,
): Known<readonly string[]> => {
  const { scopes, isListed } = scopesFor(listed?.values, capabilities?.values);
  const usable = scopes.filter((scope) => rules.payerScope(scope) === undefined).slice(0, 200);
  if (listed === undefined && capabilities === undefined) return ask(usable, 'which ones may the gateway ask for?');
  return isListed
    ? read(usable, `${listed?.where}`)
    : guess(usable, 'no scope that reads and searches all of a patient is listed; these are those of SMART');
};

/** Without `$everything`, a whole record is read type by type. */
const recordOf = ({ statement, given }: Discovered, scopes: readonly string[]): Fields => {
  if (statement === undefined) {
    return { everything: ask(true, 'does it support Patient/{id}/$everything?') };
  }
  const { everything, patientTypes } = statement;
  const where = `Patient in ${given}/metadata`;
  if (everything) return { everything: read(true, `the operation everything of ${where}`) };
  const held = hold(scopes.map(parseScope).filter(isAboutPatient));
  const searches = patientTypes.filter((type) => covers(held, type, 's'));
  return {
    everything: read(false, `no operation everything of ${where}`),
    ...(searches.length === 0
      ? {}
      : {
          wholeRecord: guess(
            { searches },
            'the types that metadata can search by patient; ask which of them require more, such as a category',
          ),
        }),
  };
};

const quirksOf = (found: Discovered, isSmart: boolean): Quirks => {
  const lists = publishedLists(found, 'code_challenge_methods_supported');
  const methods = lists.find(({ values }) => values.includes('S256')) ?? lists[0];
  const { fhirMediaType, keyHeader } = found;
  return {
    ...(isSmart
      ? { aud: guess(true, 'SMART requires it, and no document can say otherwise; a first login shows it') }
      : {
          responseType: ask(true, 'does it take response_type? RFC 6749 requires it'),
          aud: ask(true, 'does it take aud? SMART requires it'),
          redirectUriAtToken: ask(true, 'does it take redirect_uri at token? RFC 6749 requires it'),
        }),
    pkce:
      methods === undefined
        ? (isSmart ? guess : ask)(true, 'no document lists its methods. RFC 9700 requires PKCE')
        : read(methods.values.includes('S256'), `${methods.where} (${few(methods)})`),
    ...(keyHeader === undefined
      ? {}
      : {
          secretHeaders: read(
            [keyHeader],
            `the challenge of ${found.given}/metadata; ask for its value, for the secret`,
          ),
        }),
    ...(fhirMediaType === undefined
      ? {}
      : { fhirMediaType: read(fhirMediaType, `what ${found.given}/metadata takes and sends`) }),
  };
};

/** What no document says. */
const neverPublished =
  'brand, consentLifetime, linesOfBusiness, grantedScope, quirks.extraTokenParameters, quirks.searchMethod, quirks.tokenRequest: how do members know it, do consents end, which plans are covered, does it grant without naming resources, are further parameters, posted searches or JSON at its token endpoint wanted?';

/** Drops what is undefined, and keeps the order. */
const entriesOf = (known: Readonly<Record<string, Known<unknown> | undefined>>): [string, Known<unknown>][] =>
  Object.entries(known).flatMap(([name, one]) => (one === undefined ? [] : [[name, one]]));

const valuesOf = (known: readonly (readonly [string, Known<unknown>])[]): Record<string, unknown> =>
  Object.fromEntries(known.map(([name, { value }]) => [name, value]));

/** Where a document of the payer's differs from its entry. Drift compares the same documents in the same way, the day after. */
const differencesIn = ({ documents }: Discovered, payer: Payer): (readonly [url: string, difference: Difference])[] => {
  const places = new Set(placesOf(payer).map(({ url }) => url));
  return documents
    .filter(({ url }) => places.has(url))
    .flatMap((document) => compareDiscovery(document, payer).map((difference) => [document.url, difference] as const));
};

/** The lines of fields about which documents differ, and what to ask of what has no line. */
const questionsOf = (found: Discovered, payer: Payer, lines: ReadonlyMap<string, Line>) => {
  const changed = new Map(lines);
  const asks: string[] = [];
  for (const [url, { field, text, todo }] of differencesIn(found, payer)) {
    const line = changed.get(field);
    if (line === undefined) asks.push(`${field}: in ${url} ${text}; ${todo}`);
    else if (!line.why.includes(url)) {
      changed.set(field, { basis: 'ask', why: `${line.why}. In ${url} ${text}; ask which one is right` });
    } else changed.set(field, { ...line, basis: 'ask' });
  }
  return { changed, asks };
};

/**
 * Makes a payer's entry from what was found. What has to be asked gets the usual value, or one that production refuses.
 */
export const propose = (found: Discovered): Proposed => {
  const isSmart = found.smartConfiguration !== undefined;
  const capabilities = publishedCapabilities(found);
  const listed = publishedList(found, 'scopes_supported');
  const authentication = authenticationOf(found, capabilities);
  const scopes = scopesOf(listed, capabilities);
  const fields = entriesOf({
    ...namesOf(found),
    ...baseOf(found),
    ...discoveryOf(found),
    ...issuerOf(found),
    ...endpointsOf(found),
    clientId: ask(pendingClientId, 'it gives the client id when it registers the gateway'),
    clientAuthentication: authentication,
    ...keysOf(authentication),
    scopes,
    ...recordOf(found, scopes.value),
    patientFrom: patientOf(found, capabilities, listed),
  });
  const quirks = entriesOf(quirksOf(found, isSmart));
  // Every value was checked by its rule, and every required field is there.
  const payer = smart({ ...valuesOf(fields), quirks: valuesOf(quirks) } as unknown as Parameters<typeof smart>[0]);
  const { changed: lines, asks: unlisted } = questionsOf(
    found,
    payer,
    new Map([
      ...fields.map(([name, { line }]) => [name, line] as const),
      ...quirks.map(([name, { line }]) => [`quirks.${name}`, line] as const),
    ]),
  );
  const asks = [...lines].flatMap(([name, { basis, why }]) => (basis === 'ask' ? [`${name}: ${why}`] : []));
  const noIssuer = lines.has('issuer') ? [] : ['issuer, sendsIss: not published; does the payer send iss (RFC 9207)?'];
  return {
    payer,
    lines,
    asks: [
      ...asks,
      ...unlisted,
      ...identityAsks(found, payer.tokenEndpoint),
      ...exchangeAsks(found),
      ...noIssuer,
      neverPublished,
    ],
  };
};
