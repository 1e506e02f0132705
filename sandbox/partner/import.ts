import { setTimeout as sleep } from 'node:timers/promises';
import type { App } from './actions.ts';
import { problemAnswer } from './answer.ts';
import type { Answer } from './answer.ts';
import { connected } from './connected.ts';
import { deleteExport, ExportError, fileNameOf, kickOff, openFile } from './exports.ts';
import { gatewaySend } from './gateway-fetch.ts';
import { startImport } from './import-job.ts';
import { importPage } from './pages/import.ts';
import type { PayerChoice } from './payer-choice.ts';
import { problemOf } from './problem.ts';
import { forgetRecord } from './sessions.ts';
import type { Connection, Session } from './sessions.ts';

/** Nobody waits for a page, so it may be long. */
const longestWaitSeconds = 120;
/** A small record is here before a page that says "soon" could be read. */
const shortWaitMs = 1500;

const follow = (app: App, payer: PayerChoice, connection: Connection, statusUrl: string): void => {
  connection.wholeRecord = startImport(
    statusUrl,
    (signal) => gatewaySend(app, payer.id, connection, { longestWaitSeconds, signal }),
    (record) => {
      forgetRecord(connection);
      connection.record = Promise.resolve(record);
    },
  );
};

const problem = (error: unknown, payer: PayerChoice): Answer =>
  problemAnswer({ ...problemOf(error, payer.displayName), next: 'reload' }, payer);

/** Asks the gateway for the whole record. */
export const beginImport = (app: App, session: Session, payer: PayerChoice): Promise<Answer> =>
  connected(session, payer, async (connection) => {
    try {
      connection.wholeRecord?.stop();
      const statusUrl = await kickOff(app.gateway.base(payer.id), gatewaySend(app, payer.id, connection));
      follow(app, payer, connection, statusUrl);
      return { redirect: `/export/${payer.id}` };
    } catch (error) {
      return problem(error, payer);
    }
  });

/** Shows how far the import is, or its files. */
export const showImport = (app: App, session: Session, payer: PayerChoice): Promise<Answer> =>
  connected(session, payer, async (connection) => {
    const job = connection.wholeRecord;
    if (!job) return { redirect: `/record/${payer.id}` };
    const before = await job.state();
    if (before.phase === 'loading') await Promise.race([job.ended, sleep(shortWaitMs, undefined, { ref: false })]);
    const state = await job.state();
    if (state.phase !== 'failed')
      return { status: 200, page: importPage(payer, state, session.formToken), scripts: 'askThisServer' };
    const isGone = state.error instanceof ExportError && state.error.status === 404;
    // The next look tries again, since whatever failed may be over.
    if (isGone) connection.wholeRecord = undefined;
    else follow(app, payer, connection, job.statusUrl);
    return problem(state.error, payer);
  });

/** Streams one file from the gateway to the browser. */
export const downloadFile = (app: App, session: Session, payer: PayerChoice, name: string): Promise<Answer> =>
  connected(session, payer, async (connection) => {
    const state = await connection.wholeRecord?.state();
    const files = state?.phase === 'done' ? [...state.manifest.output, ...state.manifest.error] : [];
    const file = files.find((one) => fileNameOf(one) === name);
    if (!file) return { redirect: `/export/${payer.id}` };
    try {
      const content = await openFile(file, gatewaySend(app, payer.id, connection));
      return { download: content, name, type: 'application/fhir+ndjson' };
    } catch (error) {
      return problem(error, payer);
    }
  });

/** Stops an import, or deletes its files at the gateway. What was imported stays. */
export const endImport = (app: App, session: Session, payer: PayerChoice): Promise<Answer> =>
  connected(session, payer, async (connection) => {
    const job = connection.wholeRecord;
    if (!job) return { redirect: `/record/${payer.id}` };
    try {
      await deleteExport(job.statusUrl, gatewaySend(app, payer.id, connection));
      job.stop();
      connection.wholeRecord = undefined;
      return { redirect: `/record/${payer.id}` };
    } catch (error) {
      return problem(error, payer);
    }
  });
