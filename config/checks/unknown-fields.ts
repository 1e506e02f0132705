/** What to say about an unknown field: most are misspelled, or come from another product. */
import type * as z from 'zod';
import { grantTypes, identityGrantType } from '../../functions/shared/registry/token-endpoint.ts';
import { distance } from '../../functions/shared/scopes/distance.ts';

/** Whatever is before the last word: `dbPassword`, `db_password` and `dbpassword` are one name. */
const secretName =
  /^(?:client_?|partner_?|payer_?)?(?:secrets?|passwords?|passphrase|credentials?)$|^\w+(?:secret|password|passphrase|private_?key|api_?key|(?:access|refresh|bearer|auth)_?token)$|^(?:private_?key(?:_?jwk|_?pem)?s?|pem|api_?keys?|(?:access|refresh|bearer|auth)_?tokens?|aws_?secret.*|secret_?access_?key|d)$/i;

/** A secret that was committed is no longer secret: Git's history keeps it when the line is gone. */
export const secretAdvice =
  "remove it, and if this file was ever committed, have the secret replaced: Git still has it (put a payer's secret into Secrets Manager, and only the hash of a partner's into secretHashes)";

const tokenName = /tokens?$/i;
/** Ten years, in seconds. */
const longestLifetime = 10 * 366 * 86_400;

/** Any value except an empty one, a boolean, or an integer that may be a token's lifetime. */
const mayBeSecret = (name: string, value: unknown): boolean =>
  value !== '' &&
  value !== undefined &&
  value !== null &&
  typeof value !== 'boolean' &&
  !(tokenName.test(name) && Number.isInteger(value) && Math.abs(value as number) <= longestLifetime);

const alwaysTheseGrantTypes = `is not supported: the grant types are always ${grantTypes.join(' and ')}; remove it, and for ${identityGrantType} write identityAudiences`;

/** Fields of other products, in lower case and without `_` and `-`, and their equivalents here. */
const elsewhere: Readonly<Record<string, string>> = {
  jwksuri: 'is not supported: the gateway fetches no keys of a partner; write the keys themselves into jwks',
  jwksurl: 'is not supported: the gateway fetches no keys of a partner; write the keys themselves into jwks',
  vpcid: 'is not known; write existing.vpc.id for a VPC of your own, or network for one that the stack makes',
  vpc: 'is not known here; write it in existing, or network for a VPC that the stack makes',
  subnetids: 'is not known; write existing.vpc.subnets, each with id and availabilityZone',
  subnets: 'is not known here; write it in existing.vpc, each with id and availabilityZone',
  securitygroupids: 'is not known; write existing.vpc.securityGroupId, one id',
  securitygroups: 'is not known; write existing.vpc.securityGroupId, one id',
  vpcendpoints: 'is not known; write existing.vpc.awsEndpoints',
  permissionsboundary: 'is not known; write permissionsBoundaryArn',
  qualifier: 'is not known; write bootstrapQualifier',
  webacl: 'is not known; write existing.webAclArn',
  webaclarn: 'is not known here; write it in existing',
  topicarn: 'is not known; write existing.alarmTopicArn',
  alarmtopicarn: 'is not known here; write it in existing',
  tickettopicarn: 'is not known here; write it in existing',
  logdestination: 'is not known here; write it in existing',
  loglevel: 'is not supported: each request logs one line, at one level; remove it',
  memorysize: 'is not supported: lib/functions.ts sets it; remove it',
  memory: 'is not supported: lib/functions.ts sets it; remove it',
  timeout: 'is not supported: lib/functions.ts sets it; remove it',
  timeoutseconds: 'is not supported: lib/functions.ts sets it; remove it',
  environment: 'is not supported: only the stack sets environment variables; remove it',
  env: 'is not supported; write account and region, as fields of the stage',
  profile: 'is not supported; write account, and set AWS_PROFILE when you deploy',
  stackname: 'is not supported: the stack is named p2p-gateway-{stage}; write stage',
  kmskeyarn: 'is not known; write existing.keys, an ARN for each purpose, or remove it: the stack makes its keys',
  kmskeyid: 'is not known; write existing.keys, an ARN for each purpose, or remove it: the stack makes its keys',
  grants: alwaysTheseGrantTypes,
  granttypes: alwaysTheseGrantTypes,
  responsetypes: 'is not supported: the response type is always code; remove it',
  discoveryurl:
    'is not supported: the gateway does no discovery; write the endpoints, which "npm run payers -- learn URL" reads',
  wellknown:
    'is not supported: the gateway does no discovery; write the endpoints, which "npm run payers -- learn URL" reads',
  fhirversion: 'is not supported: the gateway reads FHIR R4 only; remove it',
  clientname: 'is not known; write name for a partner, displayName for a payer',
  tokenendpointauthmethod: 'is not known; write clientAuthentication',
  authmethod: 'is not known; write clientAuthentication',
  audience:
    'is not known; write quirks.aud: true, which sends the FHIR base URL, or the URL itself (an audience parameter goes into quirks.extraTokenParameters)',
  scope: 'is not known; write scopes, a list with one scope per entry',
  callbackurls: 'is not known; write redirectUris',
  redirecturi: 'is not known; write redirectUris, a list',
  redirecturls: 'is not known; write redirectUris',
  webhooks: 'is not known; write webhook, one URL',
  webhookurl: 'is not known; write webhook',
  corsorigins: 'is not known; write webOrigins',
  allowedorigins: 'is not known; write webOrigins',
  baseurl: 'is not known; write fhirBaseUrl',
  fhirurl: 'is not known; write fhirBaseUrl',
  iss: 'is not known; write issuer',
  authorizeurl: 'is not known; write authorizationEndpoint',
  authorizeendpoint: 'is not known; write authorizationEndpoint',
  authurl: 'is not known; write authorizationEndpoint',
  tokenurl: 'is not known; write tokenEndpoint',
  revokeendpoint: 'is not known; write revocationEndpoint',
  alarmemails: 'is not known; write alarmAddresses',
  domainname: 'is not known; write domain: { name, certificateArn }',
  certificatearn: 'is not known here; write it in domain',
  logretention: 'is not known; write retention.logDays',
  retentiondays: 'is not known; write retention.logDays or retention.auditDays',
  payersecrets: 'is not known here; write it as a field of the stage',
  refreshtoken: 'is not known; write lifetimes.grant: a refresh token lasts as long as the grant',
  accesstoken: 'is not known here; write it in lifetimes',
};

const plain = (name: string): string => name.toLowerCase().replaceAll(/[_-]/g, '');

/** The known name that was probably meant, if one is similar. */
export const nearestOf = (name: string, known: readonly string[]): string | undefined => {
  const near = known
    .map((candidate) => ({ candidate, far: distance(plain(name), plain(candidate)) }))
    .filter(({ candidate, far }) => far <= Math.min(2, Math.floor(candidate.length / 3)))
    .toSorted((a, b) => a.far - b.far);
  return near[0]?.candidate;
};

/** Whether a value is a secret by its name, whatever is between the name's words: a tag's may be `client-secret`. */
export const namesSecret = (name: string, value: unknown): boolean =>
  secretName.test(name.replaceAll(/[-.: /]/g, '_')) && mayBeSecret(name, value);

export const looksLikeSecret = `looks like a secret, and secrets do not belong in the configuration; ${secretAdvice}`;

/** What is wrong with an unknown field, and what to do. */
export const unknownField = (name: string, known: readonly string[], value: unknown): string => {
  // Named like secrets, this says who makes them.
  if (namesSecret(name, value) && !(name === 'payerSecrets' && (value === 'stack' || value === 'tool')))
    return looksLikeSecret;
  const nearest = nearestOf(name, known);
  if (nearest !== undefined) return `is not a known field; write "${nearest}", or remove it`;
  return Object.hasOwn(elsewhere, plain(name))
    ? elsewhere[plain(name)]!
    : 'is not a known field; check its spelling, or remove it';
};

type Schema = z.core.$ZodType;

/** A schema without its defaults. For a union of a word and an object, the object's. */
const bare = (schema: Schema): Schema => {
  const { def } = schema._zod as unknown as { def: { innerType?: Schema; options?: readonly Schema[] } };
  if (def.innerType !== undefined) return bare(def.innerType);
  const option = def.options?.[1];
  return option === undefined ? schema : bare(option);
};

interface Inner {
  readonly shape?: Readonly<Record<string, Schema>>;
  readonly element?: Schema;
  readonly valueType?: Schema;
}

const innerOf = (schema: Schema): Inner => schema._zod.def as unknown as Inner;

/** The schema of the value at a path. */
const schemaAt = (schema: Schema, [first, ...rest]: readonly PropertyKey[]): Schema | undefined => {
  if (first === undefined) return bare(schema);
  const { shape = {}, element, valueType } = innerOf(bare(schema));
  // `constructor` is no field of any shape, but a member of its prototype.
  const field = Object.hasOwn(shape, first) ? shape[String(first)] : valueType;
  const inner = typeof first === 'number' ? element : field;
  return inner === undefined ? undefined : schemaAt(inner, rest);
};

/** The names of the fields that an object at a path can have. */
export const fieldsAt = (schema: Schema, path: readonly PropertyKey[]): string[] => {
  const at = schemaAt(schema, path);
  return Object.keys(at === undefined ? {} : (innerOf(at).shape ?? {}));
};

const withOwnNames = new WeakSet<Schema>();

/** Marks a record in which a name shows no secret: its names have a rule of their own, or all of it is public. */
export const ownNames = <Record extends Schema>(record: Record): Record => {
  withOwnNames.add(record);
  return record;
};

/** Whether an operator names the members of the object at a path, so that a name may show a secret. */
export const isFreeForm = (schema: Schema, path: readonly PropertyKey[]): boolean => {
  const at = schemaAt(schema, path);
  return at !== undefined && innerOf(at).valueType !== undefined && !withOwnNames.has(at);
};
