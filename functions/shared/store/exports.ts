import { DeleteItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { writeScopes } from '../scopes/scopes.ts';
import { writeAskedTypes } from './asked-types.ts';
import { exportAttributes } from './attributes.ts';
import { getItem, sendOrUnavailable, writeIfConditionHolds, type Table } from './dynamo.ts';
import { readExport, type Export, type ExportStatus } from './export-item.ts';
import { anyOf, clausesOn, conditionOf, projectionOf, updateOf, type Change } from './expressions.ts';
import { writeItem, type Item } from './items.ts';

/*
 * The life of an export. Each step is one conditional write:
 *
 *   putExport ──► running ──beginExport──► ──noteProgress──► … ──endExport──► completed | partial | failed ──► TTL
 *                    │                        │      ▲
 *                    │ startAgain             ▼      │ giveToken, noteAwake
 *                    └──► running         askForToken┘
 *
 * The table's stream starts the job, so putExport is the whole kick-off and cannot be left half done. deleteExport may
 * come at any time. Every other write requires that the item is still this export and is running, so that a job whose
 * export was deleted or replaced changes nothing. An export that is still running when it expires has failed: a kick-off
 * may replace it, and no end can be written. Its job removes the secrets (dropSecrets).
 */
const { exists, absent, is } = clausesOn(exportAttributes);
const ofExport = (exportId: string) => is('exportId', '=', exportId);
const running = is('status', '=', 'running');

const keyOf = (grantId: string): Item => writeItem(exportAttributes, { grantId });

/** What identifies an export's item. */
type Key = Pick<Export, 'grantId' | 'exportId'>;

/** Updates a running export. Returns false if a condition failed. */
const update = async (
  table: Table,
  { grantId, exportId }: Key,
  { when, ...change }: Change<typeof exportAttributes>,
): Promise<boolean> => {
  const whole = { ...change, when: [exists('grantId'), ofExport(exportId), running, ...when] };
  const result = await writeIfConditionHolds(
    table.client.send(
      new UpdateItemCommand({ TableName: table.name, Key: keyOf(grantId), ...updateOf(exportAttributes, whole) }),
    ),
  );
  return result !== undefined;
};

/**
 * Reads the export of a grant with strong consistency. An expired export is returned too; the caller must check.
 * @throws GatewayError `temporarily_unavailable`
 */
export const getExport = async (table: Table, grantId: string): Promise<Export | undefined> => {
  const item = await getItem(table, keyOf(grantId));
  return item === undefined ? undefined : readExport(item);
};

/** What a member's own page reads of an export: nothing that opens anything. */
export const exportProgressAttributes = [
  'grantId',
  'status',
  'resources',
  'startedAt',
  'expiresAt',
] as const satisfies readonly (keyof typeof exportAttributes)[];

/** Reads how far the export of a grant is, strongly consistent. @throws GatewayError `temporarily_unavailable` */
export const getExportProgress = async (
  table: Table,
  grantId: string,
): Promise<Pick<Export, 'status' | 'resources' | 'startedAt' | 'expiresAt'> | undefined> => {
  const item = await getItem(table, keyOf(grantId), projectionOf(exportProgressAttributes));
  return item === undefined ? undefined : readExport(item);
};

/** The attributes that a kick-off writes. */
export type NewExport = Omit<
  Export,
  | 'status'
  | 'resources'
  | 'stateKey'
  | 'executionArn'
  | 'beganAt'
  | 'startAgainAt'
  | 'wanted'
  | 'typesDone'
  | 'resourcesTotal'
  | 'typesTotal'
  | 'attachments'
  | 'payerProgress'
  | 'pollAgainAt'
  | 'manifestDigest'
  | 'endedAt'
>;

/**
 * Writes a new export in place of the grant's last one. Returns false if the last one is still running. The SDK's retry
 * after a lost answer succeeds, since it finds its own item.
 */
export const putExport = async (
  table: Table,
  { scope, types, filters, until, ignored, ...made }: NewExport,
): Promise<boolean> => {
  const values = {
    ...made,
    scope: writeScopes(scope),
    types: writeAskedTypes({ types, filters, until }),
    ignored: ignored === undefined ? undefined : [...ignored],
    status: 'running',
    resources: 0,
  };
  const noneRuns = anyOf(
    absent('grantId'),
    is('status', '<>', 'running'),
    is('expiresAt', '<=', made.startedAt),
    ofExport(made.exportId),
  );
  const written = await writeIfConditionHolds(
    table.client.send(
      new PutItemCommand({
        TableName: table.name,
        Item: writeItem(exportAttributes, values),
        ...conditionOf(noneRuns),
      }),
    ),
  );
  return written !== undefined;
};

/** Records that the job began, with its state key. Returns false if it has a key already or is not running. */
export const beginExport = (
  table: Table,
  key: Key,
  { stateKey, executionArn, now }: { stateKey: Uint8Array; executionArn: string; now: number },
): Promise<boolean> =>
  update(table, key, { set: { stateKey, executionArn, beganAt: now }, when: [absent('stateKey')] });

/** Records the execution that continues the job, so that a deletion can stop it. Returns false if it is not running. */
export const continueExport = (table: Table, key: Key, executionArn: string): Promise<boolean> =>
  update(table, key, { set: { executionArn }, when: [exists('stateKey')] });

/** Asks for the job to be started again. Returns false if it has begun in the meantime. */
export const startAgain = (table: Table, key: Key, now: number): Promise<boolean> =>
  update(table, key, { set: { startAgainAt: now }, when: [absent('beganAt')] });

const notMore = (name: 'resources' | 'typesDone' | 'attachments', most: number) =>
  anyOf(absent(name), is(name, '<=', most));

/** What a job says only as long as it is so. */
const passing = ['resourcesTotal', 'payerProgress', 'pollAgainAt'] as const;

/**
 * Records the job's progress. What the partner sees never goes back: a leg that is repeated after a failed checkpoint may
 * read less, and its numbers are then not written. Returns false if the export is no longer running, so that the job stops.
 */
export const noteProgress = async (
  table: Table,
  key: Key,
  progress: {
    resources: number;
    resourcesTotal?: number | undefined;
    typesDone: number;
    typesTotal: number;
    attachments?: number;
    payerProgress?: string | undefined;
    pollAgainAt?: number | undefined;
  },
): Promise<boolean> => {
  const when = [
    notMore('resources', progress.resources),
    notMore('typesDone', progress.typesDone),
    ...(progress.attachments === undefined ? [] : [notMore('attachments', progress.attachments)]),
  ];
  // The total is of the request that is being read; the next one has another, or none. So is what a former plan says.
  const remove = passing.filter((name) => progress[name] === undefined);
  if (await update(table, key, { set: progress, remove, when })) return true;
  const item = await getExport(table, key.grantId);
  return item?.exportId === key.exportId && item.status === 'running';
};

/**
 * Asks the partner's next poll for a newer payer token than this version. Returns false if the item has one already, or
 * the export is no longer running; read the item to see which.
 */
export const askForToken = (
  table: Table,
  key: Key,
  { callbackId, refusedVersion, now }: { callbackId: string; refusedVersion: number; now: number },
): Promise<boolean> =>
  update(table, key, {
    set: { callbackId, refusedVersion, waitingSince: now },
    when: [is('payerVersion', '<=', refusedVersion)],
  });

/**
 * Puts a newer payer token on the item. Returns false if the item has one at least as new, or the export is no longer
 * running. A waiting job stays marked as waiting until it was told ({@link noteAwake}), so that a failed message is
 * sent again.
 */
export const giveToken = (
  table: Table,
  key: Key,
  token: {
    payerToken: Uint8Array;
    payerTokenExpiresAt: number | undefined;
    payerTokenAt: number;
    payerVersion: number;
  },
): Promise<boolean> =>
  update(table, key, {
    set: token,
    remove: token.payerTokenExpiresAt === undefined ? ['payerTokenExpiresAt'] : [],
    when: [is('payerVersion', '<', token.payerVersion)],
  });

/** Records that the job was told of a newer token. Returns false if it now waits for another, or is not running. */
export const noteAwake = (table: Table, key: Key, callbackId: string): Promise<boolean> =>
  update(table, key, {
    remove: ['callbackId', 'refusedVersion', 'waitingSince'],
    when: [is('callbackId', '=', callbackId)],
  });

/** What only a running job needs. */
const secrets = [
  'payerToken',
  'payerTokenExpiresAt',
  'payerTokenAt',
  'stateKey',
  'inputKey',
  'payerProgress',
  'pollAgainAt',
  'callbackId',
  'refusedVersion',
  'waitingSince',
] as const;

/**
 * Ends an export and removes the job's secrets from the item. Returns false if it was no longer running or is overdue, if
 * another execution has begun it, or if a repeat after a lost answer finds it ended; read the item to see which.
 * @param end has no manifest digest if the export ends without files
 * @param by the execution that ends it, and the one that it continues
 */
export const endExport = (
  table: Table,
  key: Key,
  end: {
    status: Exclude<ExportStatus, 'running'>;
    resources: number;
    typesDone: number;
    typesTotal: number;
    manifestDigest: string | undefined;
    endedAt: number;
    expiresAt: number;
  },
  by: { readonly arn: string; readonly after?: string | undefined },
): Promise<boolean> => {
  const noneElseBegan = anyOf(
    absent('executionArn'),
    is('executionArn', '=', by.arn),
    ...(by.after === undefined ? [] : [is('executionArn', '=', by.after)]),
  );
  return update(table, key, { set: end, remove: secrets, when: [is('expiresAt', '>', end.endedAt), noneElseBegan] });
};

/** Removes the job's secrets from an export that is overdue. Returns false if it is not. */
export const dropSecrets = (table: Table, key: Key, now: number): Promise<boolean> =>
  update(table, key, { remove: secrets, when: [is('expiresAt', '<=', now)] });

/**
 * Deletes an export, whatever its state; the table's stream then sweeps its files, and its job ends when it finds nothing.
 * @returns the export as it was then, since its job may have begun after the caller read it; undefined if it was gone or replaced, or if a repeat after a
 * lost answer finds it gone
 */
export const deleteExport = async (table: Table, { grantId, exportId }: Key): Promise<Export | undefined> => {
  const deleted = await writeIfConditionHolds(
    table.client.send(
      new DeleteItemCommand({
        TableName: table.name,
        Key: keyOf(grantId),
        ...conditionOf(ofExport(exportId)),
        ReturnValues: 'ALL_OLD',
      }),
    ),
  );
  return deleted === undefined ? undefined : readExport(deleted.Attributes ?? {});
};

/** Deletes the export of a grant that has ended, if there is one. */
export const deleteExportOfGrant = async (table: Table, grantId: string): Promise<void> => {
  await sendOrUnavailable(table.client.send(new DeleteItemCommand({ TableName: table.name, Key: keyOf(grantId) })));
};
