import { read } from '../../conformance/client.ts';
import { patientId } from '../../conformance/scripted-payer.ts';
import { answer, answerFhir, bundleOf, byHand, type Outcome } from '../../support/payer/answers.ts';
import { inTurn, pausedPayer, statusAtLast, type Context } from './context.ts';

type Init = Parameters<typeof read>[3];

/** One operation's request that works, and what makes it fail. */
interface Reading {
  readonly path: string;
  /** Of a type, or in a way, that the narrow token does not cover. */
  readonly beyondScope: string;
  /** With a parameter that nobody knows. */
  readonly unknownParameter: string;
  /** About another patient; undefined if the request can name none. */
  readonly anotherPatient?: string;
  /** Without a type that FHIR has; undefined if the path has none. */
  readonly unknownType?: string;
  /** What the payer with the short time-out is asked for. */
  readonly atSlowPayer?: string;
  readonly init?: (query: string) => Init;
  /** The payer answers a Bundle, where it would answer the Patient of the path. */
  readonly isSearch?: true;
}

/** Sends the query in a form. */
const asForm = (query: string): Init => ({ method: 'POST', body: new URLSearchParams(query) });

const readings: readonly Reading[] = [
  {
    path: '?_lastUpdated=ge2020',
    beyondScope: '?_lastUpdated=ge2020',
    unknownParameter: '?color=blue',
    anotherPatient: '?_type=Patient&_id=another',
    unknownType: '',
    atSlowPayer: '?_type=Patient',
  },
  {
    path: '/Observation?_count=1',
    beyondScope: '/Condition',
    unknownParameter: '/Observation?color=blue',
    anotherPatient: '/Observation?patient=another',
    unknownType: '/Nonsense?_count=1',
    atSlowPayer: '/Patient',
  },
  {
    path: '/Observation/_search?_count=1',
    beyondScope: '/Condition/_search',
    unknownParameter: '/Observation/_search?color=blue',
    anotherPatient: '/Observation/_search?patient=another',
    unknownType: '/Nonsense/_search?_count=1',
    atSlowPayer: '/Patient/_search',
    init: asForm,
  },
  {
    path: '/Observation/_history',
    beyondScope: '/Condition/_history',
    unknownParameter: '/Observation/_history?color=blue',
    anotherPatient: '/Observation/_history?_list=Patient/another',
    unknownType: '/Nonsense/_history',
    atSlowPayer: '/Patient/_history',
  },
  {
    path: `/Patient/${patientId}`,
    beyondScope: '/Condition/one',
    unknownParameter: `/Patient/${patientId}?color=blue`,
    anotherPatient: '/Patient/another',
    unknownType: '/Nonsense/one',
    atSlowPayer: `/Patient/${patientId}`,
  },
  {
    path: `/Patient/${patientId}/_history`,
    beyondScope: '/Condition/one/_history',
    unknownParameter: `/Patient/${patientId}/_history?color=blue`,
    anotherPatient: '/Patient/another/_history',
    unknownType: '/Nonsense/one/_history',
    atSlowPayer: `/Patient/${patientId}/_history`,
    isSearch: true,
  },
  {
    path: `/Patient/${patientId}/_history/1`,
    beyondScope: '/Condition/one/_history/1',
    unknownParameter: `/Patient/${patientId}/_history/1?color=blue`,
    anotherPatient: '/Patient/another/_history/1',
    unknownType: '/Nonsense/one/_history/1',
    atSlowPayer: `/Patient/${patientId}/_history/1`,
  },
  {
    path: `/Patient/${patientId}/Observation`,
    beyondScope: `/Patient/${patientId}/Condition`,
    unknownParameter: `/Patient/${patientId}/Observation?color=blue`,
    anotherPatient: '/Patient/another/Observation',
    unknownType: `/Patient/${patientId}/Nonsense`,
    atSlowPayer: `/Patient/${patientId}/Patient`,
    isSearch: true,
  },
  {
    path: `/Patient/${patientId}/$everything`,
    beyondScope: `/Patient/${patientId}/$everything`,
    unknownParameter: `/Patient/${patientId}/$everything?color=blue`,
    anotherPatient: '/Patient/another/$everything',
  },
];

/** Longer than the gateway passes on. */
const tooLarge: Outcome = byHand((response) => {
  response.writeHead(200, { 'content-type': 'application/fhir+json', 'content-length': String(300 * 1024 * 1024) });
  response.flushHeaders();
});

/** What a payer may say to a caller who has a version already. */
const notModified = answer(304, {}, { etag: 'W/"1"' });

/** What a payer may say, and the gateway passes on or turns into an error of its own. */
const outcomes: readonly Outcome[] = [
  answer(401, {}),
  answer(410, {}),
  answer(429, {}, { 'retry-after': '3' }),
  answer(500, {}),
  answer(503, {}, { 'retry-after': '3' }),
  tooLarge,
];

/** Sends a reading's request; the query goes where the reading has it. */
const send = (
  { target }: Context,
  { init }: Reading,
  path: string,
  token: string | undefined,
  more: { readonly payer?: string; readonly headers?: Record<string, string> } = {},
): Promise<Response> => {
  if (init === undefined) return read(target, path, token, more);
  const [bare = '', query = ''] = path.split('?');
  return read(target, bare, token, { ...init(query), ...more });
};

const driveOne = async (context: Context, reading: Reading): Promise<void> => {
  const { target, full, narrow, blocked, paused } = context;
  const { path, anotherPatient, unknownType } = reading;
  const token = full.access_token;
  const ask =
    (...rest: [string, string?, Parameters<typeof send>[4]?]) =>
    () =>
      send(context, reading, ...rest);
  if (reading.isSearch === true) target.payers.script('clear-health', { r4: answerFhir(bundleOf()) });
  await inTurn([
    ask(path, token),
    ask(reading.unknownParameter, token),
    ask(path),
    ask(path, 'p2pa_unknown'),
    ask(reading.beyondScope, narrow.access_token),
    ...(anotherPatient === undefined ? [] : [ask(anotherPatient, token)]),
    ...(unknownType === undefined ? [] : [ask(unknownType, token)]),
    ask(path, token, { payer: 'nobody' }),
    ask(path, token, { headers: { 'x-http-method-override': 'PUT' } }),
    ask(path, token, { headers: { accept: 'application/fhir+xml' } }),
    ask(path, blocked.access_token),
    ask(path, paused.access_token, { payer: pausedPayer }),
    ask(path, token, { headers: { 'x-large': 'x'.repeat(11_000) } }),
  ]);
  for (const outcome of reading.init === undefined ? [notModified, ...outcomes] : outcomes) {
    target.payers.script('clear-health', { r4: outcome });
    const headers: Record<string, string> = outcome === notModified ? { 'if-none-match': 'W/"1"' } : {};
    await statusAtLast(ask(path, token, { headers }));
  }
  target.payers.reset();
};

/** The environments of the function with the short time-out. */
const atOnce = 4;

/** Lets a payer stay silent until the gateway gives up. */
const driveTimeouts = async (context: Context): Promise<void> => {
  const { target, slow } = context;
  target.payers.script('slow-health', { r4: 'no answer' });
  const slowly = readings.flatMap((reading) => {
    const { atSlowPayer: path } = reading;
    return path === undefined ? [] : [() => send(context, reading, path, slow.access_token, { payer: 'slow-health' })];
  });
  for (let from = 0; from < slowly.length; from += atOnce) {
    const asked = slowly.slice(from, from + atOnce);
    expect(await Promise.all(asked.map(statusAtLast))).toEqual(asked.map(() => 504));
  }
  target.payers.reset();
};

/** Brings every answer of the FHIR reads. */
export const driveFhirAnswers = async (context: Context): Promise<void> => {
  for (const reading of readings) await driveOne(context, reading);
  const { target, full } = context;
  const long = { method: 'POST', body: new URLSearchParams({ code: 'x'.repeat(70_000) }) };
  await statusAtLast(() => read(target, '/Observation/_search', full.access_token, long));
  await driveTimeouts(context);
};
