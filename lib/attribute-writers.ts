import type {
  auditEventAttributes,
  exchangeAttributes,
  exportAttributes,
  grantAttributes,
  grantEventAttributes,
  limitAttributes,
  loginAttemptAttributes,
  registryAttributes,
  stopAttributes,
} from '../functions/shared/store/attributes.ts';

/**
 * The steps that set or remove each attribute, separated by spaces. What a function may write follows from them, and a test compares
 * them with what is written.
 */
type Writers<A> = Readonly<Record<keyof A, string>>;

/** The attributes that one of these steps sets or removes. */
export const writtenBy = (writers: Readonly<Record<string, string>>, ...steps: readonly string[]): string[] =>
  Object.entries(writers)
    .filter(([, by]) => by.split(' ').some((step) => steps.includes(step)))
    .map(([name]) => name);

/** The steps that write the last event of a grant, which the audit reads from the table's stream. */
const grantEventSteps = 'putGrant redeem rotate revoke storePayerTokens addMemberIndex noteExportEnded';

export const loginAttemptWriters: Writers<typeof loginAttemptAttributes> = {
  stateHash: 'putLoginAttempt putMemberSession',
  payer: 'putLoginAttempt putMemberSession',
  purpose: 'putLoginAttempt',
  partner: 'putLoginAttempt',
  redirectUri: 'putLoginAttempt',
  scope: 'putLoginAttempt',
  refreshable: 'putLoginAttempt',
  codeChallenge: 'putLoginAttempt',
  cookieHash: 'putLoginAttempt',
  sealed: 'putLoginAttempt putMemberSession',
  createdAt: 'putLoginAttempt putMemberSession',
  usedAt: 'consumeLoginAttempt',
  usedBy: 'consumeLoginAttempt useForm',
  forms: 'putMemberSession useForm',
  expiresAt: 'putLoginAttempt putMemberSession endMemberSession',
};

export const grantEventWriters: Writers<typeof grantEventAttributes> = {
  type: grantEventSteps,
  at: grantEventSteps,
  requestId: grantEventSteps,
  reason: 'revoke',
  operator: 'revoke addMemberIndex noteExportEnded',
  note: 'revoke addMemberIndex noteExportEnded',
  issuer: 'putGrant',
  level: 'putGrant',
  attestedAt: 'putGrant',
};

export const grantWriters: Writers<typeof grantAttributes> = {
  grantId: 'putGrant rememberAssertion',
  payer: 'putGrant',
  partner: 'putGrant',
  scope: 'putGrant storePayerTokens',
  patient: 'putGrant',
  memberIndex: 'putGrant addMemberIndex',
  refreshable: 'putGrant',
  redirectUri: 'putGrant',
  codeChallenge: 'putGrant',
  via: 'putGrant',
  attestedAt: 'putGrant',
  codeHash: 'putGrant',
  codeExpiresAt: 'putGrant',
  wrappedKey: 'putGrant redeem revoke',
  redeemedAt: 'redeem',
  redeemedBy: 'redeem',
  accessHash: 'redeem rotate',
  accessExpiresAt: 'redeem rotate',
  accessScope: 'redeem rotate',
  previousAccessHash: 'rotate',
  previousAccessExpiresAt: 'rotate',
  previousAccessScope: 'rotate',
  familyHash: 'redeem',
  refreshHash: 'redeem rotate',
  previousRefreshHash: 'rotate',
  rotatedAt: 'rotate',
  rotationSalt: 'rotate',
  repeatHashes: 'addRepeat rotate revoke',
  sealedPayerTokens: 'putGrant storePayerTokens revoke',
  linkKey: 'putGrant addLinkKey revoke',
  payerVersion: 'putGrant storePayerTokens',
  leaseOwner: 'takeLease storePayerTokens revoke',
  leaseUntilMs: 'takeLease releaseLease storePayerTokens revoke',
  lastEvent: grantEventSteps,
  createdAt: 'putGrant',
  usedAt: 'redeem rotate',
  endsAt: 'putGrant',
  revokedAt: 'revoke',
  revokedBy: 'revoke',
  expiresAt: 'putGrant redeem rememberAssertion',
  seenBy: 'rememberAssertion',
};

export const auditEventWriters: Writers<typeof auditEventAttributes> = {
  eventId: 'openGate onEnd noteOnce auditAsked auditCame auditEnded',
  openId: 'openGate closeReads',
  type: 'openGate onEnd noteOnce closeReads auditAsked auditCame auditEnded',
  closedBy: 'closeReads',
  atMs: 'openGate onEnd noteOnce closeReads auditAsked auditCame auditEnded',
  requestId: 'openGate onEnd noteOnce auditAsked auditCame auditEnded',
  grantId: 'openGate onEnd noteOnce',
  exchange: 'openGate onEnd noteOnce auditAsked auditCame auditEnded',
  partner: 'openGate onEnd noteOnce auditAsked auditCame auditEnded',
  payer: 'openGate onEnd noteOnce auditAsked auditCame auditEnded',
  interaction: 'openGate onEnd noteOnce auditAsked auditCame auditEnded',
  patient: 'openGate onEnd noteOnce',
  status: 'onEnd noteOnce',
  error: 'onEnd',
  bytes: 'onEnd',
  groupId: 'auditAsked auditCame auditEnded',
  part: 'auditAsked auditCame auditEnded',
  members: 'auditAsked auditCame auditEnded',
  how: 'auditCame',
  endedBy: 'auditEnded',
  note: 'auditEnded',
  refiledAt: 'restoreReads',
  expiresAt: 'openGate onEnd noteOnce auditAsked auditCame auditEnded',
};

export const limitWriters: Writers<typeof limitAttributes> = {
  limitId: 'leaseFromTable markLate openForCanary disableWebhook keepSeen',
  takenUntilMs: 'leaseFromTable returnSlot',
  lateSinceMs: 'markLate closeBreaker',
  lateGrants: 'markLate closeBreaker',
  latePartners: 'markLate closeBreaker',
  openUntilMs: 'openBreaker openForCanary reopenBreaker closeBreaker',
  openForMs: 'openBreaker openForCanary reopenBreaker closeBreaker',
  probeBy: 'takeProbe releaseProbe closeBreaker',
  probeUntilMs: 'takeProbe releaseProbe closeBreaker',
  disabledAt: 'disableWebhook',
  seenDrift: 'keepSeen',
  unreadDays: 'keepSeen',
  expiresAt: 'leaseFromTable markLate openBreaker openForCanary takeProbe reopenBreaker keepSeen',
};

export const stopWriters: Writers<typeof stopAttributes> = {
  at: 'stopEntry endStop',
  until: 'stopEntry endStop',
  by: 'stopEntry endStop',
  reason: 'stopEntry endStop',
};

export const registryWriters: Writers<typeof registryAttributes> = {
  entryId: 'fillRegistry keepDataVersion writeEntry takeHold beatHold releaseHold',
  version: 'fillRegistry keepDataVersion writeEntry removeEntry stopEntry endStop takeHold',
  entry: 'fillRegistry keepDataVersion writeEntry removeEntry takeHold',
  digest: 'fillRegistry keepDataVersion writeEntry removeEntry takeHold',
  stop: 'stopEntry endStop',
  changedAt: 'fillRegistry keepDataVersion writeEntry removeEntry takeHold',
  changedBy: 'fillRegistry keepDataVersion writeEntry removeEntry takeHold',
  reason: 'fillRegistry keepDataVersion writeEntry removeEntry takeHold',
  heldBy: 'takeHold releaseHold',
  beat: 'takeHold beatHold releaseHold',
};

export const exportWriters: Writers<typeof exportAttributes> = {
  grantId: 'putExport',
  exportId: 'putExport',
  payer: 'putExport',
  partner: 'putExport',
  patient: 'putExport',
  request: 'putExport',
  requestId: 'putExport',
  scope: 'putExport',
  types: 'putExport',
  since: 'putExport',
  ignored: 'putExport',
  status: 'putExport endExport',
  recipient: 'putExport',
  exportSecret: 'putExport',
  payerToken: 'putExport giveToken endExport dropSecrets',
  payerTokenExpiresAt: 'putExport giveToken endExport dropSecrets',
  payerTokenAt: 'putExport giveToken endExport dropSecrets',
  payerVersion: 'putExport giveToken',
  exchange: 'putExport',
  group: 'putExport',
  fileKey: 'putExport',
  inputKey: 'putExport endExport dropSecrets',
  stateKey: 'beginExport endExport dropSecrets',
  executionArn: 'beginExport continueExport',
  beganAt: 'beginExport',
  startAgainAt: 'startAgain',
  callbackId: 'askForToken noteAwake endExport dropSecrets',
  refusedVersion: 'askForToken noteAwake endExport dropSecrets',
  waitingSince: 'askForToken noteAwake endExport dropSecrets',
  resources: 'putExport noteProgress endExport',
  resourcesTotal: 'noteProgress',
  typesDone: 'noteProgress endExport',
  typesTotal: 'noteProgress endExport',
  attachments: 'noteProgress',
  payerProgress: 'noteProgress endExport dropSecrets',
  pollAgainAt: 'noteProgress endExport dropSecrets',
  manifestDigest: 'endExport',
  startedAt: 'putExport',
  endedAt: 'endExport',
  grantEndsAt: 'putExport',
  expiresAt: 'putExport endExport',
};

export const exchangeWriters: Writers<typeof exchangeAttributes> = {
  owner:
    'putSystemToken noteMade putGroupBody notePatients putGroupHead endMemberEarly noteRunning noteAccepted putInput',
  name: 'putSystemToken noteMade putGroupBody notePatients putGroupHead endMemberEarly noteRunning noteAccepted putInput',
  partner: 'putSystemToken',
  payer: 'putSystemToken',
  code: 'putGroupHead',
  members: 'putGroupHead',
  chunks: 'putGroupHead putInput',
  key: 'putGroupHead',
  exportId: 'putGroupHead',
  patients: 'notePatients putGroupHead',
  isMixed: 'notePatients',
  ended: 'endMember endMemberEarly',
  body: 'putGroupBody noteAccepted putInput',
  createdAt: 'putSystemToken noteMade putGroupHead',
  expiresAt:
    'putSystemToken noteMade putGroupBody notePatients putGroupHead endMemberEarly noteRunning noteAccepted putInput',
};
