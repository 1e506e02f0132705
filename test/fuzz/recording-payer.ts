import { fetchHandler } from '../../functions/fetch/handler.ts';
import { fetchGateway, fhir, type FetchGateway, type TestGrant } from '../support/fetch-gateway.ts';
import { apiEvent } from '../support/gateway.ts';
import { callStreaming, type StreamedAnswer } from '../support/stream-handler.ts';
import { gatewayBase, payerBase, people, type WireRequest } from './fhir-requests.ts';
import { wrongsOf, type Sent } from './lenient-payer.ts';
import { expectSound } from './sound-answer.ts';

/** A header on the wire. */
type HeaderLine = readonly [name: string, value: string];

/** API Gateway's own refusal, since what it cannot decode never reaches a function. */
export class NotForwarded extends Error {}

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new NotForwarded('not percent-encoded');
  }
};

const grouped = (pairs: readonly HeaderLine[]): Record<string, string[]> => {
  const values: Record<string, string[]> = {};
  for (const [name, value] of pairs) {
    const all = Object.hasOwn(values, name) ? values[name] : undefined;
    // As JSON.parse makes it: `__proto__` is a name like any other.
    Object.defineProperty(values, name, {
      value: [...(all ?? []), value],
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return values;
};

/** The event that API Gateway makes from a request: decoded, with parameters grouped and ordered by name. */
const eventOf = ({ method, path, query, form }: WireRequest, headers: readonly HeaderLine[]) => {
  const pairs = [...new URLSearchParams(query)].sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
  const all: HeaderLine[] = [
    ...(form === undefined ? [] : [['Content-Type', 'application/x-www-form-urlencoded'] as const]),
    ...headers,
  ];
  const event = apiEvent(path === '' ? '/r4/{payer}' : '/r4/{payer}/{proxy+}', {
    method,
    ...(form === undefined ? {} : { form }),
    path: { payer: 'northwind', ...(path === '' ? {} : { proxy: decode(path) }) },
  });
  return {
    ...event,
    headers: Object.fromEntries(all),
    multiValueHeaders: grouped(all),
    multiValueQueryStringParameters: pairs.length === 0 ? null : grouped(pairs),
  };
};

/** The FHIR route in front of a payer that records everything it is sent. */
export interface RecordingPayer {
  readonly gateway: FetchGateway;
  readonly grant: TestGrant;
  /** Sends a request, and checks the answer and what the payer was sent against what is allowed. */
  readonly judge: (
    request: WireRequest,
    headers?: readonly HeaderLine[],
  ) => Promise<{ answer: StreamedAnswer; sent: readonly Sent[] }>;
  /** How many requests there were, how many reached the payer, and the statuses that came back. */
  readonly tally: { asked: number; forwarded: number; readonly statuses: Map<number, number> };
}

const payerToken = 'payer-access-1';

/** Starts one, with a grant of this scope. */
export const recordingPayer = async (scope = 'launch/patient patient/*.rs offline_access'): Promise<RecordingPayer> => {
  const gateway = fetchGateway();
  const grant = await gateway.grant({
    scope,
    patient: people.member,
    tokens: { accessToken: payerToken, expiresAt: 4e9 },
  });
  const handler = fetchHandler(gateway.deps);
  let sent: Sent[] = [];
  gateway.payer.http = async (url, init) => {
    // As undici does: it throws for what a request cannot contain.
    const request = new Request(url, init);
    const body = typeof init?.body === 'string' ? init.body : undefined;
    sent.push({ url: String(url), method: request.method, headers: new Headers(init?.headers), body });
    return fhir({ resourceType: 'Bundle', type: 'searchset', entry: [] });
  };
  const expected = {
    base: payerBase,
    otherBases: [gatewayBase],
    member: people.member,
    others: [people.other, people.otherIdentifier],
  };
  const tally = { asked: 0, forwarded: 0, statuses: new Map<number, number>() };
  const judge: RecordingPayer['judge'] = async (request, headers = [['Authorization', `Bearer ${grant.token}`]]) => {
    sent = [];
    gateway.payer.requests.length = 0;
    gateway.lines.length = 0;
    gateway.dynamo.forget();
    const answer = await callStreaming(handler, eventOf(request, headers));
    tally.asked += 1;
    tally.forwarded += sent.length;
    tally.statuses.set(answer.statusCode, (tally.statuses.get(answer.statusCode) ?? 0) + 1);
    expectSound({ ...answer, body: answer.text });
    const wrongs = sent.flatMap((one) => wrongsOf(one, expected, { token: payerToken, ours: [grant.token] }));
    if (wrongs.length > 0 || answer.error !== undefined)
      expect({ wrongs, error: answer.error }).toEqual({ wrongs: [] });
    return { answer, sent };
  };
  return { gateway, grant, judge, tally };
};
