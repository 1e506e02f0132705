/** Every path of exports and events that calls AWS, on a stage on this machine. */
import { connect, postAs, type As } from '../conformance/client.ts';
import { call, kickOff, locationOfExport, pollToEnd, remove, type Manifest } from '../conformance/exports-client.ts';
import type { LocalTarget } from '../conformance/local-target.ts';
import { eventually } from '../support/eventually.ts';
import { answer, answerText, bundleOf } from '../support/payer/answers.ts';
import { callsOf, type Call } from './used-rights.ts';

interface Started {
  readonly token: string;
  readonly url: string;
  readonly exportId: string;
}

const start = async (target: LocalTarget, as: As = {}): Promise<Started> => {
  const { access_token: token } = await connect(target, {}, as);
  const response = await kickOff(target, token);
  const url = locationOfExport(response);
  await response.body?.cancel();
  return { token, url, exportId: url.split('/').at(-1) ?? '' };
};

const drain = async (sent: Promise<Response>): Promise<number> => {
  const response = await sent;
  await response.text();
  return response.status;
};

const expectStatus = async (what: string, sent: Promise<Response>, status: number): Promise<void> => {
  const found = await drain(sent);
  if (found !== status) throw new Error(`${what}: ${found}`);
};

const waitFor = async (what: string, isSo: () => boolean): Promise<void> => {
  await eventually(isSo, 120_000);
  if (!isSo()) throw new Error(`never: ${what}`);
};

/** The names of an execution's open operations. */
const open = ({ cloud }: LocalTarget, execution: string): readonly string[] =>
  cloud.durable.executions().find(({ name }) => name === execution)?.open ?? [];

/** Waits until an execution has an open operation of this name. */
const reaches = (target: LocalTarget, execution: string, operation: string): Promise<void> =>
  waitFor(`${execution} at ${operation}`, () => open(target, execution).includes(operation));

const isOver = async (target: LocalTarget, execution: string): Promise<void> => {
  await waitFor(execution, () => target.cloud.durable.executions().some(({ name }) => name === execution));
  await target.cloud.durable.over(execution);
};

/** Follows a sweep to its second round, 20 minutes after the first. */
const sweep = async (target: LocalTarget, execution: string): Promise<void> => {
  await reaches(target, execution, 'until nothing runs');
  target.cloud.durable.passTime(21 * 60_000);
  await isOver(target, execution);
};

/** A record with a letter, whose text is a Binary of the payer's. */
const letter = {
  resourceType: 'DocumentReference',
  id: 'letter',
  status: 'current',
  subject: { reference: 'Patient/pat-1' },
  content: [{ attachment: { contentType: 'text/plain', url: 'Binary/letter' } }],
};

/** Runs an export with an attachment from its kick-off to its files, and then deletes it. */
const wholeExport = async (target: LocalTarget): Promise<void> => {
  target.payers.script('clear-health', {
    r4: ({ path }, usual) => {
      if (path.startsWith('/Binary/')) return answerText(200, 'Dear member', { 'content-type': 'text/plain' });
      return path.startsWith('/DocumentReference') ? answer(200, bundleOf(letter)) : usual();
    },
  });
  const { token, url, exportId } = await start(target);
  const { output } = (await (await pollToEnd(url, token)).json()) as Manifest;
  for (const file of output) await expectStatus(file.url, call(file.url, token), 200);
  target.payers.reset();
  await sweep(target, `${exportId}-ended`);
  await expectStatus('DELETE', remove(url, token), 202);
  await sweep(target, `${exportId}-gone`);
};

/** A job whose payer refuses its token. A poll brings a newer one and wakes it. */
const waitsForToken = async (target: LocalTarget): Promise<void> => {
  target.payers.script('clear-health', { r4: answer(401, {}) });
  const { token, url, exportId } = await start(target);
  await reaches(target, exportId, 'token');
  await waitFor('a job that asks', () => open(target, exportId).join() === 'token');
  target.payers.reset();
  await expectStatus('a kick-off while one runs', kickOff(target, token), 429);
  await expectStatus('the end', pollToEnd(url, token), 200);
};

/** As long as a job waits for a poll. */
const twoDaysMs = 2 * 86_400_000;

/** A grant ends while its job waits, which then finds no export. */
const endsWithGrant = async (target: LocalTarget): Promise<void> => {
  target.payers.script('clear-health', { r4: answer(401, {}) });
  const { token, exportId } = await start(target);
  await reaches(target, exportId, 'token');
  await expectStatus('revocation', postAs(target, target.portal, 'revoke', { token }), 200);
  target.cloud.durable.passTime(twoDaysMs);
  await isOver(target, exportId);
  target.payers.reset();
  await sweep(target, `${exportId}-gone`);
};

/** A poll restarts a job that never began. */
const startsAgain = async (target: LocalTarget): Promise<void> => {
  await target.cloud.streamsIdle();
  target.cloud.pauseStreams();
  const { token, url } = await start(target);
  await target.store.setExport(token, { startAgainAt: target.now() - 120 });
  await expectStatus('a late poll', call(url, token), 202);
  target.cloud.resumeStreams();
  await expectStatus('the end', pollToEnd(url, token), 200);
};

/** Others have taken every turn of the payer's pace, so that a job finds none, looks up until when, and waits. */
const waitsForTurn = async (target: LocalTarget): Promise<void> => {
  await target.store.setPace('clear-health', Date.now() + 50_000);
  const { token, url } = await start(target);
  const looksAtPace = ({ function: name, action, key }: Call) =>
    name === 'exportJob' && action === 'dynamodb:GetItem' && key === 'pace#clear-health';
  await waitFor('a look at the pace', () => callsOf(target).some(looksAtPace));
  await target.store.setPace('clear-health', 0);
  await expectStatus('the end', pollToEnd(url, token), 200);
};

/** Several exports share one payer's pace, and a partner asks for files more often than it may. */
const crowds = async (target: LocalTarget): Promise<void> => {
  const started = await Promise.all([start(target), start(target), start(target, { app: target.apps.flooding })]);
  await Promise.all(started.map(({ url, token }) => pollToEnd(url, token).then((end) => end.text())));
  const [, , { url, token }] = started;
  for (let wave = 0; wave < 10; wave += 1) {
    const files = Array.from({ length: 12 }, () => drain(call(`${url}/none.ndjson`, token)));
    if ((await Promise.all(files)).includes(429)) return;
  }
  throw new Error('a flood of files met no limit');
};

/** Two events for a webhook that answers 410: the first one disables it. */
const events = async (target: LocalTarget): Promise<void> => {
  const deliveries = () =>
    target.cloud.durable.executions().filter(({ functionName }) => functionName === target.cloud.functions['deliver']);
  for (const count of [1, 2]) {
    await connect(target, {}, { app: target.apps.onePayer });
    await target.cloud.streamsIdle();
    await waitFor(`${count} deliveries`, () => deliveries().length === count);
    await Promise.all(deliveries().map(({ name }) => target.cloud.durable.over(name)));
  }
  if (!(await target.store.dump()).includes('webhook#one-payer')) throw new Error('410 turned no webhook off');
};

/** Follows every path of exports and events. */
export const driveExports = async (target: LocalTarget): Promise<void> => {
  await wholeExport(target);
  await waitsForToken(target);
  await endsWithGrant(target);
  await startsAgain(target);
  await waitsForTurn(target);
  await crowds(target);
  await events(target);
};
