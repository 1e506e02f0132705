import { ageHeaderBytes, openAgeHeader, UnopenedFile, type AgeIdentity } from './header.ts';
import { openPayload, payloadNonceBytes, type PayloadOpener } from './payload.ts';

const prefixBytes = ageHeaderBytes + payloadNonceBytes;

/**
 * Opens an age file while it streams. Each piece that it yields is authentic. Whether the file was cut short is known
 * only at the end.
 * @throws UnopenedFile
 */
export const openAgeFile = async function* (
  identity: AgeIdentity,
  sealed: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let prefix: Buffer = Buffer.alloc(0);
  let payload: PayloadOpener | undefined;
  for await (const piece of sealed) {
    if (payload !== undefined) {
      yield* payload.push(piece);
      continue;
    }
    prefix = Buffer.concat([prefix, piece]);
    if (prefix.length < prefixBytes) continue;
    const fileKey = openAgeHeader(identity, prefix.subarray(0, ageHeaderBytes));
    payload = openPayload(fileKey, prefix.subarray(ageHeaderBytes, prefixBytes));
    yield* payload.push(prefix.subarray(prefixBytes));
  }
  if (payload === undefined) throw new UnopenedFile('the file is incomplete');
  yield payload.end();
};
