/** Limit of one try, in milliseconds. */
const timeoutMs = 5000;

/** PUTs a text. The URL is signed for an empty content type. @returns the HTTP status */
export const putText = async (url: string, text: string): Promise<number> => {
  const { status, body } = await fetch(url, {
    method: 'PUT',
    headers: { 'Content-Type': '' },
    body: text,
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
  });
  await body?.cancel();
  return status;
};
