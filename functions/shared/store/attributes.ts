/*
 * Every attribute of every table, declared once: its DynamoDB type, and the steps that set or remove it. Items and
 * stream records are read, and items written, by these declarations. A test compares them with docs/reports/attributes.md
 * and with what is written.
 */

interface Plain {
  readonly type: 'S' | 'N' | 'B' | 'SS' | 'BOOL';
  /** The functions that write it, separated by spaces. */
  readonly by: string;
}

/** A map of attributes within an attribute. */
interface Nested {
  readonly type: 'M';
  readonly by: string;
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
  stateHash: { type: 'S', by: 'putLoginAttempt putMemberSession' },
  payer: { type: 'S', by: 'putLoginAttempt putMemberSession' },
  /** `connections` if a member signs in to see which apps may read the record; absent if an app asked. */
  purpose: { type: 'S', by: 'putLoginAttempt' },
  partner: { type: 'S', by: 'putLoginAttempt' },
  redirectUri: { type: 'S', by: 'putLoginAttempt' },
  scope: { type: 'S', by: 'putLoginAttempt' },
  refreshable: { type: 'BOOL', by: 'putLoginAttempt' },
  codeChallenge: { type: 'S', by: 'putLoginAttempt' },
  cookieHash: { type: 'S', by: 'putLoginAttempt' },
  sealed: { type: 'B', by: 'putLoginAttempt putMemberSession' },
  createdAt: { type: 'N', by: 'putLoginAttempt putMemberSession' },
  usedAt: { type: 'N', by: 'consumeLoginAttempt' },
  usedBy: { type: 'S', by: 'consumeLoginAttempt useForm' },
  /** Of a member's session: how many of its forms were used. */
  forms: { type: 'N', by: 'putMemberSession useForm' },
  expiresAt: { type: 'N', by: 'putLoginAttempt putMemberSession endMemberSession' },
} as const satisfies Attributes;

/** The last event of a grant; the audit reads it from the table's stream. */
const grantEventSteps = 'putGrant redeem rotate revoke storePayerTokens addMemberIndex noteExportEnded';
export const grantEventAttributes = {
  type: { type: 'S', by: grantEventSteps },
  at: { type: 'N', by: grantEventSteps },
  requestId: { type: 'S', by: grantEventSteps },
  reason: { type: 'S', by: 'revoke' },
  operator: { type: 'S', by: 'revoke addMemberIndex noteExportEnded' },
  note: { type: 'S', by: 'revoke addMemberIndex noteExportEnded' },
  /** Of a member's identity: who proved it, its level, and when the member agreed. */
  issuer: { type: 'S', by: 'putGrant' },
  level: { type: 'N', by: 'putGrant' },
  attestedAt: { type: 'N', by: 'putGrant' },
} as const satisfies Attributes;

/** Grants: one item per grant. */
export const grantAttributes = {
  grantId: { type: 'S', by: 'putGrant rememberAssertion' },
  payer: { type: 'S', by: 'putGrant' },
  partner: { type: 'S', by: 'putGrant' },
  scope: { type: 'S', by: 'putGrant storePayerTokens' },
  patient: { type: 'S', by: 'putGrant' },
  /** For members' requests: an HMAC of payer and patient. Only the function of `/connections` may search by it. */
  memberIndex: { type: 'S', by: 'putGrant addMemberIndex' },
  refreshable: { type: 'BOOL', by: 'putGrant' },
  redirectUri: { type: 'S', by: 'putGrant' },
  codeChallenge: { type: 'S', by: 'putGrant' },
  /** How it was made, if not by a sign-in at the payer. */
  via: { type: 'S', by: 'putGrant' },
  attestedAt: { type: 'N', by: 'putGrant' },
  codeHash: { type: 'S', by: 'putGrant' },
  codeExpiresAt: { type: 'N', by: 'putGrant' },
  wrappedKey: { type: 'B', by: 'putGrant redeem revoke' },
  redeemedAt: { type: 'N', by: 'redeem' },
  redeemedBy: { type: 'S', by: 'redeem' },
  accessHash: { type: 'S', by: 'redeem rotate' },
  accessExpiresAt: { type: 'N', by: 'redeem rotate' },
  accessScope: { type: 'S', by: 'redeem rotate' },
  previousAccessHash: { type: 'S', by: 'rotate' },
  previousAccessExpiresAt: { type: 'N', by: 'rotate' },
  previousAccessScope: { type: 'S', by: 'rotate' },
  familyHash: { type: 'S', by: 'redeem' },
  refreshHash: { type: 'S', by: 'redeem rotate' },
  previousRefreshHash: { type: 'S', by: 'rotate' },
  rotatedAt: { type: 'N', by: 'rotate' },
  rotationSalt: { type: 'B', by: 'rotate' },
  repeatHashes: { type: 'SS', by: 'addRepeat rotate revoke' },
  sealedPayerTokens: { type: 'B', by: 'putGrant storePayerTokens revoke' },
  linkKey: { type: 'B', by: 'putGrant addLinkKey revoke' },
  payerVersion: { type: 'N', by: 'putGrant storePayerTokens' },
  leaseOwner: { type: 'S', by: 'takeLease storePayerTokens revoke' },
  leaseUntilMs: { type: 'N', by: 'takeLease releaseLease storePayerTokens revoke' },
  lastEvent: { type: 'M', by: grantEventSteps, fields: grantEventAttributes },
  createdAt: { type: 'N', by: 'putGrant' },
  usedAt: { type: 'N', by: 'redeem rotate' },
  endsAt: { type: 'N', by: 'putGrant' },
  revokedAt: { type: 'N', by: 'revoke' },
  revokedBy: { type: 'S', by: 'revoke' },
  expiresAt: { type: 'N', by: 'putGrant redeem rememberAssertion' },
  seenBy: { type: 'S', by: 'rememberAssertion' },
} as const satisfies Attributes;

/** AuditEvents: the events of a read, until they are in the audit bucket. */
export const auditEventAttributes = {
  eventId: { type: 'S', by: 'openGate onEnd noteOnce auditAsked auditCame auditEnded' },
  openId: { type: 'S', by: 'openGate closeReads' },
  type: { type: 'S', by: 'openGate onEnd noteOnce closeReads auditAsked auditCame auditEnded' },
  closedBy: { type: 'S', by: 'closeReads' },
  atMs: { type: 'N', by: 'openGate onEnd noteOnce closeReads auditAsked auditCame auditEnded' },
  requestId: { type: 'S', by: 'openGate onEnd noteOnce auditAsked auditCame auditEnded' },
  grantId: { type: 'S', by: 'openGate onEnd noteOnce' },
  /** An exchange's id, of its own events and of its reads, which have no grant. */
  exchange: { type: 'S', by: 'openGate onEnd noteOnce auditAsked auditCame auditEnded' },
  partner: { type: 'S', by: 'openGate onEnd noteOnce auditAsked auditCame auditEnded' },
  payer: { type: 'S', by: 'openGate onEnd noteOnce auditAsked auditCame auditEnded' },
  interaction: { type: 'S', by: 'openGate onEnd noteOnce auditAsked auditCame auditEnded' },
  patient: { type: 'S', by: 'openGate onEnd noteOnce' },
  status: { type: 'N', by: 'onEnd noteOnce' },
  error: { type: 'S', by: 'onEnd' },
  bytes: { type: 'N', by: 'onEnd' },
  /** Of an exchange: the payer's id of the Group, which part of the event this is, its members as JSON, and how it ended. */
  groupId: { type: 'S', by: 'auditAsked auditCame auditEnded' },
  part: { type: 'N', by: 'auditAsked auditCame auditEnded' },
  members: { type: 'S', by: 'auditAsked auditCame auditEnded' },
  how: { type: 'S', by: 'auditCame' },
  /** Of an exchange that an operator ended: who, and what they wrote. */
  endedBy: { type: 'S', by: 'auditEnded' },
  note: { type: 'S', by: 'auditEnded' },
  refiledAt: { type: 'N', by: 'restoreReads' },
  expiresAt: { type: 'N', by: 'openGate onEnd noteOnce auditAsked auditCame auditEnded' },
} as const satisfies Attributes;

/** Limits: how much of each limit is used, and which payers do not answer. */
export const limitAttributes = {
  limitId: { type: 'S', by: 'leaseFromTable markLate openForCanary disableWebhook keepSeen' },
  takenUntilMs: { type: 'N', by: 'leaseFromTable returnSlot' },
  lateSinceMs: { type: 'N', by: 'markLate closeBreaker' },
  lateGrants: { type: 'SS', by: 'markLate closeBreaker' },
  latePartners: { type: 'SS', by: 'markLate closeBreaker' },
  openUntilMs: { type: 'N', by: 'openBreaker openForCanary reopenBreaker closeBreaker' },
  openForMs: { type: 'N', by: 'openBreaker openForCanary reopenBreaker closeBreaker' },
  probeBy: { type: 'S', by: 'takeProbe releaseProbe closeBreaker' },
  probeUntilMs: { type: 'N', by: 'takeProbe releaseProbe closeBreaker' },
  disabledAt: { type: 'N', by: 'disableWebhook' },
  /** Hashes of the differences between a payer and its profile that were reported. */
  seenDrift: { type: 'SS', by: 'keepSeen' },
  expiresAt: { type: 'N', by: 'leaseFromTable markLate openBreaker openForCanary takeProbe reopenBreaker keepSeen' },
} as const satisfies Attributes;

/** Who stopped a partner or a payer, and why. */
export const stopAttributes = {
  at: { type: 'N', by: 'stopEntry endStop' },
  until: { type: 'N', by: 'stopEntry endStop' },
  by: { type: 'S', by: 'stopEntry endStop' },
  reason: { type: 'S', by: 'stopEntry endStop' },
} as const satisfies Attributes;

/** Registry: payers, partners, and the pages that are made from them. */
export const registryAttributes = {
  entryId: { type: 'S', by: 'fillRegistry keepDataVersion writeEntry takeHold beatHold releaseHold' },
  version: { type: 'N', by: 'fillRegistry keepDataVersion writeEntry removeEntry stopEntry endStop takeHold' },
  entry: { type: 'S', by: 'fillRegistry keepDataVersion writeEntry removeEntry takeHold' },
  digest: { type: 'S', by: 'fillRegistry keepDataVersion writeEntry removeEntry takeHold' },
  stop: { type: 'M', by: 'stopEntry endStop', fields: stopAttributes },
  changedAt: { type: 'N', by: 'fillRegistry keepDataVersion writeEntry removeEntry takeHold' },
  changedBy: { type: 'S', by: 'fillRegistry keepDataVersion writeEntry removeEntry takeHold' },
  reason: { type: 'S', by: 'fillRegistry keepDataVersion writeEntry removeEntry takeHold' },
  /** Of the item `apply`: who is applying, by a random mark, and that they still are. Neither raises the version. */
  heldBy: { type: 'S', by: 'takeHold releaseHold' },
  beat: { type: 'N', by: 'takeHold beatHold releaseHold' },
} as const satisfies Attributes;

/** Exports: one item per grant, for the partner's latest export; and one per question of an exchange. */
export const exportAttributes = {
  grantId: { type: 'S', by: 'putExport' },
  exportId: { type: 'S', by: 'putExport' },
  payer: { type: 'S', by: 'putExport' },
  partner: { type: 'S', by: 'putExport' },
  patient: { type: 'S', by: 'putExport' },
  /** The kick-off's URL, which the manifest repeats. */
  request: { type: 'S', by: 'putExport' },
  requestId: { type: 'S', by: 'putExport' },
  scope: { type: 'S', by: 'putExport' },
  types: { type: 'SS', by: 'putExport' },
  since: { type: 'S', by: 'putExport' },
  /** Names of the kick-off's parameters that were ignored, as the caller's lenient handling allowed. */
  ignored: { type: 'SS', by: 'putExport' },
  status: { type: 'S', by: 'putExport endExport' },
  /** The public half of the key that opens the files; 32 bytes. */
  recipient: { type: 'B', by: 'putExport' },
  /** The private half is derived from this and the grant's key. */
  exportSecret: { type: 'B', by: 'putExport' },
  /** The payer's access token and secret headers, sealed under the exports key for the job alone. */
  payerToken: { type: 'B', by: 'putExport giveToken endExport dropSecrets' },
  /** Absent if the payer did not say. */
  payerTokenExpiresAt: { type: 'N', by: 'putExport giveToken endExport dropSecrets' },
  /** When that token was put here. */
  payerTokenAt: { type: 'N', by: 'putExport giveToken endExport dropSecrets' },
  /** The grant's version of that token. */
  payerVersion: { type: 'N', by: 'putExport giveToken' },
  /** Of an exchange, which asks a former plan for members' records: `match` or `group`. Absent if a grant is exported. */
  exchange: { type: 'S', by: 'putExport' },
  /** Of an exchange of a Group: the Group's id at the payer. */
  group: { type: 'S', by: 'putExport' },
  /** Of an exchange: the private key that opens its files, sealed under the exports key, bound to partner and exchange. */
  fileKey: { type: 'B', by: 'putExport' },
  /** Of an exchange: the key that decrypts its stored request, sealed for the job under the exports key. */
  inputKey: { type: 'B', by: 'putExport endExport dropSecrets' },
  /** The key of the job's state, sealed under the exports key. */
  stateKey: { type: 'B', by: 'beginExport endExport dropSecrets' },
  executionArn: { type: 'S', by: 'beginExport continueExport' },
  beganAt: { type: 'N', by: 'beginExport' },
  /** When a poll last asked for the job to be started again. */
  startAgainAt: { type: 'N', by: 'startAgain' },
  /** The callback to complete when there is a newer token. */
  callbackId: { type: 'S', by: 'askForToken noteAwake endExport dropSecrets' },
  /** The version of the token that the payer no longer accepts. */
  refusedVersion: { type: 'N', by: 'askForToken noteAwake endExport dropSecrets' },
  waitingSince: { type: 'N', by: 'askForToken noteAwake endExport dropSecrets' },
  resources: { type: 'N', by: 'putExport noteProgress endExport' },
  /** The total that the payer gave, if one request asks for everything. */
  resourcesTotal: { type: 'N', by: 'noteProgress' },
  typesDone: { type: 'N', by: 'noteProgress endExport' },
  typesTotal: { type: 'N', by: 'noteProgress endExport' },
  /** How many attachments have come. */
  attachments: { type: 'N', by: 'noteProgress' },
  /** Of an exchange: what the former plan says of its progress, while it works. */
  payerProgress: { type: 'S', by: 'noteProgress endExport dropSecrets' },
  /** When it is asked again, in epoch seconds. */
  pollAgainAt: { type: 'N', by: 'noteProgress endExport dropSecrets' },
  /** SHA-256 of the sealed manifest, base64url. */
  manifestDigest: { type: 'S', by: 'endExport' },
  startedAt: { type: 'N', by: 'putExport' },
  endedAt: { type: 'N', by: 'endExport' },
  grantEndsAt: { type: 'N', by: 'putExport' },
  expiresAt: { type: 'N', by: 'putExport endExport' },
} as const satisfies Attributes;

/** Exchanges: partners' system tokens, Groups of matched members, and which exchanges run. */
export const exchangeAttributes = {
  owner: { type: 'S', by: 'putSystemToken noteMade putGroupBody putGroupHead endMemberEarly noteRunning putInput' },
  name: { type: 'S', by: 'putSystemToken noteMade putGroupBody putGroupHead endMemberEarly noteRunning putInput' },
  partner: { type: 'S', by: 'putSystemToken' },
  payer: { type: 'S', by: 'putSystemToken' },
  /** Of a Group: the code of its kind, such as `match`. */
  code: { type: 'S', by: 'putGroupHead' },
  /** Of a Group: how many members it has. */
  members: { type: 'N', by: 'putGroupHead' },
  /** Of a Group, and of the first part of an input: how many parts it has. */
  chunks: { type: 'N', by: 'putGroupHead putInput' },
  /** Of a Group: the key of its body, sealed under the exports key, bound to partner and Group. */
  key: { type: 'B', by: 'putGroupHead' },
  /** Of a Group: the match that made it. */
  exportId: { type: 'S', by: 'putGroupHead' },
  /** Of a Group: hashes of its members' ids whom an operator has ended since. */
  ended: { type: 'SS', by: 'endMember endMemberEarly' },
  /** A part of a Group's sealed body, or of what an exchange asks. */
  body: { type: 'B', by: 'putGroupBody putInput' },
  createdAt: { type: 'N', by: 'putSystemToken putGroupHead' },
  expiresAt: { type: 'N', by: 'putSystemToken noteMade putGroupBody putGroupHead endMemberEarly noteRunning putInput' },
} as const satisfies Attributes;
