import type { Payer } from '../../functions/shared/registry/types.ts';
import { answerFhir, answerText, loseTokens } from '../support/payer/answers.ts';
import { payerHttpOf, signInAt } from '../support/payer/in-process.ts';
import { strictPayers, type Login } from '../support/payer/strict-payers.ts';
import type { PayerId, PayerMood } from './commands.ts';

/** Part of every payer token and payer code, so nothing that leaves the gateway may contain it. */
export const canary = 'payer-canary';
/** The gateway's secret at both payers. */
export const secretAtPayers = `${canary}-secret`;

/** What the payer knows before a command, and what it saw during the command. */
export interface PayerSays {
  /** Whether the payer accepts the access token that the gateway holds. */
  readonly good: boolean;
  readonly renews: boolean;
  readonly mood: PayerMood;
  /** What it did in the meantime. */
  readonly events: Login['events'];
  /** Whether two concurrent calls are about this login, so that the events may belong to either. */
  readonly shared: boolean;
}

const scripts = { well: undefined, down: answerText(503, ''), lost: loseTokens } as const;

/** The payers of the local stage, in memory, with one patient for each login. */
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
    /** What the gateway must never do to a payer. */
    misuse: payers.misuse,
    mood: (payer: PayerId, mood: PayerMood): void => {
      moods[payer] = mood;
      payers.script(payer, { token: scripts[mood] });
    },
    moodOf: (payer: PayerId): PayerMood => moods[payer],
    signIn: signInAt(payers),
    /** The payer ends a member's login, or only forgets its access token. */
    end: (patient: string): void => void (loginOf(patient).ended = true),
    forget: (patient: string): void => loginOf(patient).access.clear(),
    /** The state of a member's login before a command; the command's events are added to it. */
    says: (patient: string, { shared }: { shared: boolean }): PayerSays => {
      const login = loginOf(patient);
      login.events = [];
      const { access, ended, renews, payer, events } = login;
      const good = !ended && [...access.values()].some((endsAt) => endsAt > nowMs() / 1000);
      return { good, renews, mood: moods[payer as PayerId], events, shared };
    },
  };
};
