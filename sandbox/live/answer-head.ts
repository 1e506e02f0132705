import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** Names in lower case. Node takes the headers of `writeHead` as an object or as a flat list. */
const namesLowered = (headers: unknown): OutgoingHttpHeaders => {
  if (typeof headers !== 'object' || headers === null) return {};
  const pairs: (readonly [string, unknown])[] = Array.isArray(headers)
    ? headers.flatMap((name: unknown, index) => (index % 2 === 0 ? [[String(name), headers[index + 1]] as const] : []))
    : Object.entries(headers);
  return Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value as string]));
};

/** Calls back when the head of an answer is written. Headers that `writeHead` gets are not kept by the response. */
export const onAnswerHead = (
  response: ServerResponse,
  callBack: (status: number, headers: OutgoingHttpHeaders) => void,
): void => {
  const writeHead = response.writeHead.bind(response) as (...given: readonly unknown[]) => ServerResponse;
  response.writeHead = (...given: readonly unknown[]): ServerResponse => {
    const set = response.getHeaders();
    const result = writeHead(...given);
    callBack(response.statusCode, { ...set, ...namesLowered(given.at(-1)) });
    return result;
  };
};
