/*
 * Every attribute of every table, declared once, with its DynamoDB type. Items and stream records are read, and items written,
 * by these declarations. A test compares them with docs/reports/attributes.md, and what is written with lib/attribute-writers.ts.
 */

interface Plain {
  readonly type: 'S' | 'N' | 'B' | 'SS' | 'BOOL';
}

/** A map of attributes within an attribute. */
interface Nested {
  readonly type: 'M';
  readonly fields: Attributes;
}

export type Attribute = Plain | Nested;
export type Attributes = Readonly<Record<string, Attribute>>;

/** What an attribute holds in TypeScript. */
interface Plains {
  readonly S: string;
  readonly N: number;
  readonly B: Uint8Array;
  readonly SS: readonly string[];
  readonly BOOL: boolean;
}
export type ValueOf<A extends Attribute> = A extends Nested
  ? ValuesOf<A['fields']>
  : A extends Plain
    ? Plains[A['type']]
    : never;

/** Values by attribute; undefined ones are omitted. */
export type ValuesOf<A extends Attributes> = { readonly [K in keyof A]?: ValueOf<A[K]> | undefined };

/** LoginAttempts: from authorize to callback. */
export const loginAttemptAttributes = {
  stateHash: { type: 'S' },
  payer: { type: 'S' },
  /** `connections` if a member signs in to see which apps may read the record; absent if an app asked. */
  purpose: { type: 'S' },
  partner: { type: 'S' },
  redirectUri: { type: 'S' },
  scope: { type: 'S' },
  refreshable: { type: 'BOOL' },
  codeChallenge: { type: 'S' },
  cookieHash: { type: 'S' },
  sealed: { type: 'B' },
  createdAt: { type: 'N' },
  usedAt: { type: 'N' },
  usedBy: { type: 'S' },
  /** Of a member's session: how many of its forms were used. */
  forms: { type: 'N' },
  expiresAt: { type: 'N' },
} as const satisfies Attributes;

/** The last event of a grant; the audit reads it from the table's stream. */
export const grantEventAttributes = {
  type: { type: 'S' },
  at: { type: 'N' },
  requestId: { type: 'S' },
  reason: { type: 'S' },
  operator: { type: 'S' },
  note: { type: 'S' },
  /** Of a member's identity: who proved it, its level, and when the member agreed. */
  issuer: { type: 'S' },
  level: { type: 'N' },
  attestedAt: { type: 'N' },
} as const satisfies Attributes;

/** Grants: one item per grant. */
export const grantAttributes = {
  grantId: { type: 'S' },
  payer: { type: 'S' },
  partner: { type: 'S' },
  scope: { type: 'S' },
  patient: { type: 'S' },
  /** For members' requests: an HMAC of payer and patient. Only the function of `/connections` may search by it. */
  memberIndex: { type: 'S' },
  refreshable: { type: 'BOOL' },
  redirectUri: { type: 'S' },
  codeChallenge: { type: 'S' },
  /** How it was made, if not by a sign-in at the payer. */
  via: { type: 'S' },
  attestedAt: { type: 'N' },
  codeHash: { type: 'S' },
  codeExpiresAt: { type: 'N' },
  wrappedKey: { type: 'B' },
  redeemedAt: { type: 'N' },
  redeemedBy: { type: 'S' },
  accessHash: { type: 'S' },
  accessExpiresAt: { type: 'N' },
  accessScope: { type: 'S' },
  previousAccessHash: { type: 'S' },
  previousAccessExpiresAt: { type: 'N' },
  previousAccessScope: { type: 'S' },
  familyHash: { type: 'S' },
  refreshHash: { type: 'S' },
  previousRefreshHash: { type: 'S' },
  rotatedAt: { type: 'N' },
  rotationSalt: { type: 'B' },
  repeatHashes: { type: 'SS' },
  sealedPayerTokens: { type: 'B' },
  linkKey: { type: 'B' },
  payerVersion: { type: 'N' },
  leaseOwner: { type: 'S' },
  leaseUntilMs: { type: 'N' },
  lastEvent: { type: 'M', fields: grantEventAttributes },
  createdAt: { type: 'N' },
  usedAt: { type: 'N' },
  endsAt: { type: 'N' },
  revokedAt: { type: 'N' },
  revokedBy: { type: 'S' },
  expiresAt: { type: 'N' },
  seenBy: { type: 'S' },
} as const satisfies Attributes;

/** AuditEvents: the events of a read, until they are in the audit bucket. */
export const auditEventAttributes = {
  eventId: { type: 'S' },
  openId: { type: 'S' },
  type: { type: 'S' },
  closedBy: { type: 'S' },
  atMs: { type: 'N' },
  requestId: { type: 'S' },
  grantId: { type: 'S' },
  /** An exchange's id, of its own events and of its reads, which have no grant. */
  exchange: { type: 'S' },
  partner: { type: 'S' },
  payer: { type: 'S' },
  interaction: { type: 'S' },
  patient: { type: 'S' },
  status: { type: 'N' },
  error: { type: 'S' },
  bytes: { type: 'N' },
  /** Of an exchange: the payer's id of the Group, which part of the event this is, its members as JSON, and how it ended. */
  groupId: { type: 'S' },
  part: { type: 'N' },
  members: { type: 'S' },
  how: { type: 'S' },
  /** Of an exchange that an operator ended: who, and what they wrote. */
  endedBy: { type: 'S' },
  note: { type: 'S' },
  refiledAt: { type: 'N' },
  expiresAt: { type: 'N' },
} as const satisfies Attributes;

/** Limits: how much of each limit is used, and which payers do not answer. */
export const limitAttributes = {
  limitId: { type: 'S' },
  takenUntilMs: { type: 'N' },
  lateSinceMs: { type: 'N' },
  lateGrants: { type: 'SS' },
  latePartners: { type: 'SS' },
  openUntilMs: { type: 'N' },
  openForMs: { type: 'N' },
  probeBy: { type: 'S' },
  probeUntilMs: { type: 'N' },
  disabledAt: { type: 'N' },
  /** Hashes of the differences between a payer and its profile that were reported. */
  seenDrift: { type: 'SS' },
  /** How many days running something that the payer publishes could not be read. */
  unreadDays: { type: 'N' },
  expiresAt: { type: 'N' },
} as const satisfies Attributes;

/** Who stopped a partner or a payer, and why. */
export const stopAttributes = {
  at: { type: 'N' },
  until: { type: 'N' },
  by: { type: 'S' },
  reason: { type: 'S' },
} as const satisfies Attributes;

/** Registry: payers, partners, and the pages that are made from them. */
export const registryAttributes = {
  entryId: { type: 'S' },
  version: { type: 'N' },
  entry: { type: 'S' },
  digest: { type: 'S' },
  stop: { type: 'M', fields: stopAttributes },
  changedAt: { type: 'N' },
  changedBy: { type: 'S' },
  reason: { type: 'S' },
  /** Of the item `apply`: who is applying, by a random mark, and that they still are. Neither raises the version. */
  heldBy: { type: 'S' },
  beat: { type: 'N' },
} as const satisfies Attributes;

/** Exports: one item per grant, for the partner's latest export; and one per question of an exchange. */
export const exportAttributes = {
  grantId: { type: 'S' },
  exportId: { type: 'S' },
  payer: { type: 'S' },
  partner: { type: 'S' },
  patient: { type: 'S' },
  /** The kick-off's URL, which the manifest repeats. */
  request: { type: 'S' },
  requestId: { type: 'S' },
  scope: { type: 'S' },
  types: { type: 'SS' },
  since: { type: 'S' },
  /** Names of the kick-off's parameters that were ignored, as the caller's lenient handling allowed. */
  ignored: { type: 'SS' },
  status: { type: 'S' },
  /** The public half of the key that opens the files; 32 bytes. */
  recipient: { type: 'B' },
  /** Random bytes, and a MAC under the grant's key of what was asked; the private half is derived from both and that key. */
  exportSecret: { type: 'B' },
  /** The payer's access token and secret headers, sealed under the exports key for the job alone. */
  payerToken: { type: 'B' },
  /** Absent if the payer did not say. */
  payerTokenExpiresAt: { type: 'N' },
  /** When that token was put here. */
  payerTokenAt: { type: 'N' },
  /** The grant's version of that token. */
  payerVersion: { type: 'N' },
  /** Of an exchange, which asks a former plan for members' records: `match` or `group`. Absent if a grant is exported. */
  exchange: { type: 'S' },
  /** Of an exchange of a Group: the Group's id at the payer. */
  group: { type: 'S' },
  /** Of an exchange: the private key that opens its files, sealed under the exports key, bound to partner and exchange. */
  fileKey: { type: 'B' },
  /** Of an exchange: the key that decrypts its stored request, sealed for the job under the exports key. */
  inputKey: { type: 'B' },
  /** The key of the job's state, sealed under the exports key. */
  stateKey: { type: 'B' },
  executionArn: { type: 'S' },
  beganAt: { type: 'N' },
  /** When a poll last asked for the job to be started again. */
  startAgainAt: { type: 'N' },
  /** The callback to complete when there is a newer token. */
  callbackId: { type: 'S' },
  /** The version of the token that the payer no longer accepts. */
  refusedVersion: { type: 'N' },
  waitingSince: { type: 'N' },
  resources: { type: 'N' },
  /** The total that the payer gave, if one request asks for everything. */
  resourcesTotal: { type: 'N' },
  typesDone: { type: 'N' },
  typesTotal: { type: 'N' },
  /** How many attachments have come. */
  attachments: { type: 'N' },
  /** Of an exchange: what the former plan says of its progress, while it works. */
  payerProgress: { type: 'S' },
  /** When it is asked again, in epoch seconds. */
  pollAgainAt: { type: 'N' },
  /** SHA-256 of the sealed manifest, base64url. */
  manifestDigest: { type: 'S' },
  startedAt: { type: 'N' },
  endedAt: { type: 'N' },
  grantEndsAt: { type: 'N' },
  expiresAt: { type: 'N' },
} as const satisfies Attributes;

/** Exchanges: partners' system tokens, Groups of matched members, and which exchanges run. */
export const exchangeAttributes = {
  owner: { type: 'S' },
  name: { type: 'S' },
  partner: { type: 'S' },
  payer: { type: 'S' },
  /** Of a Group: the code of its kind, such as `match`. */
  code: { type: 'S' },
  /** Of a Group: how many members it has. */
  members: { type: 'N' },
  /** Of a Group, and of the first part of an input: how many parts it has. */
  chunks: { type: 'N' },
  /** Of a Group: the key of its body, sealed under the exports key, bound to partner and Group. */
  key: { type: 'B' },
  /** Of a Group: the match that made it. */
  exportId: { type: 'S' },
  /** Of a Group, and of a payer's note of its id: a hash of the patients whom the payer's has. */
  patients: { type: 'S' },
  /** Of a payer's note of a Group's id: whether it has given the id to different patients. */
  isMixed: { type: 'BOOL' },
  /** Of a Group: hashes of its members' ids whom an operator has ended since. */
  ended: { type: 'SS' },
  /** A part of a Group's sealed body, or of what an exchange asks; or the request that the payer has accepted. */
  body: { type: 'B' },
  createdAt: { type: 'N' },
  expiresAt: { type: 'N' },
} as const satisfies Attributes;
