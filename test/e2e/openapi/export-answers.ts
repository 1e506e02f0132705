import { setTimeout as wait } from 'node:timers/promises';
import { connect, read, refresh, tokensOf } from '../../conformance/client.ts';
import { call, kickOff, locationOfExport, pollToEnd, remove, type Manifest } from '../../conformance/exports-client.ts';
import { patientId } from '../../conformance/scripted-payer.ts';
import { answer, answerText, tokens as tokensAnswer, type Outcome } from '../../support/payer/answers.ts';
import { inTurn, pausedPayer, statusAtLast, type Context } from './context.ts';

const later = { prefer: 'respond-async' };
const large = { 'x-large': 'x'.repeat(11_000) };

const parameters = (...parameter: readonly object[]): string =>
  JSON.stringify({ resourceType: 'Parameters', parameter });

interface Asked {
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly payer?: string;
}

type Door = (token?: string, asked?: Asked) => Promise<Response>;

const byBody = { ...later, 'content-type': 'application/fhir+json' };

/** The ways to start an export: by GET, and by POST. */
const doorsOf = ({ target }: Context): readonly [Door, Door] => [
  (token, { headers = {}, query = '', payer = 'clear-health' } = {}) =>
    read(target, `/Patient/$export${query}`, token, { headers: { ...later, ...headers }, payer }),
  (token, { headers = {}, query = '', payer = 'clear-health' } = {}) =>
    read(target, `/Patient/$export${query}`, token, {
      method: 'POST',
      headers: { ...byBody, ...headers },
      payer,
      body: parameters(),
    }),
];

/** A grant whose payer token has ended, so that a kick-off asks the payer for another. */
const withEndedToken = async ({ target }: Context): Promise<string> => {
  target.payers.script('clear-health', { token: tokensAnswer({ expires_in: 1 }) });
  const { access_token: token } = await connect(target);
  target.payers.reset();
  await wait(1100);
  return token;
};

/** The payer's token endpoint fails at a kick-off: it answers nonsense, or nothing. */
export const driveTokenFailures = async (context: Context): Promise<void> => {
  const { target } = context;
  const byEverything: Door = (token) => read(target, `/Patient/${patientId}/$everything`, token, { headers: later });
  const everyDoor = [...doorsOf(context), byEverything];
  const failures: readonly (readonly [Outcome, number])[] = [
    [answerText(200, 'nonsense'), 502],
    ['no answer', 504],
  ];
  for (const [failure, status] of failures) {
    const calls: (readonly [Door, string])[] = [];
    for (const send of everyDoor) calls.push([send, await withEndedToken(context)]);
    target.payers.script('clear-health', { token: failure });
    const seen = await Promise.all(calls.map(([send, token]) => statusAtLast(() => send(token))));
    expect(seen).toEqual(everyDoor.map(() => status));
    target.payers.reset();
  }
};

const driveKickOffs = async (context: Context): Promise<void> => {
  const { target, full, narrow, blocked, paused } = context;
  for (const send of doorsOf(context)) {
    const { access_token: token } = await connect(target);
    await inTurn([
      () => send(token),
      // While it runs, or else it starts again.
      () => send(token),
      () => send(token, { query: '?_elements=id' }),
      () => send(),
      () => send('p2pa_unknown'),
      () => send(narrow.access_token, { query: '?_type=Condition' }),
      () => send(blocked.access_token),
      () => send(full.access_token, { payer: 'nobody' }),
      () => send(paused.access_token, { payer: pausedPayer }),
      () => send(full.access_token, { headers: large }),
    ]);
  }
  const body = (text: string) => ({ method: 'POST', headers: byBody, body: text });
  await inTurn([
    () => read(target, `/Patient/${patientId}/$everything`, full.access_token, { headers: later }),
    () =>
      read(
        target,
        '/Patient/$export',
        full.access_token,
        body(parameters({ name: 'patient', valueReference: { reference: 'Patient/another' } })),
      ),
    () => read(target, '/Patient/$export', full.access_token, body('x'.repeat(70_000))),
  ]);
};

const ended = async ({ target }: Context) => {
  const grant = await connect(target);
  const url = locationOfExport(await kickOff(target, grant.access_token));
  await statusAtLast(() => call(url, grant.access_token));
  const { output } = (await (await pollToEnd(url, grant.access_token)).json()) as Manifest;
  return { ...grant, url, file: output[0]?.url ?? '' };
};

/** An export that has no end: it waits for a token that the payer takes, and its time is over. */
const endlessExport = async ({ target }: Context): Promise<void> => {
  const { access_token: token } = await connect(target);
  target.payers.script('clear-health', { r4: answer(401, {}) });
  const url = locationOfExport(await kickOff(target, token));
  await target.store.setExport(token, { expiresAt: target.now() - 1 });
  await statusAtLast(() => call(url, token));
  await statusAtLast(() => call(`${url}/Patient-1.ndjson`, token));
  await statusAtLast(() => remove(url, token));
  target.payers.reset();
};

const driveExport = async (context: Context): Promise<void> => {
  const { target, blocked, paused } = context;
  const { access_token: token, refresh_token: refreshToken, url, file } = await ended(context);
  const narrower = await tokensOf(await refresh(target, refreshToken, { scope: 'patient/Observation.rs' }));
  const elsewhere = (payer: string, path = '') => `${target.origin}/exports/${payer}/unknown${path}`;
  for (const path of [url, file]) {
    await inTurn([
      () => call(path, token),
      () => call(path, undefined),
      () => call(path, 'p2pa_unknown'),
      () => call(path, narrower.access_token),
      () => call(path, blocked.access_token),
      () => call(path.replace(url, elsewhere('nobody')), token),
      () => call(path.replace(url, elsewhere(pausedPayer)), paused.access_token),
      () => call(path, token, { headers: large }),
    ]);
  }
  await endlessExport(context);
  await overItsRate(context);
  await inTurn([
    () => remove(url, 'p2pa_unknown'),
    () => call(url, undefined, { method: 'DELETE' }),
    () => remove(url, blocked.access_token),
    () => call(url, token, { method: 'DELETE', headers: large }),
    () => remove(url, token),
    () => remove(url, token),
  ]);
};

/** A partner that has used up its rate with a kick-off. */
const overItsRate = async ({ target }: Context): Promise<void> => {
  const { access_token: token } = await connect(target, {}, { app: target.apps.flooding });
  const url = locationOfExport(await kickOff(target, token));
  await statusAtLast(() => call(`${url}/Patient-1.ndjson`, token));
};

/** Brings every answer of exports, but for those of a token endpoint that fails. */
export const driveExportAnswers = async (context: Context): Promise<void> => {
  await driveKickOffs(context);
  await driveExport(context);
};
