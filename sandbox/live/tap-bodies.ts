import type { IncomingMessage, ServerResponse } from 'node:http';

const mostBytes = 16_384;

const collector = (): { readonly add: (chunk: unknown) => void; readonly text: () => string } => {
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    add: (chunk) => {
      if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return;
      size += chunk.length;
      if (size <= mostBytes) chunks.push(Buffer.from(chunk as string));
    },
    text: () => (size <= mostBytes ? Buffer.concat(chunks).toString() : ''),
  };
};

/** Reads a request's body beside whoever reads it: Node's parser pushes each chunk into the request, and last null. */
export const onRequestBody = (request: IncomingMessage, callBack: (body: string) => void): void => {
  const body = collector();
  const push = request.push.bind(request);
  request.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (chunk === null) callBack(body.text());
    else body.add(chunk);
    return push(chunk, encoding);
  };
};

type Write = (...given: readonly unknown[]) => unknown;

/** Reads the body of a small answer. */
export const onAnswerBody = (response: ServerResponse, callBack: (body: string) => void): void => {
  const body = collector();
  const write = response.write.bind(response) as Write;
  const end = response.end.bind(response) as Write;
  Object.assign(response, {
    write: (...given: readonly unknown[]) => {
      body.add(given[0]);
      return write(...given);
    },
    end: (...given: readonly unknown[]) => {
      body.add(given[0]);
      callBack(body.text());
      return end(...given);
    },
  });
};

/** The plain members of a JSON object. */
export const membersOf = (body: string): (readonly [string, string])[] => {
  try {
    const value = JSON.parse(body) as unknown;
    if (typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([name, member]) =>
      typeof member === 'object' ? [] : [[name, String(member)] as const],
    );
  } catch {
    return [];
  }
};
