import { answer, bundleOf, type Endpoint } from '../support/payer/answers.ts';
import { servePayers, type PayerServer } from '../support/payer/server.ts';
import { strictPayers, type StrictPayers } from '../support/payer/strict-payers.ts';

/** Payers that a test scripts, each below its own path of one server. */
export interface ScriptedPayers extends StrictPayers, PayerServer {}

/** The member whose record it is. */
export const patientId = 'pat-1';

const patient = { resourceType: 'Patient', id: patientId };

/** Matches reads of the patient and of paths below it, except `$everything`. */
const isOne = new RegExp(`^/Patient/${patientId}(?!/\\$everything)`);

let minted = 0;
/** A payer's secret. The word in it is searched for wherever no secret may be. */
const mint = (kind: string): string => `payer-${kind}-canary-${process.pid}-${(minted += 1)}`;

/** A payer's token answer, without a login. */
export const tokenAnswer = (change: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  access_token: mint('access'),
  refresh_token: mint('refresh'),
  token_type: 'Bearer',
  expires_in: 3600,
  scope: 'launch/patient patient/*.rs offline_access',
  patient: patientId,
  ...change,
});

/** Starts the payers on a free port; whichever id a path begins with is a payer. */
export const startScriptedPayers = async (nowMs = Date.now): Promise<ScriptedPayers> => {
  const payers = strictPayers({
    nowMs,
    mint,
    member: () => ({ patient: patientId, lives: 3600, renews: true }),
    record: ({ path }) => answer(200, isOne.test(path) ? patient : bundleOf(patient)),
  });
  const server = await servePayers(payers, ({ pathname }) => {
    const [, payer = '', endpoint = '', ...rest] = pathname.split('/');
    return ['authorize', 'token', 'revoke', 'r4'].includes(endpoint)
      ? { payer, endpoint: endpoint as Endpoint, path: `/${rest.join('/')}` }
      : undefined;
  });
  return { ...payers, ...server };
};
