import { randomBytes } from 'node:crypto';
import {
  memberEndsMs,
  openGroupBody,
  sealGroupBody,
  spanOf,
  whyLeftOut,
  type GroupBody,
} from '../../../../functions/shared/exchanges/group.ts';
import { openInput, sealInput, type ExchangeInput } from '../../../../functions/shared/exchanges/input.ts';
import { jobBoxes } from '../../../support/job-boxes.ts';

const at = (text: string): number => Date.parse(text);

describe('the moments of a FHIR dateTime', () => {
  // Periods include all of their end: https://hl7.org/fhir/R4/datatypes.html#Period
  it.each([
    ['2026-12-31', '2026-12-31T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['2024-02-29', '2024-02-29T00:00:00Z', '2024-03-01T00:00:00Z'],
    ['2024-02', '2024-02-01T00:00:00Z', '2024-03-01T00:00:00Z'],
    ['2026-12', '2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['2026', '2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['2026-12-31T23:59:59-08:00', '2027-01-01T07:59:59Z', '2027-01-01T08:00:00Z'],
    ['2026-12-31T23:59:59.999Z', '2026-12-31T23:59:59.999Z', '2027-01-01T00:00:00Z'],
    ['9999-12-31', '9999-12-31T00:00:00Z', '+010000-01-01T00:00:00Z'],
  ])('%s is from %s to before %s', (text, from, before) => {
    expect(spanOf(text)).toEqual({ from: at(from), before: at(before) });
  });

  it.each([
    '',
    '26-12-31',
    '2026-13',
    '2026-02-29',
    '2026-02-30T00:00:00Z',
    '2026-12-31T00:00:00',
    '2026-12-31T00:00Z',
    '2026-12-31T25:00:00Z',
    '2026-12-31 ',
    'never',
  ])('%j has none', (text) => expect(spanOf(text)).toBeUndefined());
});

describe('a consent, and a period in a Group,', () => {
  it.each([
    [undefined, '2099-01-01T00:00:00Z', true],
    ['2026-12-01', '2026-12-01T00:00:00.000Z', true],
    ['2026-12-01', '2026-12-01T23:59:59.999Z', true],
    ['2026-12-01', '2026-12-02T00:00:00.000Z', false],
    ['2026-12-01T12:00:00Z', '2026-12-01T12:00:00.999Z', true],
    ['2026-12-01T12:00:00Z', '2026-12-01T12:00:01.000Z', false],
    ['soon', '2026-12-01T00:00:00Z', false],
  ])('that ends %s holds at %s: %s', (endsAt, now, holds) => {
    const end = endsAt === undefined ? {} : { endsAt };
    const consent = { id: 'c', hash: 'h' };
    const byConsent = { reference: 'Patient/1', consent: { ...consent, ...end } };
    const byPeriod = { reference: 'Patient/1', consent, ...(endsAt === undefined ? {} : { until: endsAt }) };

    const none: ReadonlySet<string> = new Set();
    expect([byConsent, byPeriod].map((one) => whyLeftOut(one, none, at(now)))).toEqual(
      holds ? [undefined, undefined] : ['consentEnded', 'notNow'],
    );
    expect([byConsent, byPeriod].map((one) => at(now) < memberEndsMs(one))).toEqual([holds, holds]);
    expect(whyLeftOut(byPeriod, new Set(['Patient/1']), at(now))).toBe('ended');
  });
});

describe("a Group's body", () => {
  const body: GroupBody = {
    resource: '{"resourceType":"Group","quantity":1.00}',
    members: [{ submitted: 'p1', reference: 'Patient/1001', consent: { id: 'c1', hash: 'h', endsAt: '2027-01-01' } }],
  };
  const place = { owner: 'northwind/new-plan', id: 'g.1' };

  it('opens with its key at its place, and nowhere else', async () => {
    const key = randomBytes(32);
    const sealed = await sealGroupBody({ randomBytes }, key, place, body);
    expect(Buffer.from(sealed).includes('Patient/1001')).toBe(false);
    await expect(openGroupBody(key, place, sealed)).resolves.toEqual(body);
    for (const other of [
      { ...place, id: 'g.2' },
      { ...place, owner: 'northwind/another' },
    ]) {
      await expect(openGroupBody(key, other, sealed)).rejects.toThrow();
    }
    await expect(openGroupBody(randomBytes(32), place, sealed)).rejects.toThrow();
  });
});

describe("an exchange's input", () => {
  const input: ExchangeInput = {
    kind: 'match',
    body: '{"resourceType":"Parameters","a":1.00}',
    members: [{ patient: 'p1', consent: { id: 'c1', hash: 'h' } }],
  };
  const { sealForJob, openInJob } = jobBoxes();

  it('opens for the job of its export, and for no other', async () => {
    const sealed = await sealInput({ randomBytes, sealForJob }, 'export-1', input, 'item');
    expect(Buffer.from(sealed.input).includes('p1')).toBe(false);
    await expect(openInput({ openInJob }, 'export-1', sealed, 'item')).resolves.toEqual(input);
    await expect(openInput({ openInJob }, 'export-2', sealed, 'item')).rejects.toThrow('authenticate');
    await expect(openInput({ openInJob }, 'export-1', sealed, 'another item')).rejects.toThrow('authenticate');
  });
});
