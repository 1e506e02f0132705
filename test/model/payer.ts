import type { Payer } from '../../functions/shared/registry/types.ts';
import { answerFhir, answerText, loseTokens } from '../support/payer/answers.ts';
import { payerHttpOf, signInAt } from '../support/payer/in-process.ts';
import { strictPayers, type Login } from '../support/payer/strict-payers.ts';
import type { PayerId, PayerMood } from './commands.ts';

/** Stands in every payer token and payer code, and so may be in nothing that leaves the gateway. */
export const canary = 'payer-canary';
/** What the gateway proves itself with at both payers. */
export const secretAtPayers = `${canary}-secret`;

/** What is known at the payer before a command, and what the payer saw during it. */
export interface PayerSays {
  /** Whether the payer takes the access token that the gateway holds. */
  readonly good: boolean;
  readonly renews: boolean;
  readonly mood: PayerMood;
  /** What it did meanwhile. */
  readonly events: Login['events'];
  /** Whether two calls are about this login at once, so that the events may be either's. */
  readonly shared: boolean;
}

const scripts = { well: undefined, down: answerText(503, ''), lost: loseTokens } as const;

/** The payers of the local stage, in memory, with a patient for each login. */
export const modelPayers = (origin: string, profiles: readonly Payer[], nowMs: () => number) => {
  const secrets = Object.fromEntries(profiles.map(({ id }) => [id, secretAtPayers]));
  const moods: Record<PayerId, PayerMood> = { northwind: 'well', 'demo-health-plan': 'well' };
  let minted = 0;
  const payers = strictPayers({
    nowMs,
    mint: (kind) => `${canary}-${kind}-${(minted += 1)}`,
    member: () => {
      throw new Error('a member without a name');
    },
    // It granted what it was asked for.
    tokenAnswer: () => ({ scope: undefined }),
    record: ({ url }, login) => {
      const resource = { resourceType: 'Patient', id: login?.patient };
      const isSearch = url.href.endsWith('/Patient');
      return answerFhir(isSearch ? { resourceType: 'Bundle', type: 'searchset', entry: [{ resource }] } : resource);
    },
    newestOnly: true,
    remembers: false,
  });
  payers.register(origin, profiles, secrets);
  const loginOf = (patient: string): Login => {
    const found = payers.logins().find((login) => login.patient === patient);
    if (found === undefined) throw new Error(`nobody signed in as ${patient}`);
    return found;
  };
  return {
    http: payerHttpOf(payers),
    /** What the gateway must never have done to a payer. */
    misuse: payers.misuse,
    mood: (payer: PayerId, mood: PayerMood): void => {
      moods[payer] = mood;
      payers.script(payer, { token: scripts[mood] });
    },
    moodOf: (payer: PayerId): PayerMood => moods[payer],
    signIn: signInAt(payers),
    /** The payer ends a member's login, or forgets its access token only. */
    end: (patient: string): void => void (loginOf(patient).ended = true),
    forget: (patient: string): void => loginOf(patient).access.clear(),
    /** How things stand for a member before a command; its events then come in. */
    says: (patient: string, { shared }: { shared: boolean }): PayerSays => {
      const login = loginOf(patient);
      login.events = [];
      const { access, ended, renews, payer, events } = login;
      const good = !ended && [...access.values()].some((endsAt) => endsAt > nowMs() / 1000);
      return { good, renews, mood: moods[payer as PayerId], events, shared };
    },
  };
};
