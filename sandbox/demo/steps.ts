import { randomBytes } from 'node:crypto';
import { nameOf } from '../partner/fhir.ts';
import { readRecord } from '../partner/record.ts';
import type { Read, WholeRecord } from '../partner/record.ts';
import type { MemberKey } from '../payer/data/member-list.ts';
import { signInAsMember } from '../payer/walk.ts';
import type { WalkMember } from '../payer/walk.ts';
import { compareRecords } from './compare.ts';
import type { TypeRow } from './compare.ts';
import { curlLine, masked, send } from './curl.ts';
import type { DemoRequest, Secrets } from './curl.ts';
import { signInThroughGateway } from './member.ts';

/** The servers that the demo calls, and its credentials there. */
export interface DemoParts {
  readonly gatewayOrigin: string;
  readonly payerId: string;
  readonly partner: { readonly clientId: string; readonly clientSecret: string; readonly redirectUri: string };
  /** The payer itself and the gateway's registration there, to read the record directly for the comparison. */
  readonly payer: {
    readonly fhirBaseUrl: string;
    readonly authorizationEndpoint: string;
    readonly tokenEndpoint: string;
    readonly clientId: string;
    readonly clientSecret: string;
  };
  /** Who signs in. */
  readonly member: WalkMember;
  readonly expects: Expectation;
  /** Stops the run before its next step. */
  readonly signal: AbortSignal;
}

/** One step as printed: masked, with its duration. */
export interface StepReport {
  readonly name: string;
  readonly title: string;
  readonly request: string;
  readonly response: string;
  readonly ms: number;
}

export interface DemoResult {
  readonly member: { readonly name: string; readonly birthDate: string };
  readonly types: readonly TypeRow[];
  readonly differences: readonly string[];
  readonly agree: boolean;
}

/** A step did not end as expected. `step` is its name. */
export class StepError extends Error {
  override readonly name = 'StepError';
  readonly step: string;
  constructor(step: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.step = step;
  }
}

/** What a member's record must have, or must not have. */
export interface Expectation {
  readonly fewestTypes: number;
  readonly types: readonly string[];
  readonly withoutTypes: readonly string[];
}

const claims = ['Coverage', 'ExplanationOfBenefit'];

/** The payer's page promises clinical data, no claims, and at least twelve types for its own test member. */
export const expectationOf = (member: MemberKey): Expectation => {
  if (member === 'clinical') return { fewestTypes: 12, types: [], withoutTypes: claims };
  const types = member === 'claims' ? claims : [];
  return { fewestTypes: 1, types: ['Patient', ...types], withoutTypes: [] };
};

/**
 * Makes the three calls of a partner app (authorize, token, FHIR), then reads the whole record and the payer's own
 * record. `report` gets each step when it ends.
 * @throws {StepError} if a step does not end as expected
 */
export const runDemo = async (parts: DemoParts, report: (step: StepReport) => void): Promise<DemoResult> => {
  const base = `${parts.gatewayOrigin}/r4/${parts.payerId}`;
  const state = randomBytes(16).toString('base64url');
  const secrets: Record<string, string | undefined> = { state, client_secret: parts.partner.clientSecret };

  const code = await take(parts, 'authorize', 'Step 1: the member authorizes', report, secrets, async () => {
    const { clientId, redirectUri } = parts.partner;
    const url = withQuery(`${parts.gatewayOrigin}/oauth2/authorize/${parts.payerId}`, {
      client_id: clientId,
      state,
      redirect_uri: redirectUri,
    });
    const back = await signInThroughGateway(url, parts.member);
    secrets['code'] = codeOf(back, state);
    const response = `The member signs in at the payer and agrees; the browser comes back to\n${back}`;
    return { value: secrets['code'], request: { method: 'GET', url }, response };
  });

  const token = await take(parts, 'token', 'Step 2: the code becomes a token', report, secrets, async () => {
    const { clientId, clientSecret } = parts.partner;
    const form = { client_id: clientId, client_secret: clientSecret, code, grant_type: 'authorization_code' };
    const request: DemoRequest = { method: 'POST', url: `${parts.gatewayOrigin}/oauth2/token`, form };
    const answer = await tokenFrom(request);
    secrets['access_token'] = answer.access_token;
    secrets['refresh_token'] = answer.refresh_token;
    return { value: answer, request, response: JSON.stringify(answer, undefined, 2) };
  });

  await take(parts, 'patient', 'Step 3: FHIR with the token', report, secrets, async () => {
    const request: DemoRequest = { method: 'GET', url: `${base}/Patient`, accessToken: token.access_token };
    const { status, text } = await send(request);
    if (status !== 200) throw new Error(`GET Patient answered ${status}: ${text}`);
    return { value: undefined, request, response: `${status}, ${text.length} characters: ${shortened(text)}` };
  });

  const wholeRecord = async (
    name: string,
    title: string,
    from: string,
    accessToken: string,
    patientId?: string,
  ): Promise<WholeRecord> => {
    return take(parts, name, title, report, secrets, async () => {
      const read: Read = (url) => send({ method: 'GET', url, accessToken });
      const whole = await readRecord(from, read, patientId);
      const url = `${from}/Patient/${whole.patient.id}/$everything?_count=100`;
      const response = `200, ${whole.resources.length} resources in ${whole.pages} pages`;
      return { value: whole, request: { method: 'GET', url, accessToken }, response };
    });
  };

  const compared = (throughGateway: WholeRecord, own: WholeRecord): DemoResult => {
    const { types, differences } = compareRecords(
      { base, record: throughGateway },
      { base: parts.payer.fhirBaseUrl, record: own },
    );
    const { fewestTypes, types: wanted, withoutTypes } = parts.expects;
    if (types.length < fewestTypes)
      throw new StepError('record', `The record has only ${types.length} resource types.`);
    const surplus = types.find(({ type }) => withoutTypes.includes(type));
    if (surplus) throw new StepError('record', `${surplus.type} is not clinical data and should not be there.`);
    const missing = wanted.find((type) => !types.some((row) => row.type === type));
    if (missing !== undefined) throw new StepError('record', `The record has no ${missing}.`);
    const birthDate = throughGateway.patient['birthDate'];
    const member = { name: nameOf(throughGateway.patient), birthDate: typeof birthDate === 'string' ? birthDate : '' };
    return { member, types, differences, agree: differences.length === 0 };
  };

  const record = await wholeRecord('record', 'The whole record, all pages', base, token.access_token, token.patient);

  const payerToken = await take(parts, 'payer', 'The payer itself, for comparison', report, secrets, async () => {
    const payerState = randomBytes(16).toString('base64url');
    const redirectUri = `${parts.gatewayOrigin}/oauth2/callback/${parts.payerId}`;
    const { authorizationEndpoint, tokenEndpoint, clientId, clientSecret } = parts.payer;
    const url = withQuery(authorizationEndpoint, { client_id: clientId, state: payerState, redirect_uri: redirectUri });
    const payerCode = codeOf(await signInAsMember(url, parts.member), payerState);
    const form = {
      client_id: clientId,
      client_secret: clientSecret,
      code: payerCode,
      grant_type: 'authorization_code',
    };
    const request: DemoRequest = { method: 'POST', url: tokenEndpoint, form };
    const answer = await tokenFrom(request);
    Object.assign(secrets, { payer_code: payerCode, payer_secret: clientSecret, payer_token: answer.access_token });
    return { value: answer.access_token, request, response: 'The payer’s own token, which partners never see.' };
  });

  const atPayer = await wholeRecord(
    'payer-record',
    'The same record at the payer',
    parts.payer.fhirBaseUrl,
    payerToken,
  );

  return compared(record, atPayer);
};

const take = async <Value>(
  { signal }: DemoParts,
  name: string,
  title: string,
  report: (step: StepReport) => void,
  secrets: Secrets,
  run: () => Promise<{ value: Value; request: DemoRequest; response: string }>,
): Promise<Value> => {
  const startedMs = performance.now();
  try {
    signal.throwIfAborted();
    const { value, request, response } = await run();
    const ms = Math.round(performance.now() - startedMs);
    report({ name, title, request: curlLine(request, secrets), response: masked(response, secrets), ms });
    return value;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new StepError(name, masked(message, secrets), error);
  }
};

interface TokenAnswer {
  readonly access_token: string;
  readonly refresh_token?: string;
  readonly patient?: string;
}

const tokenFrom = async (request: DemoRequest): Promise<TokenAnswer> => {
  const { status, text } = await send(request);
  if (status !== 200) throw new Error(`the token endpoint answered ${status}: ${text}`);
  return JSON.parse(text) as TokenAnswer;
};

const codeOf = (redirect: string, state: string): string => {
  const query = new URL(redirect).searchParams;
  const code = query.get('code');
  if (code === null) throw new Error(`the sign-in ended in ${query.get('error') ?? 'no code'}`);
  if (query.get('state') !== state) throw new Error('the returned state differs');
  return code;
};

const withQuery = (url: string, parameters: Readonly<Record<string, string>>): string => {
  return `${url}?${new URLSearchParams(parameters).toString()}`;
};

const shortened = (text: string): string => {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 240 ? `${line.slice(0, 240)}…` : line;
};
