import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { checkStage, linesOf } from '../../config/checks/check-stage.ts';
import { leftovers } from '../../config/checks/leftovers.ts';
import { identifier } from '../../config/checks/rules.ts';
import type { StageConfig } from '../../config/stage.ts';
import { npiSystem } from '../../functions/shared/fhir/npi.ts';
import type { Partner, PublicJwk } from '../../functions/shared/registry/types.ts';
import { sha256 } from '../../functions/shared/store/crypto.ts';
import { problemsWith } from '../shared/check-entry.ts';
import { Refusal, UsageError } from '../shared/errors.ts';
import { withoutUndefined } from '../shared/objects.ts';
import { slug } from '../shared/slug.ts';
import { newSecret, type RandomBytes } from './secret.ts';

/** What a new partner is made from. */
export interface NewPartner {
  readonly name: string;
  readonly redirectUris: readonly string[];
  /** Ids of payers; empty for all of the stage's. */
  readonly payers: readonly string[];
  /** A page of the app. @default the root of the first redirect URI's site */
  readonly homePage?: string | undefined;
  /** A `data:` URL. */
  readonly logo?: string | undefined;
  readonly privacyPolicy?: string | undefined;
  /** Has neither secret nor keys: an app in a browser or on a phone. */
  readonly isPublic: boolean;
  /** The partner's public keys, for `private_key_jwt`; no secret is made then. */
  readonly jwks?: readonly PublicJwk[] | undefined;
  /** The app's audience in its members' identity tokens. @default it presents none */
  readonly identityAudiences?: Partner['identityAudiences'];
  /** Why the app asks its members itself. */
  readonly consentReason?: string | undefined;
  /** NPIs that the plan uses when its system asks former plans. @default it does not ask any */
  readonly exchangeNpis?: readonly string[];
}

/** A partner's entry in the stage's configuration, without the fields that keep their defaults. */
interface PartnerEntry {
  readonly clientId: string;
  readonly name: string;
  readonly homePage: string;
  readonly logo?: string;
  readonly privacyPolicy?: string;
  readonly redirectUris: readonly string[];
  readonly clientAuthentication: readonly string[];
  readonly secretHashes?: readonly string[];
  readonly jwks?: readonly PublicJwk[];
  readonly consent?: 'partner';
  readonly consentReason?: string;
  readonly identityAudiences?: Partner['identityAudiences'];
  readonly exchange?: Partner['exchange'];
  readonly scopes: readonly string[];
  readonly payers: readonly string[];
}

/** A new client. The secret is stored nowhere. */
export interface Made {
  readonly entry: PartnerEntry;
  readonly secret: string | undefined;
}

/**
 * Reads the partner's public keys: a JWK Set (RFC 7517) or one key.
 * @throws Refusal that does not quote the file
 */
export const readJwks = async (file: string): Promise<readonly PublicJwk[]> => {
  try {
    const value = JSON.parse(await readFile(file, 'utf8')) as { keys?: readonly PublicJwk[] };
    return value.keys ?? [value as PublicJwk];
  } catch {
    throw new Refusal(`${file} cannot be read as JSON; give a file with the partner's JWK Set, {"keys": […]}`);
  }
};

/** Reads audiences, each as `ISSUER=AUDIENCE`, by their issuers; undefined if there are none. @throws UsageError */
export const readAudiences = (given: readonly string[]): Partner['identityAudiences'] => {
  const pairs = given.map((text) => /^(?<issuer>[^=]+)=(?<audience>.+)$/.exec(text)?.groups);
  const known = pairs.filter((pair) => pair !== undefined);
  if (known.length < pairs.length)
    throw new UsageError('Give --identity-audience as ISSUER=AUDIENCE, such as https://id.example=my-app');
  const byIssuer = Map.groupBy(known, ({ issuer = '' }) => issuer);
  return byIssuer.size === 0
    ? undefined
    : [...byIssuer].map(([issuer, all]) => ({ issuer, audiences: all.map(({ audience = '' }) => audience) }));
};

/** What lets a plan's own system ask former plans; undefined if there are no NPIs. @throws UsageError */
const exchangeOf = (npis: readonly string[]): Partner['exchange'] => {
  const identifiers = npis.map((value) => ({ system: npiSystem, value }));
  for (const one of identifiers) {
    const problem = identifier(one);
    if (problem !== undefined) throw new UsageError(`--exchange-npi: ${JSON.stringify(one.value)} ${problem}`);
  }
  return npis.length === 0 ? undefined : { identifiers };
};

/** Why a stage cannot have such a plan yet, by the flag that asks for it. @throws Refusal */
const requireExchanges = ({ stage, exchanges, payers }: StageConfig, asked: readonly string[]): void => {
  if (exchanges === undefined) {
    throw new Refusal(`--exchange-npi: stage ${stage} has no exchanges; write exchanges: {} into it first`);
  }
  const askable = payers.filter(({ exchange }) => exchange !== undefined).map(({ id }) => id);
  if (askable.length === 0) {
    throw new Refusal(`--exchange-npi: no payer of stage ${stage} has exchange, so the plan could ask nobody`);
  }
  if (asked.length > 0 && !asked.some((id) => askable.includes(id))) {
    throw new Refusal(`--payer: none of these is asked as a former plan; those that are: ${askable.join(', ')}`);
  }
};

const imageTypes: Readonly<Record<string, string>> = { '.svg': 'svg+xml', '.png': 'png', '.webp': 'webp' };

/**
 * Reads the partner's logo as a `data:` URL, whose length the stage's check limits.
 * @throws Refusal
 */
export const readLogo = async (file: string): Promise<string> => {
  const type = imageTypes[extname(file).toLowerCase()];
  if (type === undefined) throw new Refusal(`${file} is no image of a known kind; give an .svg, .png or .webp file`);
  try {
    return `data:image/${type};base64,${(await readFile(file)).toString('base64')}`;
  } catch {
    throw new Refusal(`${file} cannot be read; give the file of the partner's logo`);
  }
};

const siteOf = (uri: string | undefined): string => {
  const url = URL.parse(uri ?? '');
  if (url === null || url.origin === 'null') {
    throw new UsageError('Give --home-page URL: it cannot be derived from the redirect URI');
  }
  return `${url.origin}/`;
};

const clientIdOf = (name: string, { stage, partners }: StageConfig): string => {
  const clientId = slug(name);
  if (clientId === '') throw new UsageError(`"${name}" has no letter or digit for a client id; give another name`);
  if (partners.some((partner) => partner.clientId === clientId)) {
    throw new Refusal(
      `Stage ${stage} already has a partner ${clientId}; give another name, or make a second secret with: rotate ${clientId}`,
    );
  }
  return clientId;
};

const authenticationOf = (secret: string | undefined, { jwks }: NewPartner): Partial<PartnerEntry> => {
  if (secret !== undefined) {
    return { clientAuthentication: ['client_secret_basic', 'client_secret_post'], secretHashes: [sha256(secret)] };
  }
  return jwks === undefined ? { clientAuthentication: ['none'] } : { clientAuthentication: ['private_key_jwt'], jwks };
};

/** What would stop the deployment of a stage whose last partner this is; stage `local` is never deployed. */
const exampleValues = (stage: StageConfig): string[] => {
  const index = stage.partners.length - 1;
  const found = leftovers(stage).filter(({ path: [list, at] }) => list === 'partners' && at === index);
  return stage.stage === 'local' ? [] : linesOf(stage, found);
};

/**
 * Makes a client, and checks it as part of its stage. Nothing is written.
 * @throws UsageError, Refusal
 */
export const makePartner = (randomBytes: RandomBytes, config: StageConfig, partner: NewPartner): Made => {
  const secret = partner.isPublic || partner.jwks !== undefined ? undefined : newSecret(randomBytes);
  const exchange = exchangeOf(partner.exchangeNpis ?? []);
  if (exchange !== undefined) requireExchanges(config, partner.payers);
  const sendsMembers = exchange === undefined || partner.redirectUris.length > 0;
  /** A plan that only asks former plans has nothing to do with other payers. */
  const all = config.payers.filter((payer) => sendsMembers || payer.exchange !== undefined);
  const entry = withoutUndefined({
    clientId: clientIdOf(partner.name, config),
    name: partner.name,
    homePage: partner.homePage ?? siteOf(partner.redirectUris[0]),
    logo: partner.logo,
    privacyPolicy: partner.privacyPolicy,
    redirectUris: partner.redirectUris,
    clientAuthentication: [],
    ...authenticationOf(secret, partner),
    ...(partner.identityAudiences === undefined ? {} : { consent: 'partner' as const }),
    consentReason: partner.consentReason,
    identityAudiences: partner.identityAudiences,
    exchange,
    scopes: sendsMembers ? ['launch/patient', 'patient/*.rs', 'offline_access'] : [],
    payers: partner.payers.length > 0 ? partner.payers : all.map(({ id }) => id),
  });
  const { partners } = config;
  const stage = { ...config, partners: [...partners, entry] };
  const problems = problemsWith(stage, `partners[${partners.length}].`);
  const found = problems.length > 0 ? problems : exampleValues(checkStage(stage, config.stage));
  if (found.length > 0) throw new Refusal(found.join('\n'));
  return { entry, secret };
};
