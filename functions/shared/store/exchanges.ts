import { exchangeAttributes } from './attributes.ts';
import { getItem, type Table } from './dynamo.ts';
import { dropItem, keyOf, partsOf, putItem, queryItems, readParts } from './exchange-items.ts';
import { readerOf, writeItem, type Item } from './items.ts';

const runningName = (exportId: string): string => `running/${exportId}`;

/** Notes that an exchange runs, until it has ended or this time. @throws GatewayError `temporarily_unavailable` */
export const noteRunning = (
  table: Table,
  owner: string,
  { exportId, expiresAt }: { readonly exportId: string; readonly expiresAt: number },
): Promise<void> => putItem(table, writeItem(exchangeAttributes, { owner, name: runningName(exportId), expiresAt }));

/** Notes that an exchange has ended. @throws GatewayError `temporarily_unavailable` */
export const noteEnded = (table: Table, owner: string, exportId: string): Promise<void> =>
  dropItem(table, keyOf(owner, runningName(exportId)));

/** How many exchanges of an owner run. @throws GatewayError `temporarily_unavailable` */
export const countRunning = async (table: Table, owner: string, now: number): Promise<number> => {
  let [count, after]: [number, Item | undefined] = [0, undefined];
  do {
    const page = await queryItems(table, owner, runningName(''), { after });
    count += page.items.filter((item) => (readerOf(exchangeAttributes, item)('expiresAt') ?? 0) > now).length;
    after = page.last;
  } while (after !== undefined);
  return count;
};

const acceptedName = (exportId: string): string => `accepted/${exportId}`;

/**
 * How long an accepted request is stored after the exchange has expired, in seconds. The exchange's end is noticed when DynamoDB deletes its
 * expired item, which can take days.
 */
const acceptedForSeconds = 7 * 24 * 3600;

/**
 * Stores the request that the former plan has accepted. @param body sealed for the job
 * @throws GatewayError `temporarily_unavailable`
 */
export const noteAccepted = (
  table: Table,
  owner: string,
  { exportId, body, expiresAt }: { readonly exportId: string; readonly body: Uint8Array; readonly expiresAt: number },
): Promise<void> =>
  putItem(
    table,
    writeItem(exchangeAttributes, {
      owner,
      name: acceptedName(exportId),
      body,
      expiresAt: expiresAt + acceptedForSeconds,
    }),
  );

/** Reads what {@link noteAccepted} wrote; undefined if there is nothing. @throws GatewayError `temporarily_unavailable` */
export const getAccepted = async (table: Table, owner: string, exportId: string): Promise<Uint8Array | undefined> =>
  readerOf(exchangeAttributes, (await getItem(table, keyOf(owner, acceptedName(exportId)))) ?? {})('body');

/** Notes that the former plan was told that an exchange is over. @throws GatewayError `temporarily_unavailable` */
export const dropAccepted = (table: Table, owner: string, exportId: string): Promise<void> =>
  dropItem(table, keyOf(owner, acceptedName(exportId)));

const inputName = (exportId: string, part: number): string => `input/${exportId}/${part}`;

/**
 * Writes what an exchange asks, before its item: it is of no use without the key in the item.
 * @param input sealed for the job
 * @throws GatewayError `temporarily_unavailable`
 */
export const putInput = async (
  table: Table,
  owner: string,
  { exportId, input, expiresAt }: { readonly exportId: string; readonly input: Uint8Array; readonly expiresAt: number },
): Promise<void> => {
  const parts = partsOf(input);
  for (const [part, body] of parts.entries()) {
    await putItem(
      table,
      writeItem(exchangeAttributes, {
        owner,
        name: inputName(exportId, part),
        body,
        ...(part === 0 ? { chunks: parts.length } : {}),
        expiresAt,
      }),
    );
  }
};

/** Reads what {@link putInput} wrote; empty if it is gone. @throws GatewayError `temporarily_unavailable` */
export const getInput = async (table: Table, owner: string, exportId: string): Promise<Uint8Array> => {
  const first = await getItem(table, keyOf(owner, inputName(exportId, 0)));
  const chunks = readerOf(exchangeAttributes, first ?? {})('chunks') ?? 0;
  return readParts(
    table,
    owner,
    Array.from({ length: chunks }, (_, part) => inputName(exportId, part)),
  );
};
