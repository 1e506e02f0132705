import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { deleteExport, kickOff, readAttachment, readLines, readStatus } from '../partner/exports.ts';
import type { Manifest, Progress, Send } from '../partner/exports.ts';
import { nameOf, parseFhir } from '../partner/fhir.ts';
import { compareContents, contents } from './contents.ts';
import type { Contents } from './contents.ts';
import { send } from './curl.ts';
import type { DemoRequest } from './curl.ts';
import { exactLine, exactPage } from './exact.ts';
import { grantFor } from './grant.ts';
import { signInAtPayer } from './sign-in.ts';
import type { DemoParts, RunSecrets } from './sign-in.ts';
import { StepError, stepsOf } from './step.ts';
import type { StepReport, Take } from './step.ts';
import { checkTypes } from './steps.ts';
import type { DemoResult, Expectation } from './steps.ts';

/** The demo's reports while it runs. */
export interface Tells {
  readonly step: (step: StepReport) => void;
  /** Called after each poll of the export. */
  readonly progress: (progress: Progress) => void;
}

/**
 * Signs in, exports the whole record, downloads it, compares every resource with the payer's own, and deletes the
 * export.
 * @throws {StepError} if a step does not end as expected
 */
export const runExportDemo = async (parts: DemoParts, expects: Expectation, tells: Tells): Promise<DemoResult> => {
  const base = `${parts.gatewayOrigin}/r4/${parts.payerId}`;
  const secrets: RunSecrets = {};
  const take = stepsOf(tells.step, secrets, parts.signal);
  const { access_token: accessToken } = await grantFor(parts, take, secrets);
  const bearer: Send = (url, { method = 'GET', headers = {} } = {}) =>
    fetch(url, { method, headers: { ...headers, authorization: `Bearer ${accessToken}` }, redirect: 'manual' });

  const status = await take('kick-off', 'Step 3: ask for the whole record', async () => {
    const headers = { Prefer: 'respond-async' };
    const request: DemoRequest = { method: 'GET', url: `${base}/Patient/$export`, accessToken, headers };
    const value = await kickOff(base, bearer);
    return { value, request, response: `202\nContent-Location: ${value}` };
  });
  const request: DemoRequest = { method: 'GET', url: status, accessToken };
  const manifest = await waitForEnd(take, request, bearer, parts.signal, tells.progress);
  const { record, patient } = await download(take, manifest, base, accessToken, bearer);
  const own = await readAtPayer(take, parts, await signInAtPayer(parts, take, secrets));
  const { types, differences } = compareContents(record, own);
  checkTypes(
    types.map(({ type }) => type),
    expects,
  );
  await take('delete', 'Last: delete the export', async () => {
    await deleteExport(status, bearer);
    const { status: after } = await send(request);
    if (after !== 404) throw new Error(`the status of a deleted export answered ${after}`);
    return {
      value: undefined,
      request: { ...request, method: 'DELETE' },
      response: '202; its status is 404 from now on',
    };
  });
  const birthDate = patient['birthDate'];
  const member = { name: nameOf(patient), birthDate: typeof birthDate === 'string' ? birthDate : '' };
  return { member, types, differences, agree: differences.length === 0 };
};

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** Puts the digest of its content in place of each attachment's URL, so that contents are compared, and not their places. */
const withDigests = (text: string, digests: ReadonlyMap<string, string>): string =>
  text.replaceAll(/(?<="url":")[^"]+(?=")/g, (url) => digests.get(url) ?? url);

/** A Binary in its own format. */
const readBinary = async (url: string, accessToken: string): Promise<Uint8Array> => {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${accessToken}` }, redirect: 'manual' });
  if (answer.status !== 200) throw new StepError('payer-record', `${url} answered ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
};

const waitForEnd = (
  take: Take,
  request: DemoRequest,
  bearer: Send,
  signal: AbortSignal,
  tell: (progress: Progress) => void,
): Promise<Manifest> =>
  take('status', 'Step 4: look at its status until it is there', async () => {
    for (let looks = 1; ; looks += 1) {
      const status = await readStatus(request.url, bearer);
      if (status.done) {
        const response = `${looks === 1 ? '' : `202 ${looks - 1} times, then `}200\n${described(status.manifest)}`;
        return { value: status.manifest, request, response };
      }
      tell(status.progress);
      await sleep(status.retryAfterSeconds * 1000, undefined, { signal });
    }
  });

const described = ({ transactionTime, output, error, extension }: Manifest): string => {
  const files = output.map(({ type, count }) => `${type} (${count})`).join(', ');
  const missing = (extension?.outcomes ?? []).filter(({ outcome }) => outcome !== 'complete');
  const gaps = missing.map(({ type, reason = 'no reason given' }) => `Missing of ${type}: ${reason}`);
  return [`${output.length} files: ${files}`, `error files: ${error.length}`, `as of ${transactionTime}`, ...gaps].join(
    '\n',
  );
};

const download = (take: Take, manifest: Manifest, base: string, accessToken: string, bearer: Send) =>
  take('files', 'Step 5: download the files', async () => {
    const [first] = manifest.output;
    if (first === undefined) throw new Error('the export has no file');
    const record = contents(base);
    const attachments = await Promise.all(
      (manifest.extension?.attachments ?? []).map(
        async (file) => [file.url, digestOf(await readAttachment(file, bearer))] as const,
      ),
    );
    let patient = parseFhir('{"resourceType":"Patient"}');
    let lines = 0;
    for (const file of manifest.output) {
      for await (const line of readLines(file, bearer)) {
        const resource = exactLine(line);
        if (!resource.name.startsWith(`${file.type}/`))
          throw new Error(`${resource.name} is in a file of ${file.type}`);
        record.add({ ...resource, text: withDigests(resource.text, new Map(attachments)) });
        if (file.type === 'Patient') patient = parseFhir(line);
        lines += 1;
      }
    }
    const request: DemoRequest = { method: 'GET', url: first.url, accessToken };
    const response = `${manifest.output.length} files, ${lines} resources, ${attachments.length} attachments; the first file is shown`;
    return { value: { record, patient }, request, response };
  });

const readAtPayer = (take: Take, { payer }: DemoParts, accessToken: string): Promise<Contents> =>
  take('payer-record', 'The same record at the payer', async () => {
    const base = payer.fhirBaseUrl;
    const record = contents(base);
    const { text } = await send({ method: 'GET', url: `${base}/Patient`, accessToken });
    const [found] = exactPage(text).resources;
    const first = `${base}/${found?.name}/$everything?_count=100`;
    let pages = 0;
    for (let url: string | undefined = first; url !== undefined; pages += 1) {
      const answer = await send({ method: 'GET', url, accessToken });
      if (answer.status !== 200)
        throw new StepError('payer-record', `a page answered ${answer.status}: ${answer.text}`);
      const { resources, next } = exactPage(answer.text);
      for (const { name, text: own } of resources) {
        const urls = own.match(/(?<="url":")[^"]+\/Binary\/[^"]+(?=")/g) ?? [];
        const digests = urls.map(async (one) => [one, digestOf(await readBinary(one, accessToken))] as const);
        record.add({ name, text: withDigests(own, new Map(await Promise.all(digests))) });
      }
      url = next;
    }
    const response = `200, ${record.names().length} resources in ${pages} pages`;
    return { value: record, request: { method: 'GET', url: first, accessToken }, response };
  });
