import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { answer, answerFhir, bundleOf, type Script } from '../support/payer/answers.ts';
import { servePayers, type PayerServer } from '../support/payer/server.ts';
import { strictPayers, type StrictPayers } from '../support/payer/strict-payers.ts';

/** How one call in twenty fails. */
const faults = ['a 500', 'no answer', 'a reset', 'a slow answer'] as const;
type Fault = (typeof faults)[number];
const faultShare = 0.05;
const slowMs = 2000;

/** Seconds: so few that a grant's payer tokens are refreshed again and again. */
const accessTokenSeconds = 120;

/** A strict payer that signs everyone in at once, and fails at random. */
export interface SoakPayer extends PayerServer, Pick<StrictPayers, 'register' | 'misuse'> {
  /** Faults so far, by kind. */
  readonly faults: Readonly<Record<Fault, number>>;
  /**
   * Whether this member's payer tokens were rotated in an answer that the gateway never received: then the grant is
   * lost, as with every payer that rotates.
   */
  readonly lostRotation: (patient: string) => boolean;
}

/** Numbers from 0 to 1 that are the same in every run. */
const chances = (seed: number): (() => number) => {
  let drawn = 0;
  return () => {
    drawn += 1;
    return createHash('sha256').update(`${seed}.${drawn}`).digest().readUInt32BE() / 2 ** 32;
  };
};

/** A searchset of varying size, so that bodies are really streamed. */
const bundleFor = (patient: string): object =>
  bundleOf(
    ...Array.from({ length: 20 }, (_none, index) => ({
      resourceType: 'Observation',
      id: `${patient}-${index}`,
      subject: { reference: `Patient/${patient}` },
      valueString: 'x'.repeat(500),
    })),
  );

/** Starts it on a free port. @param payers their ids */
export const startSoakPayer = async (seed: number, payers: readonly string[]): Promise<SoakPayer> => {
  const chance = chances(seed);
  const counted: Record<Fault, number> = { 'a 500': 0, 'no answer': 0, 'a reset': 0, 'a slow answer': 0 };
  const strict = strictPayers({
    nowMs: Date.now,
    mint: () => randomUUID(),
    member: () => ({ patient: randomUUID(), lives: accessTokenSeconds, renews: true }),
    record: (_request, login) => (login === undefined ? answer(401, {}) : answerFhir(bundleFor(login.patient))),
    remembers: false,
  });
  const failing: Script = async (_request, usual) => {
    const fault = chance() < faultShare ? faults[Math.floor(chance() * faults.length)] : undefined;
    if (fault === undefined) return usual();
    counted[fault] += 1;
    if (fault === 'a 500') return answer(500, {});
    // The gateway gives up by itself.
    if (fault === 'no answer') return fault;
    if (fault === 'a slow answer') {
      await sleep(slowMs);
      return usual();
    }
    // Half of the broken connections break after the payer has rotated.
    if (chance() >= 0.5) await usual();
    return 'reset';
  };
  for (const payer of payers) strict.script(payer, { token: failing, revoke: failing, r4: failing });
  const server = await servePayers(strict);
  return {
    ...server,
    register: strict.register,
    misuse: strict.misuse,
    faults: counted,
    lostRotation: (patient) =>
      strict.logins().some((login) => login.patient === patient && login.events.includes('lost')),
  };
};
