import { eventually } from '../support/eventually.ts';
import { answer } from '../support/payer/answers.ts';
import { connect, read } from './client.ts';
import { expectOutcome } from './expectations.ts';
import { promises, type Requirement } from './requirement.ts';

/** Too many requests, to us or to the payer. */
export const pressure: readonly Requirement[] = promises({
  "RFC 6585 §4: passes on a payer's 429 with its Retry-After, within limits": async (target) => {
    const { access_token: token } = await connect(target);
    const expected = [
      ['7', 7],
      ['999999999', 3600],
      ['0', 1],
      ['soon', 30],
      [undefined, 30],
    ] as const;
    for (const [given, seconds] of expected) {
      target.payers.script('clear-health', {
        r4: answer(429, {}, given === undefined ? {} : { 'retry-after': given }),
      });
      const response = await read(target, '/Patient', token);
      expect(response.headers.get('retry-after')).toBe(String(seconds));
      await expectOutcome(response, 429);
    }
    const inTwoMinutes = new Date(Date.now() + 120_000).toUTCString();
    target.payers.script('clear-health', { r4: answer(429, {}, { 'retry-after': inTwoMinutes }) });
    expect(Number((await read(target, '/Patient', token)).headers.get('retry-after'))).toBeGreaterThan(110);
  },
  "RFC 9110 §15.6.4: passes on a payer's 503 with its Retry-After": async (target) => {
    const { access_token: token } = await connect(target);
    target.payers.script('clear-health', { r4: answer(503, {}, { 'retry-after': '12' }) });
    const response = await read(target, '/Patient', token);
    expect(response.headers.get('retry-after')).toBe('12');
    await expectOutcome(response, 503);
  },
  'OWASP API4:2023: answers 429 to a partner over its limit, in any process, and serves the others': async (target) => {
    const { access_token: flooding } = await connect(target, {}, { app: target.apps.flooding });
    const { access_token: other } = await connect(target);
    // Starts ten environments. On a busy machine their cold starts take longer than asking the limit may.
    await Promise.all(Array.from({ length: 10 }, () => read(target, '/Patient', 'none')));
    const before = target.logLines.length;
    const began = performance.now();
    const responses = await Promise.all(Array.from({ length: 10 }, () => read(target, '/Patient', flooding)));
    const refilled = Math.floor((performance.now() - began) / 10_000);
    const refused = responses.filter(({ status }) => status === 429);
    const admitted = responses.filter(({ status }) => status === 200);
    expect(refused.length + admitted.length).toBe(10);
    // Of ten concurrent calls at ten processes some may be refused although a turn is left, but never the other way
    // round. An environment that cannot ask the limit in time limits alone, and says so in its log.
    const admittedByLimit = (): number =>
      admitted.length - target.logLines.slice(before).filter((line) => line.includes('"limitsDown":1')).length;
    await eventually(() => admittedByLimit() <= 3 + refilled, 10_000);
    expect(admittedByLimit()).toBeLessThanOrEqual(3 + refilled);
    expect(admitted.length).toBeGreaterThan(0);
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
    await expectOutcome(refused[0] as Response, 429);
    expect((await read(target, '/Patient', other)).status).toBe(200);
  },
  'draft-ietf-httpapi-ratelimit-headers-11 §3, §4: tells a partner its limit and the rest of it, on a refusal as on a read, and in no other answer':
    async (target) => {
      const { access_token: token } = await connect(target, {}, { app: target.apps.flooding });
      const told: (string | null)[] = [];
      for (let call = 0; call < 4; call += 1) {
        const { status, headers } = await read(target, '/Patient', token);
        expect(headers.get('ratelimit-policy')).toBe('"partner";q=3;w=30');
        expect(headers.get('ratelimit')).toMatch(/^"partner";r=\d+;t=[1-9]\d*$/);
        told.push(headers.get('ratelimit'));
        if (status === 429) expect(headers.get('ratelimit')).toBe(`"partner";r=0;t=${headers.get('retry-after')}`);
      }
      expect(told.at(-1)).toMatch(/;r=0;/);
      expect((await read(target, '/Patient', 'p2pa_nonsense')).headers.get('ratelimit')).toBeNull();
      expect((await fetch(`${target.origin}/r4/clear-health/metadata`)).headers.get('ratelimit')).toBeNull();
    },
});
