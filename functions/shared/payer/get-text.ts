import { isGiven, keyRefusal } from './answers.ts';
import { payerHttpFailure, type PayerClientDeps } from './client.ts';
import { PayerError, type Asked } from './errors.ts';
import { requireText } from './read-text.ts';

interface GetOptions {
  /** Which of the payer's endpoints this is, for the log. */
  readonly asked: Asked;
  readonly accept: string;
  /** A form to post. @default the URL is read */
  readonly form?: string | undefined;
  /** Further headers. @default none */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as `Bearer`. @default none */
  readonly accessToken?: string;
  readonly timeoutMs: number;
  readonly limitBytes: number;
}

/** What a payer answered. */
export interface GivenAnswer {
  /** Empty if the answer is 204. */
  readonly text: string;
  readonly headers: Pick<Headers, 'get'>;
}

/**
 * Returns a payer's answer. A redirect is not followed.
 * @throws PayerError if the answer is not 200 or 204, or is too late or too long
 */
export const getAnswer = async (
  { payerHttp }: Pick<PayerClientDeps, 'payerHttp'>,
  url: string,
  { asked, accept, form, headers, accessToken, timeoutMs, limitBytes }: GetOptions,
): Promise<GivenAnswer> => {
  try {
    const response = await payerHttp(url, {
      ...(form === undefined ? {} : { method: 'POST', body: form }),
      headers: {
        ...headers,
        ...(form === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }),
        Accept: accept,
        ...(accessToken === undefined ? {} : { Authorization: `Bearer ${accessToken}` }),
      },
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const given = { headers: response.headers };
    if (response.status === 204) return { ...given, text: '' };
    if (!isGiven(response)) {
      const refusal = response.status === 401 ? await keyRefusal(response, asked) : undefined;
      await response.body?.cancel();
      if (refusal !== undefined) throw refusal;
      throw new PayerError('unavailable', `${asked} answered ${response.status}`);
    }
    return { ...given, text: await requireText(response, limitBytes, asked) };
  } catch (error) {
    throw payerHttpFailure(error, asked);
  }
};

/** Returns the text of {@link getAnswer}. @throws PayerError as that does */
export const getText = async (...request: Parameters<typeof getAnswer>): Promise<string> =>
  (await getAnswer(...request)).text;
