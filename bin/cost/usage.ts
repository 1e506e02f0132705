/** What each step uses. Calls are those that the code makes, sizes are measured, and assumptions are marked as such. */
import { pageCount } from '../../functions/shared/registry/entry-items.ts';
import { addUp, type Quantities } from './prices.ts';

/** Measured sizes in bytes; `test/docs/cost.test.ts` measures them again. */
export const measured = {
  /** A login attempt with PKCE. */
  loginAttempt: 600,
  /** A redeemed and refreshed grant with PKCE, without the payer's tokens. */
  grantWithoutPayerTokens: 1200,
  /** A payer's entry in the registry, a partner's, and what the directory says of a payer. */
  payerEntry: 2000,
  partnerEntry: 1200,
  directoryEntry: 290,
  /** An item in AuditEvents. */
  readEvent: 320,
  /** An AuditEvent in the bucket. */
  auditEvent: 2200,
  /** A function's own log line; fetch's is the longest. */
  logLine: 900,
} as const;

/** Values that are known only with traffic. */
export const assumed = {
  /** Bytes of the payer's tokens: two tokens, of which the access token is a JWT. */
  payerTokens: 1500,
  /** Bytes that Lambda logs for each call (START, END, REPORT), and bytes of an access log line. */
  platformLines: 500,
  accessLine: 600,
  /** Bytes that CloudFront and the flow log write for each request. */
  edgeLine: 400,
  flowLines: 500,
  /** Writes to Limits, if every read leases its own slot. For a partner that reads at its limit it is a tenth. */
  leasesPerRead: 1,
  /** Bytes in the answer to a read. */
  answer: 50_000,
  /** Milliseconds that a function runs; one that calls a payer waits for it. */
  msWithoutPayer: 60,
  msWithPayer: 800,
  msOfAudit: 150,
  /** Audit events per object: with little traffic each gets its own, with more a hundred share one. */
  eventsPerObject: 1,
  /** X-Ray traces the first request of each second, and 5 % of the others. */
  tracedShare: 1,
  /** Months that logs and the audit are kept, as in `production-example`: 400 and 2192 days. */
  logMonths: 13,
  auditMonths: 72,
} as const;

export const gb = 1e9;
/** DynamoDB writes in units of 1 KB. A strongly consistent read of up to 4 KB is one unit. */
export const writeUnits = (bytes: number): number => Math.ceil(bytes / 1024);
const readUnits = (bytes: number): number => Math.max(1, Math.ceil(bytes / 4096));
const grantWrite = writeUnits(measured.grantWithoutPayerTokens + assumed.payerTokens);
const grantRead = 1;

const directoryReads = (payers: number): number =>
  pageCount * readUnits((payers / pageCount) * measured.directoryEntry);

/** The storage that the registry needs. */
export const registryGb = (payers: number, partners: number): number =>
  (payers * (measured.payerEntry + measured.directoryEntry) + partners * measured.partnerEntry) / gb;

export const logged = (bytes: number): Quantities => ({
  logGb: bytes / gb,
  logGbMonths: (bytes / gb) * assumed.logMonths,
});

/**
 * The registry's entries that a request needs, its payer's and its partner's. Each environment keeps an entry for twenty
 * seconds, so the more traffic it has, the fewer it reads.
 */
const registryReads = 2;

export const run = (ms: number): Quantities => ({ lambdaRequests: 1, lambdaGbSeconds: ms / 1000 });

/** A request up to its function, with everything in front of the API. Both web ACLs inspect it. */
export const request = (ms: number): Quantities =>
  addUp(
    [1, { apiRequests: 1, webRequests: 2, edgeRequests: 1, edgeFunctionRequests: 1, traces: assumed.tracedShare }],
    [1, { ...run(ms), tableReads: registryReads }],
    [1, logged(measured.logLine + assumed.platformLines + assumed.accessLine + assumed.edgeLine)],
  );

/**
 * The canary asks every payer's endpoints in each run, and our own for at most a hundred payers (`functions/canary/handler.ts`);
 * these have a log line.
 */
export const canary = { facades: 100, facadesAtOnce: 8, payersAtOnce: 160, checkMs: 800, answerBytes: 20_000 } as const;

/** One run of the canary. It reads the directory and each payer's entry. */
export const canaryRun = (payers: number): Quantities => {
  const facades = Math.min(payers, canary.facades);
  const rounds = Math.max(1, facades / canary.facadesAtOnce, payers / canary.payersAtOnce);
  return addUp(
    [2 * facades, request(assumed.msWithoutPayer)],
    [facades, { tableWrites: writeUnits(measured.loginAttempt) }],
    [facades, logged(measured.logLine)],
    [payers, { tableReads: registryReads, natGb: canary.answerBytes / gb }],
    [1, run(rounds * canary.checkMs)],
    [1, { tableReads: directoryReads(payers) }],
  );
};

/** An event on its way from a stream to the bucket. */
export const audited: Quantities = addUp(
  [1 / assumed.eventsPerObject, { objectWrites: 1 }],
  [1 / assumed.eventsPerObject, run(assumed.msOfAudit)],
  [1 / assumed.eventsPerObject, logged(measured.logLine + assumed.platformLines)],
  [1, { objectGbMonths: (measured.auditEvent / gb) * assumed.auditMonths }],
);

/** authorize twice (the consent page, and its form), callback, redeem. */
export const login: Quantities = addUp(
  [2, request(assumed.msWithoutPayer)],
  [1, { tableWrites: writeUnits(measured.loginAttempt) }],
  [1, request(assumed.msWithPayer)],
  // The login attempt is consumed and the grant is put; a cold function reads the secret.
  [1, { tableWrites: writeUnits(measured.loginAttempt) + grantWrite, secretReads: 1 }],
  // The member's index: one call to KMS, and one item in the index.
  [1, { keyRequests: 1, tableWrites: 1 }],
  [1, request(assumed.msWithoutPayer)],
  [1, { tableReads: grantRead, tableWrites: grantWrite }],
  // Two events: `created` and `redeemed`. `created` is written twice more, by grant and by member.
  [2, audited],
  [2, { objectWrites: 1, objectGbMonths: (measured.auditEvent / gb) * assumed.auditMonths }],
);

/**
 * The start of a sync: both token pairs have expired. Refreshing the payer's takes a lease, a write, and the secret.
 */
export const syncStart: Quantities = addUp(
  [1, request(assumed.msWithoutPayer)],
  [1, { tableReads: grantRead, tableWrites: grantWrite }],
  [1, { tableWrites: 2 * grantWrite, secretReads: 1 }],
  [2, audited],
);

/**
 * One read: reads the grant, calls the payer, leases a slot of the rate limit, and writes two events; the index of open
 * reads adds and removes it.
 */
export const oneRead: Quantities = addUp(
  [1, request(assumed.msWithPayer)],
  [1, { tableReads: grantRead, tableWrites: 2 * writeUnits(measured.readEvent) + 2 + assumed.leasesPerRead }],
  [1, { tableGbMonths: (measured.readEvent / gb) * (35 / 30) }],
  [1, { edgeGb: assumed.answer / gb, natGb: assumed.answer / gb }],
  [1, logged(assumed.flowLines)],
  [2, audited],
);

/** A grant ends after 180 days, so a member who is read four times a year signs in twice. */
const loginsAYear = 2;
const syncsAYear = 4;

/** A member's year, with this many reads in each sync. */
export const memberYear = (readsPerSync: number): Quantities =>
  addUp(
    [loginsAYear, login],
    [syncsAYear, syncStart],
    [syncsAYear * readsPerSync, oneRead],
    [12, { tableGbMonths: (measured.grantWithoutPayerTokens + assumed.payerTokens) / gb }],
  );
