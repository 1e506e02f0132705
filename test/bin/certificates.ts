import { generateKeyPairSync, randomBytes, sign, X509Certificate, type KeyObject } from 'node:crypto';

/** A certificate and its private key, PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** What signs: a name and its private key. */
interface Issuer {
  readonly name: string;
  readonly privateKey: KeyObject;
}

const length = (size: number): Buffer => {
  if (size < 0x80) return Buffer.from([size]);
  const bytes = size < 0x100 ? [size] : [size >> 8, size & 0xff];
  return Buffer.from([0x80 | bytes.length, ...bytes]);
};
/** One DER value (X.690 §8.1). */
const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), length(content.length), content]);
};
const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const bitString = (content: Uint8Array): Buffer => der(0x03, Buffer.from([0]), content);
const utcTime = (ms: number): Buffer => {
  const [, yy, mm, dd, hour, minute, second] =
    /^..(..)-(..)-(..)T(..):(..):(..)/.exec(new Date(ms).toISOString()) ?? [];
  return der(0x17, Buffer.from(`${yy}${mm}${dd}${hour}${minute}${second}Z`));
};

const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));
const commonName = (name: string): Buffer => sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(name)))));
const extension = (id: string, value: Uint8Array): Buffer =>
  sequence(oid(id), der(0x01, Buffer.from([0xff])), der(0x04, value));
const basicConstraints = extension('551d13', sequence(der(0x01, Buffer.from([0xff]))));
const alternativeName = (host: string): Buffer => extension('551d11', sequence(der(0x82, Buffer.from(host))));

const pem = (certificate: Uint8Array): string => new X509Certificate(certificate).toString();

const issue = (
  name: string,
  issuer: Issuer | undefined,
  { days, extensions }: { days: number; extensions: Buffer },
): Certificate & Issuer => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signer = issuer ?? { name, privateKey };
  const dayMs = 86_400_000;
  const end = Date.now() + days * dayMs;
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1]), randomBytes(8)),
    ecdsaWithSha256,
    commonName(signer.name),
    sequence(utcTime(Math.min(Date.now(), end) - 100 * dayMs), utcTime(end)),
    commonName(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(extensions)),
  );
  const signature = bitString(sign('sha256', toBeSigned, signer.privateKey));
  return {
    name,
    privateKey,
    cert: pem(sequence(toBeSigned, ecdsaWithSha256, signature)),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
};

/** A certificate authority of this process (RFC 5280), and certificates for hosts from it. */
export const certificateAuthority = (name: string) => {
  const authority = issue(name, undefined, { days: 365, extensions: basicConstraints });
  return {
    cert: authority.cert,
    /** @param days how long it is valid from now; if negative, how long ago it expired */
    certificateFor: (host: string, days: number): Certificate =>
      issue(host, authority, { days, extensions: alternativeName(host) }),
  };
};

export const selfSigned = (host: string): Certificate =>
  issue(host, undefined, { days: 100, extensions: alternativeName(host) });
