import { watchMemory } from '../support/resident-memory.ts';
import { connect, read, type Tokens } from './client.ts';
import { expectOutcome } from './expectations.ts';
import type { LocalTarget } from './local-target.ts';
import { localRequirement, type Requirement } from './requirement.ts';
import type { Respond } from './scripted-payer.ts';

const fhirJson = { 'content-type': 'application/fhir+json' };

const megabyte = Buffer.alloc(1024 * 1024, 'x');
/** A bundle of 100 MB in one string, made as it is sent. */
const largeAnswer: Respond = async (_request, response) => {
  response.writeHead(200, fhirJson);
  response.write('{"resourceType":"Binary","data":"');
  for (let sent = 0; sent < 100; sent += 1) {
    if (!response.write(megabyte)) await new Promise((drained) => response.once('drain', drained));
  }
  response.end('"}');
};

const countBytes = async ({ body }: Response, onChunk: () => void): Promise<number> => {
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    onChunk();
  }
  return bytes;
};

/** Byte after byte, for ever. */
const drip: Respond = (_request, response) => {
  response.writeHead(200, fhirJson);
  const timer = setInterval(() => response.write(' '), 200);
  response.once('close', () => clearInterval(timer));
};

const expectCut = async (target: LocalTarget, issued: Tokens): Promise<number> => {
  const startedAt = performance.now();
  const response = await read(target, '/Patient', issued.access_token, { payer: 'slow-health' });
  expect(response.status).toBe(200);
  await expect(response.text()).rejects.toThrow();
  return performance.now() - startedAt;
};

/** Answers that are large or slow. */
export const size: readonly Requirement[] = [
  localRequirement('AWS Lambda quotas', 'streams 100 MB through, all of it, with flat memory', async (target) => {
    const { access_token: token } = await connect(target);
    for (let warmUp = 0; warmUp < 20; warmUp += 1) await (await read(target, '/Patient', token)).text();
    target.payers.script('clear-health', { r4: largeAnswer });
    const memory = watchMemory(() => target.cloud.pids()['fetch']);
    const bytes = await countBytes(await read(target, '/Patient', token), memory.look);
    expect(bytes).toBe(100 * megabyte.length + '{"resourceType":"Binary","data":""}'.length);
    expect(memory.grownMb()).toBeLessThan(40);
  }),
  localRequirement(
    'AWS Lambda quotas',
    'cuts the answer of a payer that drips bytes when the time budget is over',
    async (target) => {
      const issued = await connect(target, {}, { payer: 'slow-health' });
      target.payers.script('slow-health', { r4: drip });
      // The function has 6 s here, of which it keeps 3 s back.
      const tookMs = await expectCut(target, issued);
      expect(tookMs).toBeGreaterThan(2000);
      expect(tookMs).toBeLessThan(5500);
    },
  ),
  localRequirement(
    'AWS Lambda quotas',
    'answers 504 where a payer says nothing until the time budget is over',
    async (target) => {
      const { access_token: token } = await connect(target, {}, { payer: 'slow-health' });
      target.payers.script('slow-health', { r4: () => undefined });
      await expectOutcome(await read(target, '/Patient', token, { payer: 'slow-health' }), 504);
    },
  ),
];
