import { setTimeout as sleep } from 'node:timers/promises';
import { deleteExport, readLines, readStatus } from '../partner/exports.ts';
import type { ExportFile, Manifest, Progress, Send } from '../partner/exports.ts';
import { generateRecords } from '../payer/data/generate.ts';
import { testMembers, type MemberKey } from '../payer/data/member-list.ts';
import { contentOf } from '../payer/exchange/content.ts';
import { generatedMembers } from '../payer/exchange/generated.ts';
import { compareContents, contents, type Contents } from './contents.ts';
import { send, type DemoRequest } from './curl.ts';
import { exactLine } from './exact.ts';
import { assertionOf, bundleOf, consentOf, parametersOf, tokenForm, type BackendKey, type Plans } from './new-plan.ts';
import { stepsOf, type StepReport, type Take } from './step.ts';
import type { DemoResult } from './steps.ts';

/** The servers that the demo calls, and who calls them. */
export interface ExchangeParts {
  readonly gatewayOrigin: string;
  readonly payerId: string;
  /** The payer's own base, for the comparison. */
  readonly payerBase: string;
  /** The new plan's own system, and its key at the gateway. */
  readonly clientId: string;
  readonly key: BackendKey;
  readonly plans: Plans;
  /** Stops the run before its next step. */
  readonly signal: AbortSignal;
}

interface Group {
  readonly id: string;
  readonly code: { readonly coding: readonly { readonly code: string }[] };
  readonly contained?: readonly { readonly resourceType: string; readonly id: string }[];
}

/** Members of the new plan. The former plan cannot comply with the consent of the last member. */
const asked: readonly MemberKey[] = ['claims', 'all-types', 'sensitive'];
const matched = asked.slice(0, 2);

/** Without data that the law protects specially. */
const regular = 'http://hl7.org/fhir/us/davinci-hrex/StructureDefinition-hrex-consent.html#regular';

/**
 * Asks a former plan for three members, and exports the record of the two that it matches. Every resource must be what that plan
 * hands over.
 * @throws {StepError} if a step does not end as expected
 */
export const runExchangeDemo = async (
  parts: ExchangeParts,
  tells: { readonly step: (step: StepReport) => void; readonly progress: (progress: Progress) => void },
): Promise<DemoResult> => {
  const { gatewayOrigin, payerId, payerBase, signal } = parts;
  const base = `${gatewayOrigin}/r4/${payerId}`;
  const secrets: Record<string, string | undefined> = {};
  const take = stepsOf(tells.step, secrets, signal);
  const token = await takeToken(take, parts, base, secrets);
  /** A token lives for five minutes, which is longer than the demo. */
  const bearer: Send = (url, { method = 'GET', headers = {} } = {}) =>
    fetch(url, { method, headers: { ...headers, authorization: `Bearer ${token}` }, redirect: 'manual' });

  const matching = await takeMatch(take, parts, base, token);
  const request: DemoRequest = { method: 'GET', url: matching, accessToken: token };
  const looks = { signal, progress: tells.progress };
  const found = await waitForEnd(take, ['match-status', 'Step 3: look until it is done'], request, bearer, looks);
  const group = await takeGroups(take, found, request, bearer);

  const exporting = await take('export', 'Step 5: ask for the records of those who were matched', () =>
    start({
      method: 'GET',
      url: `${base}/Group/${group}/$davinci-data-export`,
      accessToken: token,
      headers: { Prefer: 'respond-async' },
    }),
  );
  const looked = { ...request, url: exporting };
  const manifest = await waitForEnd(take, ['status', 'Step 6: look until it is there'], looked, bearer, looks);
  const record = await download(take, manifest, [base, payerBase], looked, bearer);
  const { types, differences } = compareContents(record, handedOver(payerBase), manifest.output.length);
  await take('delete', 'Last: delete the export and the match', async () => {
    for (const url of [exporting, matching]) {
      await deleteExport(url, bearer);
      const { status } = await send({ ...request, url });
      if (status !== 404) throw new Error(`the status of a deleted request answered ${status}`);
    }
    return { value: undefined, request: { ...looked, method: 'DELETE' }, response: '202; both are 404 from now on' };
  });
  const members = matched.map((key) => testMembers[key]);
  const name = members.map(({ firstName, lastName }) => `${firstName} ${lastName}`).join(', ');
  const birthDate = members.map((one) => one.birthDate).join(', ');
  return { member: { name, birthDate }, types, differences, agree: differences.length === 0 };
};

const takeToken = (
  take: Take,
  { gatewayOrigin, clientId, key }: ExchangeParts,
  base: string,
  secrets: Record<string, string | undefined>,
): Promise<string> =>
  take('token', 'Step 1: the new plan’s own system gets a token', async () => {
    const url = `${gatewayOrigin}/oauth2/token`;
    const assertion = await assertionOf(clientId, url, key);
    const form = { ...tokenForm(assertion, 'system/*.rs'), resource: base };
    secrets['client_assertion'] = assertion;
    const request: DemoRequest = { method: 'POST', url, form };
    const { status, text } = await send(request);
    if (status !== 200) throw new Error(`the token endpoint answered ${status}: ${text}`);
    const answer = JSON.parse(text) as { readonly access_token: string };
    secrets['access_token'] = answer.access_token;
    return { value: answer.access_token, request, response: JSON.stringify(answer, undefined, 2) };
  });

/** Starts what the request asks for. @returns the URL of its status */
const start = async (request: DemoRequest): Promise<{ value: string; request: DemoRequest; response: string }> => {
  const { status, headers, text } = await send(request);
  const value = headers.get('content-location');
  if (status !== 202 || value === null) throw new Error(`${request.url} answered ${status}: ${text}`);
  return { value, request, response: `202\nContent-Location: ${value}` };
};

const takeMatch = (take: Take, { plans }: ExchangeParts, base: string, accessToken: string): Promise<string> =>
  take('match', 'Step 2: ask the former plan for three members', () => {
    const bundles = asked.map((key) => {
      const consent = consentOf(key, { policy: [{ uri: regular }] }, {}, plans);
      return bundleOf(testMembers[key], key, { consent }, plans);
    });
    return start({
      method: 'POST',
      url: `${base}/Group/$bulk-member-match`,
      accessToken,
      headers: { Prefer: 'respond-async' },
      body: { file: 'members.json', text: JSON.stringify(parametersOf(bundles)) },
    });
  });

const waitForEnd = (
  take: Take,
  [name, title]: readonly [name: string, title: string],
  request: DemoRequest,
  bearer: Send,
  { signal, progress }: { readonly signal: AbortSignal; readonly progress: (progress: Progress) => void },
): Promise<Manifest> =>
  take(name, title, async () => {
    for (let looks = 1; ; looks += 1) {
      const status = await readStatus(request.url, bearer);
      if (status.done) {
        const { output, error } = status.manifest;
        const files = output.map(({ type, count }) => `${type} (${count})`).join(', ');
        const problems = await Promise.all(error.map((file) => linesOf(file, bearer)));
        const response = [
          `${looks === 1 ? '' : `202 ${looks - 1} times, then `}200`,
          `${output.length} files: ${files}`,
          ...problems.flat().map(diagnosticsIn),
        ];
        return { value: status.manifest, request, response: response.join('\n') };
      }
      progress(status.progress);
      await sleep(status.retryAfterSeconds * 1000, undefined, { signal });
    }
  });

const linesOf = async (file: ExportFile, bearer: Send): Promise<readonly string[]> => {
  const lines: string[] = [];
  for await (const line of readLines(file, bearer)) lines.push(line);
  return lines;
};

/** The sentence of an OperationOutcome. */
const diagnosticsIn = (line: string): string => {
  const { issue = [] } = JSON.parse(line) as { readonly issue?: readonly { readonly diagnostics?: string }[] };
  return issue.map(({ diagnostics }) => diagnostics ?? line).join(' ');
};

const outcomes = { match: 'matched', nomatch: 'not found', consentconstraint: 'refused for their consent' } as const;

/** Reads the Groups of a match. @returns the id of the Group of matched members */
const takeGroups = (take: Take, { output }: Manifest, request: DemoRequest, bearer: Send): Promise<string> =>
  take('groups', 'Step 4: read who was matched', async () => {
    const files = output.filter(({ type }) => type === 'Group');
    const [first] = files;
    const lines = (await Promise.all(files.map((file) => linesOf(file, bearer)))).flat();
    const groups = lines.map((line) => JSON.parse(line) as Group);
    const having = (code: keyof typeof outcomes): readonly string[] =>
      groups
        .filter((group) => group.code.coding.some((coding) => coding.code === code))
        .flatMap(({ contained = [] }) => contained.filter(({ resourceType }) => resourceType === 'Patient'))
        .map(({ id }) => id);
    const told = Object.entries(outcomes).map(
      ([code, means]) => `${means}: ${having(code as keyof typeof outcomes).join(', ') || 'nobody'}`,
    );
    const group = groups.find(({ code }) => code.coding.some((coding) => coding.code === 'match'));
    const [refused] = asked.slice(matched.length);
    if (having('match').join() !== matched.join() || having('consentconstraint').join() !== refused) {
      throw new Error(`other members were matched than expected: ${told.join('; ')}`);
    }
    if (group === undefined || first === undefined) throw new Error('there is no Group of matched members');
    return { value: group.id, request: { ...request, url: first.url }, response: told.join('\n') };
  });

const download = (
  take: Take,
  { output }: Manifest,
  bases: readonly string[],
  request: DemoRequest,
  bearer: Send,
): Promise<Contents> =>
  take('files', 'Step 7: download the files', async () => {
    const [first] = output;
    if (first === undefined) throw new Error('the export has no file');
    const record = contents(...bases);
    let lines = 0;
    for (const file of output) {
      for await (const line of readLines(file, bearer)) {
        record.add(exactLine(line));
        lines += 1;
      }
    }
    const response = `${output.length} files, ${lines} resources; the first file is shown`;
    return { value: record, request: { ...request, url: first.url }, response };
  });

/** The former plan's records of the matched members, in the form in which plans exchange them. */
const handedOver = (payerBase: string): Contents => {
  const records = generateRecords();
  const ids = new Set(matched.map((key) => testMembers[key].memberId as string));
  const patientIds = records.flatMap(({ member, patientId }) => (ids.has(member.memberId) ? [patientId] : []));
  const record = contents(payerBase);
  const content = contentOf(records, generatedMembers(undefined, payerBase), payerBase)({ patientIds });
  for (const source of [...content.values()].flat()) {
    for (let index = 0; index < source.count; index++) record.add(exactLine(source.text(index)));
  }
  return record;
};
