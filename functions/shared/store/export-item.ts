import { GatewayError } from '../errors.ts';
import { parseScopes, writeScopes, type Scopes } from '../scopes/scopes.ts';
import { readAskedTypes, writeAskedTypes, type AskedTypes } from './asked-types.ts';
import { exportAttributes } from './attributes.ts';
import { hashOf } from './crypto.ts';
import { readerOf, type StoredItem } from './items.ts';

/** `partial` is also a final status: what could be read is available, and the manifest says what is missing. */
export type ExportStatus = 'running' | 'completed' | 'partial' | 'failed';

/** Set while the job waits for a newer payer token than the version that is no longer accepted. */
interface TokenWanted {
  readonly callbackId: string;
  readonly refusedVersion: number;
  /** Epoch seconds. */
  readonly since: number;
}

/** An export of everything that a grant lets a partner read. All times are epoch seconds. */
export interface Export extends AskedTypes {
  readonly grantId: string;
  readonly exportId: string;
  readonly payer: string;
  readonly partner: string;
  /** The patient's id at the payer. */
  readonly patient: string;
  /** The kick-off's URL. */
  readonly request: string;
  readonly requestId: string;
  /** What the token could read at the kick-off. Only these types are read. */
  readonly scope: Scopes;
  /** FHIR instant. */
  readonly since?: string;
  /** The names of the kick-off's parameters that were ignored. */
  readonly ignored?: readonly string[];
  readonly status: ExportStatus;
  readonly recipient: Uint8Array;
  readonly exportSecret: Uint8Array;
  /** Absent once the export has ended. */
  readonly payerToken?: Uint8Array;
  readonly payerTokenExpiresAt?: number;
  readonly payerTokenAt?: number;
  readonly payerVersion: number;
  /**
   * Set if this is an exchange: what a partner asks a former plan, about many members. It has no grant, no patient and no payer
   * token: `grantId` is a hash of the question, and `exportSecret` is empty.
   */
  readonly exchange?: 'match' | 'group';
  /** Of an exchange of a Group: its id at the payer. */
  readonly group?: string;
  /** Of an exchange: a box with the private key that opens its files. */
  readonly fileKey?: Uint8Array;
  /** Of an exchange: a box with the key of its input. Absent once it has ended. */
  readonly inputKey?: Uint8Array;
  /** Absent before the job begins and after it ends. */
  readonly stateKey?: Uint8Array;
  readonly executionArn?: string;
  readonly beganAt?: number;
  readonly startAgainAt?: number;
  readonly wanted?: TokenWanted;
  readonly resources: number;
  /** The total that the payer gave, if one request asks for everything. */
  readonly resourcesTotal?: number;
  readonly typesDone?: number;
  readonly typesTotal?: number;
  /** How many attachments have come; absent until one has. */
  readonly attachments?: number;
  /** Of an exchange: what the former plan says of its progress, and when it is asked again. Only while it works. */
  readonly payerProgress?: string;
  readonly pollAgainAt?: number;
  readonly manifestDigest?: string;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly grantEndsAt: number;
  /**
   * When the item and its files expire. While the export is running, this is the time from which it counts as failed.
   */
  readonly expiresAt: number;
}

/**
 * Whether an export has not ended in its time, so that it counts as failed. Nothing can change it any more but its
 * deletion.
 */
export const isOverdue = ({ status, expiresAt }: Pick<Export, 'status' | 'expiresAt'>, now: number): boolean =>
  status === 'running' && expiresAt <= now;

const readWanted = (read: ReturnType<typeof readerOf<typeof exportAttributes>>): TokenWanted | undefined => {
  const callbackId = read('callbackId');
  if (callbackId === undefined) return undefined;
  return { callbackId, refusedVersion: read('refusedVersion') ?? 0, since: read('waitingSince') ?? 0 };
};

const readExchange = (text: string | undefined): Export['exchange'] => {
  if (text === undefined) return undefined;
  // A version that knows other kinds may have written it: nothing may take it for the export of a grant.
  return text === 'match' ? 'match' : 'group';
};

/** Reads an export from an item of the table or of its stream. */
export const readExport = (item: StoredItem): Export => {
  const read = readerOf(exportAttributes, item);
  const optional = {
    ...readAskedTypes(read('types')),
    since: read('since'),
    ignored: read('ignored'),
    payerToken: read('payerToken'),
    payerTokenExpiresAt: read('payerTokenExpiresAt'),
    payerTokenAt: read('payerTokenAt'),
    exchange: readExchange(read('exchange')),
    group: read('group'),
    fileKey: read('fileKey'),
    inputKey: read('inputKey'),
    stateKey: read('stateKey'),
    executionArn: read('executionArn'),
    beganAt: read('beganAt'),
    startAgainAt: read('startAgainAt'),
    wanted: readWanted(read),
    resourcesTotal: read('resourcesTotal'),
    typesDone: read('typesDone'),
    typesTotal: read('typesTotal'),
    attachments: read('attachments'),
    payerProgress: read('payerProgress'),
    pollAgainAt: read('pollAgainAt'),
    manifestDigest: read('manifestDigest'),
    endedAt: read('endedAt'),
  };
  return {
    grantId: read('grantId') ?? '',
    exportId: read('exportId') ?? '',
    payer: read('payer') ?? '',
    partner: read('partner') ?? '',
    patient: read('patient') ?? '',
    request: read('request') ?? '',
    requestId: read('requestId') ?? '',
    scope: parseScopes(read('scope') ?? ''),
    status: (read('status') ?? 'failed') as ExportStatus,
    recipient: read('recipient') ?? new Uint8Array(),
    exportSecret: read('exportSecret') ?? new Uint8Array(),
    payerVersion: read('payerVersion') ?? 0,
    resources: read('resources') ?? 0,
    startedAt: read('startedAt') ?? 0,
    grantEndsAt: read('grantEndsAt') ?? 0,
    expiresAt: read('expiresAt') ?? 0,
    ...(Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)) as Partial<Export>),
  };
};

/** What a kick-off says of an export, and nothing changes afterward. */
export type AskedExport = Pick<
  Export,
  | 'grantId'
  | 'exportId'
  | 'payer'
  | 'partner'
  | 'patient'
  | 'request'
  | 'requestId'
  | 'scope'
  | 'types'
  | 'filters'
  | 'until'
  | 'since'
  | 'ignored'
  | 'exchange'
  | 'group'
  | 'startedAt'
  | 'grantEndsAt'
>;

/** That, and who can open its files. */
export type BoundExport = AskedExport & Pick<Export, 'recipient' | 'exportSecret'>;

/** DynamoDB keeps no order in a set. */
const inOrder = (set: readonly string[] | undefined): string | undefined =>
  set === undefined ? undefined : hashOf([...set].sort());

/** A hash of what a kick-off asked for, whose record it asked for, and who asked. Values are sealed under it, so their order must not change. */
export const hashOfAsked = (item: AskedExport): string =>
  hashOf([
    item.grantId,
    item.exportId,
    item.payer,
    item.partner,
    item.patient,
    item.request,
    item.requestId,
    // In the form in which it is read from the table.
    writeScopes(parseScopes(writeScopes(item.scope))),
    inOrder(writeAskedTypes(item)),
    item.since,
    inOrder(item.ignored),
    item.exchange,
    item.group,
    item.startedAt,
    item.grantEndsAt,
  ]);

/**
 * A hash of all columns that a kick-off writes and nothing changes. What is sealed for the job, or for the files, is bound to it.
 *
 * Not bound: how far the export is, with its status and its end, which give nothing to read; which execution runs it, which
 * callback wakes it, and when its token ends, by which it can be stopped, woken or begun again, for the same readers; and the sealed
 * values themselves.
 */
export const boundOf = (item: BoundExport): string =>
  hashOf([
    hashOfAsked(item),
    Buffer.from(item.recipient).toString('base64url'),
    Buffer.from(item.exportSecret).toString('base64url'),
  ]);

/** Makes the error for an export whose item somebody changed in the table. */
export const exportChanged = (): GatewayError =>
  new GatewayError('server_error', 'This export is damaged. Start another one.', {
    detail: 'the export does not open: its item was changed',
  });

/** Throws what a sealed value of an export was not opened for. @throws GatewayError */
export const rethrowAsChanged = (error: unknown): never => {
  throw error instanceof GatewayError ? error : exportChanged();
};
