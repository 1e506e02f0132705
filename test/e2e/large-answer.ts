import { createHash } from 'node:crypto';
import { signInAsMember } from '../../sandbox/payer/walk.ts';
import { everyTenMegabytes, watchHeld } from '../support/resident-memory.ts';
import { connect, largeMember, type RunningStack } from './support.ts';

let stack: RunningStack;

/** A token from the payer, obtained as the gateway obtains one. */
const payerToken = async (): Promise<string> => {
  const origin = stack.urls.demoHealthPlan;
  const query = new URLSearchParams({
    client_id: 'gateway-at-demo-health-plan',
    redirect_uri: `${stack.origin}/oauth2/callback/demo-health-plan`,
  });
  const back = await signInAsMember(`${origin}/oauth2/authorize/payer2payer?${query}`, largeMember);
  const answer = await fetch(`${origin}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: 'gateway-at-demo-health-plan',
      client_secret: 'demo-health-plan-secret',
      code: new URL(back).searchParams.get('code') ?? '',
    }),
  });
  return ((await answer.json()) as { access_token: string }).access_token;
};

/** Hash and size of a stream after one string was replaced with another, across chunk borders. */
const hashReplaced = async (
  { body }: Response,
  from: string,
  to: string,
  onChunk: (bytes: number) => Promise<void>,
) => {
  const hash = createHash('sha256');
  let held = '';
  let bytes = 0;
  if (body === null) throw new Error('no body');
  for await (const chunk of body) {
    await onChunk(chunk.length);
    bytes += chunk.length;
    const text = (held + Buffer.from(chunk).toString('latin1')).replaceAll(from, to);
    const keep = Math.min(from.length - 1, text.length);
    hash.update(text.slice(0, text.length - keep), 'latin1');
    held = text.slice(text.length - keep);
  }
  return { sha256: hash.update(held, 'latin1').digest('hex'), bytes };
};

const read = (at: string, bearer: string): Promise<Response> =>
  fetch(`${at}/Observation?_count=100000`, { headers: { authorization: `Bearer ${bearer}` } });
const nothing = (): Promise<void> => Promise.resolve();

/** Tests of a running stack. */
export const largeAnswer = (running: () => RunningStack): void => {
  beforeAll(() => {
    stack = running();
  });

  it('streams 100 MB unchanged except for its links, with flat memory, and begins before the payer has ended', async () => {
    const payer = 'demo-health-plan';
    const payerBase = `${stack.urls.demoHealthPlan}/r4`;
    const base = `${stack.origin}/r4/${payer}`;
    const { access_token: token } = await connect(stack, payer, largeMember);
    const direct = await hashReplaced(await read(payerBase, await payerToken()), base, payerBase, nothing);
    for (let warmUp = 0; warmUp < 20; warmUp += 1) {
      await (await fetch(`${base}/Patient`, { headers: { authorization: `Bearer ${token}` } })).text();
    }
    const memory = await watchHeld(async () => (await stack.held()).get('fetch'));
    const look = everyTenMegabytes(memory.look);

    // The payer logs a request when its last byte has been sent.
    const ended = (): number =>
      stack.requestLines.filter((line) => line.startsWith(payer) && line.includes('/r4/Observation')).length;
    const endedBefore = ended();
    let endedAtFirstByte: number | undefined;
    const through = await hashReplaced(await read(base, token), base, payerBase, (bytes) => {
      endedAtFirstByte ??= ended();
      return look(bytes);
    });

    expect(through.bytes).toBeGreaterThan(100_000_000);
    expect(through.sha256).toBe(direct.sha256);
    expect(memory.grownMb()).toBeLessThan(40);
    expect(endedAtFirstByte).toBe(endedBefore);
    expect(ended()).toBe(endedBefore + 1);
  });
};
