import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { keptMap, noRooms, type Rooms } from '../state/room.ts';
import { keyDisabled } from './durable/errors.ts';
import type { Vault } from './durable/operations.ts';
import { vaultOf } from './durable/vault.ts';
import { jsonAnswer, jsonError, type AwsAnswer, type AwsService } from './service.ts';

/** An embedded KMS (JSON 1.1 protocol): symmetric keys with encryption contexts, and HMAC keys. */
export interface LocalKms {
  readonly service: AwsService;
  /** @param spec what kind of key, as CloudFormation names it. @default SYMMETRIC_DEFAULT */
  readonly createKey: (arn: string, aliases?: readonly string[], spec?: KeyKind) => void;
  /** Disables a key: it neither encrypts nor decrypts until `enable`. @throws Error if there is no such key */
  readonly disable: (arn: string) => void;
  readonly enable: (arn: string) => void;
  readonly isEnabled: (arn: string) => boolean;
  /** Whether there is such a key, and it is disabled. @param name an ARN, id or alias */
  readonly isDisabled: (name: string) => boolean;
  /** Whether a service may use a key for a caller. @returns KMS's message if not */
  readonly refuse: (use: KeyUse) => string | undefined;
  /** Limits what callers may do with keys through other services. Until then they may do all. */
  readonly allowOnly: (may: MayUse) => void;
  /** How Lambda seals payloads: with a customer managed key, or with its own key if none is given. */
  readonly vaultOf: (arn: string | undefined) => Vault;
}

/** What another service does with a key for a caller. */
interface KeyUse {
  /** An access key id, or a service such as `cloudformation`. */
  readonly caller: string;
  /** ARN, id or alias. */
  readonly keyId: string;
  readonly actions: readonly string[];
  /** The service that asks, such as `dynamodb`. */
  readonly through: string;
}

/** Whether the caller may do one of them. */
type MayUse = (use: Omit<KeyUse, 'actions'> & { readonly action: string }) => boolean;

/** The kinds of keys that the local stack has. */
export type KeyKind = 'SYMMETRIC_DEFAULT' | 'HMAC_256';

interface Key {
  readonly arn: string;
  readonly kind: KeyKind;
  readonly material: Uint8Array;
  isEnabled: boolean;
}

/** The parameters of all operations in one type. Bytes are in base64. */
interface Parameters {
  readonly KeyId?: string;
  readonly KeySpec?: string;
  readonly NumberOfBytes?: number;
  readonly Plaintext?: string;
  readonly CiphertextBlob?: string;
  readonly EncryptionContext?: Readonly<Record<string, string>>;
  readonly Message?: string;
  readonly MacAlgorithm?: string;
}

const ivBytes = 12;
const tagBytes = 16;
const mostPlaintextBytes = 4096;
const mostMessageBytes = 4096;

/** Sorts the pairs, since their order does not matter. */
const contextBytes = (context: Readonly<Record<string, string>> = {}): Buffer =>
  Buffer.from(JSON.stringify(Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1))));

/** length of the key's ARN ‖ ARN ‖ iv ‖ ciphertext ‖ tag */
const encrypt = ({ arn, material }: Key, plaintext: Uint8Array, context: Parameters['EncryptionContext']): Buffer => {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv('aes-256-gcm', material, iv).setAAD(contextBytes(context));
  const name = Buffer.from(arn);
  const sealed = [cipher.update(plaintext), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat([Buffer.of(name.length), name, iv, ...sealed]);
};

const nameIn = (blob: Buffer): string => blob.toString('utf8', 1, 1 + (blob[0] ?? 0));

/** @throws Error if the ciphertext is damaged or was made with another context */
const decrypt = ({ material }: Key, blob: Buffer, context: Parameters['EncryptionContext']): Buffer => {
  const sealed = blob.subarray(1 + (blob[0] ?? 0));
  const decipher = createDecipheriv('aes-256-gcm', material, sealed.subarray(0, ivBytes), { authTagLength: tagBytes });
  decipher.setAAD(contextBytes(context)).setAuthTag(sealed.subarray(-tagBytes));
  return Buffer.concat([decipher.update(sealed.subarray(ivBytes, -tagBytes)), decipher.final()]);
};

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const bytesOf = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64');

const invalidCiphertext = (): AwsAnswer => jsonError('InvalidCiphertextException', '');

/** The length of a data key in bytes; `undefined` if KMS has no such data key. */
const sizeOf = ({ KeySpec, NumberOfBytes }: Parameters): number | undefined => {
  if ((KeySpec === undefined) === (NumberOfBytes === undefined)) return undefined;
  if (KeySpec !== undefined) return { AES_256: 32, AES_128: 16 }[KeySpec];
  return NumberOfBytes !== undefined && NumberOfBytes >= 1 && NumberOfBytes <= 1024 ? NumberOfBytes : undefined;
};

const withKey: Readonly<Record<string, (key: Key, parameters: Parameters) => AwsAnswer>> = {
  GenerateDataKey: (key, parameters) => {
    const size = sizeOf(parameters);
    if (size === undefined)
      return jsonError('ValidationException', 'Please specify either number of bytes or key spec.');
    const plaintext = randomBytes(size);
    const CiphertextBlob = base64(encrypt(key, plaintext, parameters.EncryptionContext));
    return jsonAnswer({ KeyId: key.arn, Plaintext: base64(plaintext), CiphertextBlob });
  },
  Encrypt: (key, { Plaintext, EncryptionContext }) => {
    const plaintext = bytesOf(Plaintext);
    if (plaintext.length === 0 || plaintext.length > mostPlaintextBytes) {
      return jsonError('ValidationException', `'plaintext' must have 1 to ${mostPlaintextBytes} bytes`);
    }
    const CiphertextBlob = base64(encrypt(key, plaintext, EncryptionContext));
    return jsonAnswer({ KeyId: key.arn, CiphertextBlob, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' });
  },
  Decrypt: (key, { CiphertextBlob, EncryptionContext }) => {
    const blob = bytesOf(CiphertextBlob);
    if (nameIn(blob) !== key.arn)
      return jsonError(
        'IncorrectKeyException',
        'The key ID in the request does not identify a CMK that can perform this operation.',
      );
    try {
      const Plaintext = base64(decrypt(key, blob, EncryptionContext));
      return jsonAnswer({ KeyId: key.arn, Plaintext, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' });
    } catch {
      return invalidCiphertext();
    }
  },
};

const withHmacKey: typeof withKey = {
  GenerateMac: ({ arn, material }, { Message, MacAlgorithm }) => {
    if (MacAlgorithm !== 'HMAC_SHA_256') {
      return jsonError('InvalidKeyUsageException', `${arn} key spec HMAC_256 does not support the algorithm.`);
    }
    const message = bytesOf(Message);
    if (message.length === 0 || message.length > mostMessageBytes) {
      return jsonError('ValidationException', `'message' must have 1 to ${mostMessageBytes} bytes`);
    }
    const Mac = base64(createHmac('sha256', material).update(message).digest());
    return jsonAnswer({ KeyId: arn, Mac, MacAlgorithm });
  },
};

/** What each kind of key does, and how KMS describes it. */
const kinds = {
  SYMMETRIC_DEFAULT: { usage: 'ENCRYPT_DECRYPT', does: withKey, about: {} },
  HMAC_256: { usage: 'GENERATE_VERIFY_MAC', does: withHmacKey, about: { MacAlgorithms: ['HMAC_SHA_256'] } },
} as const satisfies Readonly<Record<KeyKind, object>>;

/** Runs an operation of a key; a key of another kind refuses it, as a disabled key does. */
const runWith = (key: Key, operation: string, parameters: Parameters): AwsAnswer => {
  const run = kinds[key.kind].does[operation];
  const isKnown = operation in withKey || operation in withHmacKey;
  if (!isKnown) return jsonError('UnknownOperationException', `The local stack has no KMS ${operation}`);
  if (!key.isEnabled) return jsonError('DisabledException', `${key.arn} is disabled.`);
  if (run !== undefined) return run(key, parameters);
  return jsonError('InvalidKeyUsageException', `${key.arn} key usage is ${kinds[key.kind].usage} which is not valid.`);
};

const describeKey = ({ arn, kind, isEnabled }: Key): AwsAnswer =>
  jsonAnswer({
    KeyMetadata: {
      KeyId: arn.replace(/^.*:key\//, ''),
      Arn: arn,
      Enabled: isEnabled,
      KeyState: isEnabled ? 'Enabled' : 'Disabled',
      KeyUsage: kinds[kind].usage,
      KeySpec: kind,
      ...kinds[kind].about,
    },
  });

/** Creates a local KMS that has no keys yet. A key that is created again has the material that was kept of it. */
export const localKms = (rooms: Rooms = noRooms): LocalKms => {
  const materials = keptMap<string>(rooms('kms'));
  const keys = new Map<string, Key>();
  /** By ARN, id or alias. */
  const names = new Map<string, Key>();
  const lambdasOwn = vaultOf(randomBytes(32));

  const find = (arn: string): Key => {
    const key = keys.get(arn);
    if (key === undefined) throw new Error(`The local stack has no KMS key ${arn}`);
    return key;
  };
  /** By ARN, id or alias, which may be an ARN too. */
  const named = (name: string): Key | undefined => names.get(name.replace(/^arn:.*:(?=alias\/)/, ''));
  let may: MayUse = () => true;
  const service: AwsService = ({ headers, body }) => {
    const operation = String(headers['x-amz-target']).split('.')[1] ?? '';
    const parameters = JSON.parse(body.toString()) as Parameters;
    // A ciphertext made with a symmetric key contains the key's name.
    const name = parameters.KeyId ?? nameIn(bytesOf(parameters.CiphertextBlob));
    const key = named(name);
    if (key === undefined) {
      return parameters.KeyId === undefined
        ? invalidCiphertext()
        : jsonError('NotFoundException', `Invalid keyId '${name}'`);
    }
    const { CiphertextBlob: blob } = parameters;
    if (blob !== undefined && !names.has(nameIn(bytesOf(blob)))) return invalidCiphertext();
    if (operation === 'DescribeKey') return describeKey(key);
    return runWith(key, operation, parameters);
  };

  return {
    service,
    createKey: (arn, aliases = [], kind = 'SYMMETRIC_DEFAULT') => {
      const material = materials.get(arn) ?? base64(randomBytes(32));
      if (materials.get(arn) === undefined) materials.set(arn, material);
      const key = { arn, kind, material: bytesOf(material), isEnabled: true };
      keys.set(arn, key);
      for (const name of [arn, arn.replace(/^.*:key\//, ''), ...aliases]) names.set(name, key);
    },
    disable: (arn) => void (find(arn).isEnabled = false),
    enable: (arn) => void (find(arn).isEnabled = true),
    isEnabled: (arn) => find(arn).isEnabled,
    isDisabled: (name) => named(name)?.isEnabled === false,
    refuse: ({ actions, ...use }) => {
      const key = named(use.keyId);
      if (key === undefined) return `Invalid keyId '${use.keyId}'`;
      const refused = actions.find((action) => !may({ ...use, action }));
      if (refused !== undefined)
        return `${use.caller} is not authorized to perform: ${refused} on resource: ${key.arn}`;
      return key.isEnabled ? undefined : `${key.arn} is disabled.`;
    },
    allowOnly: (limit) => void (may = limit),
    vaultOf: (arn) => {
      if (arn === undefined) return lambdasOwn;
      const key = find(arn);
      const vault = vaultOf(key.material);
      const whileEnabled = (run: (text: string) => string) => (text: string) => {
        if (!key.isEnabled) throw keyDisabled();
        return run(text);
      };
      return { seal: whileEnabled(vault.seal), open: whileEnabled(vault.open) };
    },
  };
};
