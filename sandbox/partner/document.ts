import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { App } from './actions.ts';
import { withRecord } from './actions.ts';
import { notFound, problemAnswer } from './answer.ts';
import type { Answer } from './answer.ts';
import { attachmentsOf, fileNameFor } from './attachments.ts';
import type { Attachment } from './attachments.ts';
import { gatewaySend } from './gateway-fetch.ts';
import type { PayerChoice } from './payer-choice.ts';
import { problemOf } from './problem.ts';
import { ReadError } from './record.ts';
import type { Connection, Session } from './sessions.ts';
import { resourceOf } from './store/lists.ts';

/** Sends a document's file: from the record itself, as an export brought it, or from the payer through the gateway. */
export const document = (app: App, session: Session, payer: PayerChoice, query: URLSearchParams): Promise<Answer> =>
  withRecord(app, session, payer, async ({ store }, connection) => {
    const entry = { type: query.get('type') ?? '', id: query.get('id') ?? '' };
    const attachment = attachmentsOf(resourceOf(store.db, entry))[Number(query.get('n') ?? 0)];
    if (attachment === undefined) return notFound();
    // Never shown, only downloaded: a payer's HTML must not run as a page of this app.
    const file = { name: fileNameFor(attachment), type: 'application/octet-stream' };
    if (attachment.data !== undefined) return { download: streamOf(attachment.data), ...file };
    const kept = store.file(attachment.url ?? '');
    if (kept !== undefined) return { download: Readable.from([kept]), ...file };
    try {
      return { download: await fetchFile(app, payer, connection, attachment), ...file };
    } catch (error) {
      return problemAnswer({ ...problemOf(error, payer.displayName), next: 'reload' }, payer);
    }
  });

const streamOf = (base64: string): AsyncIterable<Uint8Array> => Readable.from([Buffer.from(base64, 'base64')]);

const fetchFile = async (
  app: App,
  payer: PayerChoice,
  connection: Connection,
  { url = '', contentType }: Attachment,
): Promise<AsyncIterable<Uint8Array>> => {
  const base = app.gateway.base(payer.id);
  const target = /^https?:/.test(url) ? url : `${base}/${url}`;
  if (!target.startsWith(`${base}/`)) throw new ReadError(200, 'The document is on another server.');
  const answer = await gatewaySend(app, payer.id, connection)(target, { headers: { accept: contentType } });
  if (answer.status === 200 && answer.body !== null) return Readable.fromWeb(answer.body as ReadableStream<Uint8Array>);
  await answer.body?.cancel();
  throw new ReadError(answer.status, 'The document could not be read.');
};
