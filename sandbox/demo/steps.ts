import { nameOf } from '../partner/fhir.ts';
import { readRecord } from '../partner/record.ts';
import type { Read, WholeRecord } from '../partner/record.ts';
import type { MemberKey } from '../payer/data/member-list.ts';
import { compareRecords } from './compare.ts';
import type { TypeRow } from './compare.ts';
import { send } from './curl.ts';
import type { DemoRequest } from './curl.ts';
import { grantFor } from './grant.ts';
import { signInAtPayer } from './sign-in.ts';
import type { DemoParts, RunSecrets } from './sign-in.ts';
import { StepError, stepsOf } from './step.ts';
import type { StepReport } from './step.ts';

export interface DemoResult {
  readonly member: { readonly name: string; readonly birthDate: string };
  readonly types: readonly TypeRow[];
  readonly differences: readonly string[];
  readonly agree: boolean;
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

/** @throws {StepError} if the record lacks what it must have, or has what it must not */
export const checkTypes = (
  types: readonly string[],
  { fewestTypes, types: wanted, withoutTypes }: Expectation,
): void => {
  if (types.length < fewestTypes) throw new StepError('record', `The record has only ${types.length} resource types.`);
  const surplus = types.find((type) => withoutTypes.includes(type));
  if (surplus !== undefined) {
    throw new StepError('record', `${surplus} is not clinical data and should not be there.`);
  }
  const missing = wanted.find((type) => !types.includes(type));
  if (missing !== undefined) throw new StepError('record', `The record has no ${missing}.`);
};

/**
 * Makes the three calls of a partner app (authorize, token, FHIR), then reads the whole record and the payer's own
 * record. `report` gets each step when it ends.
 * @throws {StepError} if a step does not end as expected
 */
export const runDemo = async (
  parts: DemoParts,
  expects: Expectation,
  report: (step: StepReport) => void,
): Promise<DemoResult> => {
  const base = `${parts.gatewayOrigin}/r4/${parts.payerId}`;
  const secrets: RunSecrets = {};
  const take = stepsOf(report, secrets, parts.signal);
  const token = await grantFor(parts, take, secrets);

  await take('patient', 'Step 3: FHIR with the token', async () => {
    const request: DemoRequest = { method: 'GET', url: `${base}/Patient`, accessToken: token.access_token };
    const { status, text } = await send(request);
    if (status !== 200) throw new Error(`GET Patient answered ${status}: ${text}`);
    return { value: undefined, request, response: `${status}, ${text.length} characters: ${shortened(text)}` };
  });

  const wholeRecord = (
    name: string,
    title: string,
    from: string,
    accessToken: string,
    patientId?: string,
  ): Promise<WholeRecord> =>
    take(name, title, async () => {
      const read: Read = (url) => send({ method: 'GET', url, accessToken });
      const whole = await readRecord(from, read, patientId);
      const url = `${from}/Patient/${whole.patient.id}/$everything?_count=100`;
      const response = `200, ${whole.resources.length} resources in ${whole.pages} pages`;
      return { value: whole, request: { method: 'GET', url, accessToken }, response };
    });

  const record = await wholeRecord('record', 'The whole record, all pages', base, token.access_token, token.patient);
  const payerToken = await signInAtPayer(parts, take, secrets);
  const payerBase = parts.payer.fhirBaseUrl;
  const atPayer = await wholeRecord('payer-record', 'The same record at the payer', payerBase, payerToken);

  const { types, differences } = compareRecords({ base, record }, { base: payerBase, record: atPayer });
  checkTypes(
    types.map(({ type }) => type),
    expects,
  );
  const birthDate = record.patient['birthDate'];
  const member = { name: nameOf(record.patient), birthDate: typeof birthDate === 'string' ? birthDate : '' };
  return { member, types, differences, agree: differences.length === 0 };
};

const shortened = (text: string): string => {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 240 ? `${line.slice(0, 240)}…` : line;
};
