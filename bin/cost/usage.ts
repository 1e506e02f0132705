/** What a step uses. Calls are what the code makes, sizes are measured, and assumptions say that they are. */
import { addUp, type Quantities } from './prices.ts';

/** Bytes that were measured; `test/docs/cost.test.ts` measures them again. */
export const measured = {
  /** Of a login attempt with PKCE. */
  loginAttempt: 600,
  /** Of a redeemed and refreshed grant with PKCE, without the payer's tokens. */
  grantWithoutPayerTokens: 1200,
  /** Of one item of AuditEvents. */
  readEvent: 320,
  /** Of one AuditEvent in the bucket. */
  auditEvent: 2200,
  /** Of a function's own line; the longest is fetch's. */
  logLine: 900,
} as const;

/** What nobody knows before there is traffic. */
const assumed = {
  /** Bytes of the payer's tokens: two, the access token a JWT. */
  payerTokens: 1500,
  /** Bytes of what Lambda logs for each call (START, END, REPORT), and of an access log line. */
  platformLines: 500,
  accessLine: 600,
  /** Bytes that CloudFront and the flow log write for each request. */
  edgeLine: 400,
  flowLines: 500,
  /** Writes to Limits: every read alone. Where a partner reads at its limit they are a tenth. */
  leasesPerRead: 1,
  /** Bytes of a read's answer. */
  answer: 50_000,
  /** Milliseconds that functions run: those that ask a payer wait for it. */
  msWithoutPayer: 60,
  msWithPayer: 800,
  msOfAudit: 150,
  /** Every AuditEvent comes alone; a hundred come together where there is traffic. */
  eventsPerObject: 1,
  /** X-Ray traces the first request of each second, and 5 % of the others. */
  tracedShare: 1,
  /** Months that logs and the audit are kept; of `production-example`: 400 and 2192 days. */
  logMonths: 13,
  auditMonths: 72,
} as const;

const gb = 1e9;
/** DynamoDB writes in units of 1 KB. A strongly consistent read of up to 4 KB is one unit. */
const writeUnits = (bytes: number): number => Math.ceil(bytes / 1024);
const grantWrite = writeUnits(measured.grantWithoutPayerTokens + assumed.payerTokens);
const grantRead = 1;

const logged = (bytes: number): Quantities => ({ logGb: bytes / gb, logGbMonths: (bytes / gb) * assumed.logMonths });

const run = (ms: number): Quantities => ({ lambdaRequests: 1, lambdaGbSeconds: ms / 1000 });

/** A request through everything that stands in front, up to its function. Both web ACLs look at it. */
const request = (ms: number): Quantities =>
  addUp(
    [1, { apiRequests: 1, webRequests: 2, edgeRequests: 1, edgeFunctionRequests: 1, traces: assumed.tracedShare }],
    [1, run(ms)],
    [1, logged(measured.logLine + assumed.platformLines + assumed.accessLine + assumed.edgeLine)],
  );

/** An event on its way from a stream into the bucket. */
const audited: Quantities = addUp(
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
  // The login attempt is consumed, the grant is put; the secret is read where the function is cold.
  [1, { tableWrites: writeUnits(measured.loginAttempt) + grantWrite, secretReads: 1 }],
  [1, request(assumed.msWithoutPayer)],
  [1, { tableReads: grantRead, tableWrites: grantWrite }],
  // created, redeemed; and created once more under the grant's own name.
  [2, audited],
  [1, { objectWrites: 1, objectGbMonths: (measured.auditEvent / gb) * assumed.auditMonths }],
);

/** What a sync begins with: both token pairs have expired. The payer's takes a lease, a store, and the secret. */
export const syncStart: Quantities = addUp(
  [1, request(assumed.msWithoutPayer)],
  [1, { tableReads: grantRead, tableWrites: grantWrite }],
  [1, { tableWrites: 2 * grantWrite, secretReads: 1 }],
  [2, audited],
);

/**
 * One read: the grant is read, the payer is asked, a slot of the limit is leased, and two events are written; the index of
 * open reads takes and drops it.
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

/** A member's year, with so many reads in each sync. */
export const memberYear = (readsPerSync: number): Quantities =>
  addUp(
    [loginsAYear, login],
    [syncsAYear, syncStart],
    [syncsAYear * readsPerSync, oneRead],
    [12, { tableGbMonths: (measured.grantWithoutPayerTokens + assumed.payerTokens) / gb }],
  );
