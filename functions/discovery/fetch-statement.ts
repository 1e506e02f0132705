import { causeOf } from '../shared/errors.ts';
import { declaresUtf8, isGiven } from '../shared/payer/answers.ts';
import type { PayerHttp } from '../shared/payer/http.ts';
import { readText } from '../shared/payer/read-text.ts';
import { fhirBases } from '../shared/registry/fhir-bases.ts';
import { fhirMediaType } from '../shared/registry/profile.ts';
import type { Payer } from '../shared/registry/types.ts';
import type { Facade } from './facade.ts';
import { payerStatement, withOwnTypes } from './payer-statement.ts';

/** A payer's statement, adapted to the gateway, or why there is none (for the log). */
export interface FetchedStatement {
  readonly statement?: Readonly<Record<string, unknown>>;
  readonly problem?: string;
}

const timeoutMs = 5000;
const limitBytes = 5 * 1024 * 1024;

/** Lambda encodes the body in JSON again, which escapes its quotes, and accepts 6 MB of that. */
const limitInLambdaBytes = 5.5 * 1024 * 1024;

interface Http {
  readonly payerHttp: PayerHttp;
}

/** Reads the JSON of one base. @throws whatever stops it */
const readMetadata = async (
  { payerHttp }: Http,
  payer: Payer,
  base: string,
): Promise<{ value: unknown } | { problem: string }> => {
  const response = await payerHttp(`${base}/metadata`, {
    headers: { Accept: fhirMediaType(payer) },
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (!isGiven(response)) {
    await response.body?.cancel();
    return { problem: `metadata: status ${response.status}` };
  }
  if (!declaresUtf8(response)) {
    await response.body?.cancel();
    return { problem: 'metadata: not in UTF-8' };
  }
  const text = await readText(response, limitBytes);
  return text === undefined ? { problem: `metadata: over ${limitBytes} bytes` } : { value: JSON.parse(text) };
};

/**
 * Fetches a payer's CapabilityStatement without a token and without following redirects. Of several bases each says what is
 * at it, so that all have to answer. Never throws.
 */
export const fetchStatement = async (deps: Http, payer: Payer, facade: Facade): Promise<FetchedStatement> => {
  try {
    const bases = fhirBases(payer);
    const read = await Promise.all(bases.map(({ bases: [base = ''] }) => readMetadata(deps, payer, base)));
    const problem = read.find((one) => 'problem' in one);
    if (problem !== undefined) return problem;
    const statements = read.flatMap((one) => ('value' in one ? [one.value] : []));
    const statement = payerStatement(withOwnTypes(bases, statements), payer, facade);
    if (statement === undefined) return { problem: 'metadata: no CapabilityStatement of a server' };
    if (Buffer.byteLength(JSON.stringify(JSON.stringify(statement))) > limitInLambdaBytes) {
      return { problem: 'metadata: too large for an answer' };
    }
    return { statement };
  } catch (error) {
    return { problem: `metadata: ${causeOf(error)}` };
  }
};
