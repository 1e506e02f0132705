import { causeOf } from '../shared/errors.ts';
import { declaresUtf8 } from '../shared/payer/answers.ts';
import type { PayerHttp } from '../shared/payer/http.ts';
import { readText } from '../shared/payer/read-text.ts';
import { fhirMediaType } from '../shared/registry/profile.ts';
import type { Payer } from '../shared/registry/types.ts';
import type { Facade } from './facade.ts';
import { payerStatement } from './payer-statement.ts';

/** A payer's statement, adapted to the gateway, or why there is none (for the log). */
export interface FetchedStatement {
  readonly statement?: Readonly<Record<string, unknown>>;
  readonly problem?: string;
}

const timeoutMs = 5000;
const limitBytes = 5 * 1024 * 1024;

/** Lambda encodes the body in JSON again, which escapes its quotes, and accepts 6 MB of that. */
const limitInLambdaBytes = 5.5 * 1024 * 1024;

/** Fetches a payer's CapabilityStatement without a token and without following redirects. Never throws. */
export const fetchStatement = async (
  { payerHttp }: { readonly payerHttp: PayerHttp },
  payer: Payer,
  facade: Facade,
): Promise<FetchedStatement> => {
  try {
    const response = await payerHttp(`${payer.fhirBaseUrl}/metadata`, {
      headers: { Accept: fhirMediaType(payer) },
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      return { problem: `metadata: status ${response.status}` };
    }
    if (!declaresUtf8(response)) {
      await response.body?.cancel();
      return { problem: 'metadata: not in UTF-8' };
    }
    const text = await readText(response, limitBytes);
    if (text === undefined) return { problem: `metadata: over ${limitBytes} bytes` };
    const statement = payerStatement(JSON.parse(text), payer, facade);
    if (statement === undefined) return { problem: 'metadata: no CapabilityStatement of a server' };
    if (Buffer.byteLength(JSON.stringify(JSON.stringify(statement))) > limitInLambdaBytes) {
      return { problem: 'metadata: too large for an answer' };
    }
    return { statement };
  } catch (error) {
    return { problem: `metadata: ${causeOf(error)}` };
  }
};
