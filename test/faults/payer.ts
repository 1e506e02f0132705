import type { Payer } from '../../functions/shared/registry/types.ts';
import type { DynaliteAnswer } from '../../sandbox/aws/call-dynalite.ts';
import { answerFhir, bundleOf, type Script } from '../support/payer/answers.ts';
import { requestOf, signInAt } from '../support/payer/in-process.ts';
import { strictPayers, type StrictPayers } from '../support/payer/strict-payers.ts';

/** What only a member's record contains: an answer with it has let health data out of the gateway. */
export const healthMarker = 'Chalmers';

const statement = {
  resourceType: 'CapabilityStatement',
  status: 'active',
  kind: 'instance',
  fhirVersion: '4.0.1',
  format: ['json'],
  rest: [{ mode: 'server', resource: [{ type: 'Patient', interaction: [{ code: 'read' }] }] }],
};

/** A payer that names no patient. */
export const namesNoPatient: Script = async (_request, usual) => {
  const given = await usual();
  return given.status === 200 ? answerFhir(bundleOf()) : given;
};

/** The only payer of a world. */
export interface WorldPayer extends StrictPayers {
  /** The client secret that it accepts; `takes` changes it. */
  readonly secret: () => string;
  readonly takes: (secret: string) => void;
  readonly revoked: () => number;
  /** Logins whose tokens are still valid. */
  readonly alive: () => number;
  /** From now on these access tokens are refused, as if they had expired early. */
  readonly expireAccessTokens: () => void;
  /** The member withdrew consent: refresh tokens are refused. */
  readonly forgetLogins: () => void;
  readonly signIn: (payerUrl: URL) => Promise<URL>;
  /** Answers a request to one of its URLs. */
  readonly answer: (url: URL, request: Parameters<typeof requestOf>[2]) => Promise<DynaliteAnswer>;
}

/** Makes it. @param origin the gateway's */
export const worldPayer = (origin: string, profile: Payer, nowMs: () => number): WorldPayer => {
  let secret = 'payer-secret-1';
  let minted = 0;
  const payers = strictPayers({
    nowMs,
    mint: (kind) => `payer-${kind}-${(minted += 1)}`,
    member: () => ({ patient: 'patient-1', lives: 300, renews: true }),
    record: (_request, login) =>
      answerFhir(
        login === undefined
          ? statement
          : bundleOf({ resourceType: 'Patient', id: login.patient, name: [{ family: healthMarker }] }),
      ),
  });
  const { logins } = payers;
  payers.register(origin, [profile], { [profile.id]: secret });
  return {
    ...payers,
    secret: () => secret,
    takes: (next) => {
      secret = next;
      payers.takeSecret(profile.id, next);
    },
    revoked: () => payers.requests(profile.id, 'revoke').length,
    alive: () =>
      logins().filter(({ ended, access, refresh }) => !ended && (access.size > 0 || refresh !== undefined)).length,
    expireAccessTokens: () => logins().forEach(({ access }) => access.clear()),
    forgetLogins: () => logins().forEach((login) => (login.ended = true)),
    signIn: signInAt(payers),
    answer: async (url, request) => {
      const { outcome } = await payers.handle(requestOf(payers, url, request));
      if (typeof outcome === 'string' || 'write' in outcome) throw new Error('this payer always answers');
      return { status: outcome.status, headers: outcome.headers ?? {}, body: Buffer.from(outcome.body ?? '') };
    },
  };
};
