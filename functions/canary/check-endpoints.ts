import { causeOf } from '../shared/errors.ts';
import { fhirBases } from '../shared/registry/fhir-bases.ts';
import { fhirMediaType } from '../shared/registry/profile.ts';
import type { Payer } from '../shared/registry/types.ts';
import { openForCanary } from '../shared/store/breakers.ts';
import { ask, expectThat, Silence, type CanaryDeps, type Finding, type Question } from './ask.ts';

const isWell = (status: number): boolean => status < 500;
/** A redirect is a failure where a program asks: it is not followed. */
const isWellWithoutRedirect = (status: number): boolean => status < 300 || (status >= 400 && status < 500);

interface Endpoint extends Question {
  readonly isWell: (status: number) => boolean;
}

const fhirApi = 'FHIR API';

/** The payer's endpoints, each with the check of its status. None gets a credential or a code. */
const endpointsOf = (payer: Payer, signIn: string): readonly Endpoint[] => [
  { what: 'sign-in page', url: signIn, isWell },
  {
    // RFC 6749 §5.2: a working server refuses a request without client and code.
    what: 'token endpoint',
    url: payer.tokenEndpoint,
    init: { method: 'POST', body: 'grant_type=authorization_code' },
    headers: { Accept: 'application/json', 'Content-Type': 'application/x-www-form-urlencoded' },
    isWell: isWellWithoutRedirect,
  },
  // https://hl7.org/fhir/R4/http.html#capabilities; some payers require a token and refuse.
  ...fhirBases(payer).map(({ bases: [base = ''], only }) => ({
    what: only === undefined ? fhirApi : `${fhirApi} ${new URL(base).host}`,
    url: `${base}/metadata`,
    headers: { Accept: fhirMediaType(payer) },
    isWell: isWellWithoutRedirect,
  })),
  ...Object.entries({ 'userinfo endpoint': payer.userinfoEndpoint, JWKS: payer.jwksUri }).flatMap(([what, url]) =>
    url === undefined ? [] : [{ what, url, headers: { Accept: 'application/json' }, isWell: isWellWithoutRedirect }],
  ),
];

/** What is wrong with a payer's endpoints. */
export interface Checked {
  readonly findings: readonly string[];
  /** Whether the payer's breaker was opened. */
  readonly breakerOpened: boolean;
}

/**
 * Sends a read without a token, and returns why it got no answer; undefined if it got one, such as a refusal. A payer may be
 * slow to produce its metadata and still serve reads.
 */
const failureOf = (deps: CanaryDeps, payer: Payer): Promise<unknown> => {
  const url = `${payer.fhirBaseUrl}/Patient`;
  const headers = { Accept: fhirMediaType(payer) };
  return ask(deps, { what: fhirApi, url, headers }, () => undefined).catch((failure: unknown) => failure);
};

/** Opens the breaker of a payer whose FHIR API does not answer. A status, whatever it says, is an answer. */
const openBreaker = async (deps: CanaryDeps, payer: Payer): Promise<Checked> => {
  if ((await failureOf(deps, payer)) === undefined) return { findings: [], breakerOpened: false };
  try {
    const breakerOpened = await openForCanary(deps.limits, payer.id, deps.clock.now());
    return { findings: breakerOpened ? ['breaker opened'] : [], breakerOpened };
  } catch (error) {
    return { findings: [`breaker not opened: ${causeOf(error)}`], breakerOpened: false };
  }
};

/** Calls all endpoints of a payer at the same time. */
export const checkEndpoints = async (deps: CanaryDeps, payer: Payer, signIn: string): Promise<Checked> => {
  const findings: Finding[] = [];
  let isFhirSilent = false;
  await Promise.all(
    endpointsOf(payer, signIn).map((endpoint) =>
      ask(deps, endpoint, ({ status }) => expectThat(endpoint.isWell(status), `status ${status}`)).catch(
        (finding: Finding) => {
          findings.push(finding);
          isFhirSilent ||= endpoint.what === fhirApi && finding instanceof Silence;
        },
      ),
    ),
  );
  const { findings: more, breakerOpened } = isFhirSilent
    ? await openBreaker(deps, payer)
    : { findings: [], breakerOpened: false };
  return { findings: [...findings.map(({ message }) => message), ...more], breakerOpened };
};
