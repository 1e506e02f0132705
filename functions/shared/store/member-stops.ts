import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { grantAttributes } from './attributes.ts';
import { sha256 } from './crypto.ts';
import { getItem, sendOrUnavailable, type Table } from './dynamo.ts';
import { readerOf, writeItem } from './items.ts';

/*
 * When a member stopped an app. An app that makes grants by its members' approvals, without a browser, could otherwise use an
 * approval from before the stop. The item is beside the client assertions that were used, under a key of the same kind, and lives
 * as long as an approval counts.
 */

/** A member at a payer, and an app. */
export interface StoppedApp {
  readonly memberIndex: string;
  readonly partner: string;
}

/** The longest that an approval counts, in seconds. No stage allows more. */
export const longestApproval = 600;

/** An approval by a clock that is 30 seconds ahead counts for so much longer; the rest is for our own clocks. */
const kept = longestApproval + 60;

const keyOf = ({ memberIndex, partner }: StoppedApp): string =>
  `jti.${sha256(JSON.stringify(['stop', memberIndex, partner]))}`;

/**
 * Notes that a member stops an app now.
 * @param now epoch seconds
 * @throws GatewayError `temporarily_unavailable`
 */
export const noteStop = async (
  table: Table,
  app: StoppedApp,
  { now, requestId }: { readonly now: number; readonly requestId: string },
): Promise<void> => {
  const Item = writeItem(grantAttributes, { grantId: keyOf(app), seenBy: requestId, expiresAt: now + kept });
  await sendOrUnavailable(table.client.send(new PutItemCommand({ TableName: table.name, Item })));
};

/**
 * Whether a member stopped an app at or after a time, read consistently.
 * @param at epoch seconds, at most {@link longestApproval} and half a minute ago
 * @throws GatewayError `temporarily_unavailable`
 */
export const isStoppedSince = async (table: Table, app: StoppedApp, at: number): Promise<boolean> => {
  const item = await getItem(table, writeItem(grantAttributes, { grantId: keyOf(app) }));
  const expiresAt = item === undefined ? undefined : readerOf(grantAttributes, item)('expiresAt');
  return expiresAt !== undefined && at <= expiresAt - kept;
};
