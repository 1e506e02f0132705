import { eventually } from '../support/eventually.ts';
import { byHand } from '../support/payer/answers.ts';
import { everyTenMegabytes, watchHeld } from '../support/resident-memory.ts';
import { connect, read } from './client.ts';
import { expectOutcome } from './expectations.ts';
import { inProcesses, promises, type Requirement } from './requirement.ts';

const fhirJson = { 'content-type': 'application/fhir+json' };

const megabyte = Buffer.alloc(1024 * 1024, 'x');
/** A bundle of 100 MB in one string, generated while it is sent. */
const largeAnswer = byHand(async (response) => {
  response.writeHead(200, fhirJson);
  response.write('{"resourceType":"Binary","data":"');
  for (let sent = 0; sent < 100; sent += 1) {
    if (!response.write(megabyte)) await new Promise((drained) => response.once('drain', drained));
  }
  response.end('"}');
});

const countBytes = async ({ body }: Response, onChunk: (bytes: number) => Promise<void>): Promise<number> => {
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    await onChunk(chunk.length);
  }
  return bytes;
};

/** One byte after another, forever. */
const drip = byHand((response) => {
  response.writeHead(200, fhirJson);
  const timer = setInterval(() => response.write(' '), 200);
  response.once('close', () => clearInterval(timer));
});

/** Answers that are large or slow. */
export const size: readonly Requirement[] = promises({
  'AWS Lambda quotas: streams 100 MB completely, with flat memory': inProcesses(async (target) => {
    const { access_token: token } = await connect(target);
    for (let warmUp = 0; warmUp < 20; warmUp += 1) await (await read(target, '/Patient', token)).text();
    target.payers.script('clear-health', { r4: largeAnswer });
    const memory = await watchHeld(async () => (await target.cloud.held()).get('fetch'));
    const bytes = await countBytes(await read(target, '/Patient', token), everyTenMegabytes(memory.look));
    expect(bytes).toBe(100 * megabyte.length + '{"resourceType":"Binary","data":""}'.length);
    expect(memory.grownMb()).toBeLessThan(40);
  }),
  'AWS Lambda quotas: cuts the answer of a slow payer when the time budget is over': async (target) => {
    const issued = await connect(target, {}, { payer: 'slow-health' });
    target.payers.script('slow-health', { r4: drip });
    const response = await read(target, '/Patient', issued.access_token, { payer: 'slow-health' });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
    // The function itself answers, and keeps some of its time for this line.
    await eventually(() => target.logLines.some((line) => line.includes('"error":"payer_timeout"')), 60_000);
    expect(target.logLines.find((line) => line.includes('"error":"payer_timeout"'))).toMatch(
      /"detail":"cut after [1-9]\d* bytes: TimeoutError"/,
    );
  },
  'AWS Lambda quotas: answers 504 if a payer is silent until the time budget is over': async (target) => {
    const { access_token: token } = await connect(target, {}, { payer: 'slow-health' });
    target.payers.script('slow-health', { r4: 'no answer' });
    await expectOutcome(await read(target, '/Patient', token, { payer: 'slow-health' }), 504);
  },
});
