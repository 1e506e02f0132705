/** What an export uses, from its kick-off to the end of its files. `test/docs/cost.test.ts` counts it again. */
import { addUp, type Quantities } from './prices.ts';
import { assumed, audited, gb, logged, measured, request, run, writeUnits } from './usage.ts';

/** Sizes in bytes, which `test/docs/cost.test.ts` measures again. */
const measuredExport = {
  /** An export's item, without the payer's token. */
  itemWithoutPayerToken: 1100,
  /** The checkpoint of a leg. */
  checkpoint: 200,
} as const;

const assumedExport = {
  /** Resources on a page, and bytes of a resource as NDJSON. */
  pageSize: 100,
  resource: 1500,
  /** Types that a leg reads; each gets a part of its own. */
  typesPerLeg: 8,
  /** A file for each type in the record, and one of errors or provenance. */
  files: 20,
  /** A partner polls as often as the answer suggests. */
  secondsBetweenPolls: 30,
  /** How long files and the history are kept, in months. */
  fileMonths: 7 / 30,
} as const;

/** A leg ends after this long, or after this much NDJSON (`functions/export-job/record/record-leg.ts`). */
export const legBounds = { seconds: 20, bytes: 8 * 1024 * 1024 } as const;

const itemWrite = writeUnits(measuredExport.itemWithoutPayerToken + assumed.payerTokens);

/** How long a payer takes for all of a record's pages, and how many legs that is. */
const reading = (
  resources: number,
  pageMs: number,
): { readonly pages: number; readonly seconds: number; readonly legs: number } => {
  const pages = Math.ceil(resources / assumedExport.pageSize);
  const seconds = (pages * pageMs) / 1000;
  const bytes = resources * assumedExport.resource;
  const legs = Math.max(1, Math.ceil(seconds / legBounds.seconds), Math.ceil(bytes / legBounds.bytes));
  return { pages, seconds, legs };
};

/** How a job reads: its requests to the payer, how long they take, and its legs. */
type Reading = ReturnType<typeof reading>;

const jobOf = ({ pages, seconds, legs }: Reading): Quantities =>
  addUp(
    // The execution, its first step, and the two that end it.
    [4, { durableOperations: 1 }],
    [legs, { durableOperations: 1 }],
    [legs + 4, { durableGbWritten: measuredExport.checkpoint / gb }],
    [1, run(1000 * (seconds + 1))],
    // Begin and end; progress once a leg. Each step reads the item, each leg and the end the grant, each leg the payer's breaker too.
    [legs + 2, { tableWrites: itemWrite }],
    [3 * legs + 6, { tableReads: 1 }],
    // The item again before each call to the payer, so that none begins after a `DELETE`: its statement, and each page.
    [1 + pages, { tableReads: 1 }],
    // A leg is a read in the audit.
    [legs, { tableWrites: 2 * writeUnits(measured.readEvent) + 2 }],
    [2 * legs, audited],
    // Parts and state; the plan's state, the last parts, the manifest, and the list of kept parts.
    [legs * (assumedExport.typesPerLeg + 1) + 5, { objectWrites: 1 }],
    // The payer's token and the state's key are opened once in each invocation.
    [1, { keyRequests: 4 }],
    [legs + 1, logged(measured.logLine)],
  );

/** Only the job. @param pageMs the payer's response time for a page, in milliseconds */
export const exportJob = (resources: number, pageMs: number): Quantities => jobOf(reading(resources, pageMs));

/** From the kick-off to the end of the files: polls, one download of each file, its event, and the sweep. */
const fromKickOff = (how: Reading, resources: number): Quantities => {
  const { seconds } = how;
  const polls = 1 + Math.ceil(seconds / assumedExport.secondsBetweenPolls);
  const bytes = resources * assumedExport.resource;
  return addUp(
    [1, request(assumed.msWithPayer)],
    [1, { tableReads: 1, tableWrites: itemWrite + 2 * writeUnits(measured.readEvent) + 2, keyRequests: 1 }],
    [1, jobOf(how)],
    // The item's changes in the table's stream: begun, ended, gone; and progress, which starts nothing.
    [3 + polls, run(assumed.msOfAudit)],
    [polls, request(assumed.msWithoutPayer)],
    [polls, { tableReads: 2, objectReads: 1 }],
    [assumedExport.files, request(assumed.msWithPayer)],
    [assumedExport.files, { tableReads: 2, tableWrites: 2 * writeUnits(measured.readEvent) + 2, objectReads: 2 }],
    [2 * assumedExport.files + 2, audited],
    [1, { edgeGb: bytes / gb, natGb: bytes / gb, objectGbMonths: (bytes / gb) * assumedExport.fileMonths }],
    // Two sweeps, each an execution with two steps and a wait; the delivery of an event, an execution with a step.
    [2, { durableOperations: 4 }],
    [1, { durableOperations: 2 }],
    [6, run(assumed.msOfAudit)],
    [1, { secretReads: 1, durableGbMonths: (20 * measuredExport.checkpoint) / gb }],
  );
};

/** A whole export: the kick-off, the job, polls, one download of each file, its event, and the sweep. */
export const wholeExport = (resources: number): Quantities =>
  fromKickOff(reading(resources, assumed.msWithPayer), resources);

/** Sizes in bytes for each member, which `test/docs/cost.test.ts` measures again. */
export const measuredExchange = {
  /** The request, compressed and sealed. */
  asked: 180,
  /** A member in an audit event of who was asked for, and of what came. */
  audited: 160,
} as const;

const assumedExchange = {
  /** How long a former plan needs, in seconds, and how often it is polled in that time. */
  secondsAtPlan: 600,
  secondsBetweenAsks: 60,
  /** The speed of its file downloads, in bytes per second. */
  bytesPerSecond: 20_000_000,
  /** Resources of a member, and bytes of a member in the Group that is kept, compressed and sealed. */
  resources: 400,
  group: 400,
  /** Milliseconds for the checks of a member. */
  msOfChecks: 1,
} as const;

/** A system token: a client assertion, which is remembered, and the token's item. */
const systemToken: Quantities = addUp([1, request(assumed.msWithoutPayer)], [1, { tableWrites: 2 }]);

/** The audit's items about an exchange's members: when they are asked for, and when something arrives. */
const auditedMembers = (members: number): Quantities =>
  addUp([2, { tableWrites: writeUnits(members * measuredExchange.audited) }], [2, audited]);

/** A job that asks a former plan, waits for it, and fetches this many bytes. Each wait is one operation. */
const asking = (bytes: number, files: number): Reading => {
  const asks = assumedExchange.secondsAtPlan / assumedExchange.secondsBetweenAsks;
  const seconds = bytes / assumedExchange.bytesPerSecond + ((asks + 2) * assumed.msWithPayer) / 1000;
  const legs = asks + Math.max(1, Math.ceil(bytes / legBounds.bytes));
  // The token at the payer, the kick-off, its status, and each file.
  return { pages: asks + 2 + files, seconds, legs };
};

/** A match of this many members: the token, the checks, the job, its three files, and the Group. */
export const match = (members: number): Quantities => {
  const bytes = members * 2000;
  return addUp(
    [1, systemToken],
    [1, run(members * assumedExchange.msOfChecks)],
    [1, { tableWrites: 3 + writeUnits(members * measuredExchange.asked), tableReads: 4, keyRequests: 2 }],
    [1, auditedMembers(members)],
    [1, fromKickOff(asking(bytes, 3), bytes / assumedExport.resource)],
    [1, { tableWrites: 1 + writeUnits(members * assumedExchange.group), keyRequests: 2 }],
    [13, { tableGbMonths: (members * assumedExchange.group) / gb }],
  );
};

/** The export of a Group of this many members. */
export const groupExport = (members: number): Quantities => {
  const resources = members * assumedExchange.resources;
  return addUp(
    [1, systemToken],
    [1, { tableWrites: 3 + writeUnits(members * assumedExchange.group), tableReads: 4, keyRequests: 4 }],
    [1, auditedMembers(members)],
    [1, fromKickOff(asking(resources * assumedExport.resource, assumedExport.files), resources)],
  );
};
