import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { clientSecret } from '../config/checks/rules.ts';
import { secretOwnerOf } from '../functions/shared/registry/profile.ts';
import type { Payer } from '../functions/shared/registry/types.ts';
import { LocalStackError } from './local-stack-error.ts';

/** The value of a payer's secret, as in Secrets Manager. */
export type PayerSecret = (
  | { readonly client_secret: string; readonly private_key_jwk?: Readonly<Record<string, unknown>> | undefined }
  | { readonly private_key_jwk: Readonly<Record<string, unknown>> }
  | { readonly headers: Readonly<Record<string, string>> }
  | { readonly exchange: { readonly private_key_jwk: Readonly<Record<string, unknown>> } }
) & {
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The value of the secret with the key of exchanges with it. */
  readonly exchange?: { readonly private_key_jwk: Readonly<Record<string, unknown>> } | undefined;
};

const headers = z.record(z.string(), z.string());

const privateKey = z.looseObject({ kty: z.string(), d: z.string() });

const more = { headers: headers.optional(), exchange: z.strictObject({ private_key_jwk: privateKey }).optional() };

const secretsSchema = z.record(
  z.string(),
  z.union([
    // Beside a secret, a key is for the members' identity tokens.
    z.strictObject({ client_secret: z.string(), private_key_jwk: privateKey.optional(), ...more }),
    z.strictObject({ private_key_jwk: privateKey, ...more }),
    z.strictObject({ ...more, headers }),
    // A payer that needs no secret may be asked as a former plan.
    z.strictObject({ ...more, exchange: more.exchange.unwrap() }),
  ]),
);

const read = async (file: string): Promise<unknown> => {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as unknown;
  } catch (error) {
    // A parser's message quotes its input, and this file contains secrets.
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new LocalStackError(
      missing
        ? `${file}: does not exist; write the path of a file`
        : `${file}: can't be read as JSON; write one JSON object`,
    );
  }
};

const wanted = ({ clientAuthentication }: Payer): 'private_key_jwk' | 'client_secret' | 'headers' => {
  if (clientAuthentication === 'none') return 'headers';
  return clientAuthentication === 'private_key_jwt' ? 'private_key_jwk' : 'client_secret';
};

/**
 * Reads `{"payerId": {"client_secret": "…"}}`, with the right kind of secret for each payer.
 * @throws LocalStackError that never quotes the file
 */
export const readSecretsFile = async (
  file: string | undefined,
  payers: readonly Payer[],
): Promise<Readonly<Record<string, PayerSecret>>> => {
  const hasSecret = (payer: Payer): boolean => secretOwnerOf(payer) === payer.id;
  const owners = payers.filter((payer) => hasSecret(payer) || payer.exchange !== undefined);
  const [first] = owners;
  if (file === undefined) {
    if (first === undefined) return {};
    throw new LocalStackError(
      `The payers in the configuration need secrets; give --secrets FILE with {"${first.id}": {"${wanted(first)}": …}}`,
    );
  }
  const parsed = secretsSchema.safeParse(await read(file));
  if (!parsed.success) {
    const field = parsed.error.issues[0]?.path.join('.') || 'the file';
    throw new LocalStackError(
      `${file}: ${field} is not a payer's secret; write {"payer-id": {"client_secret": "…"}} or {"private_key_jwk": {…}}`,
    );
  }
  const unknown = Object.keys(parsed.data).find((id) => !owners.some((payer) => payer.id === id));
  if (unknown !== undefined) {
    const known = owners.map(({ id }) => id).join(', ');
    const what = payers.some(({ id }) => id === unknown) ? 'has no secret of its own' : 'is not a payer';
    throw new LocalStackError(
      `${file}: ${JSON.stringify(unknown)} ${what} in the configuration; remove it, or write one of: ${known}`,
    );
  }
  for (const [id, secret] of Object.entries(parsed.data)) {
    const wrong = 'client_secret' in secret ? clientSecret(secret.client_secret) : undefined;
    if (wrong !== undefined) throw new LocalStackError(`${file}: ${id}.client_secret ${wrong}`);
  }
  const missing = owners.flatMap((payer) => {
    const secret = parsed.data[payer.id];
    const own = hasSecret(payer) ? [wanted(payer)] : [];
    const needed = payer.identitySignIn === undefined ? own : [...own, 'private_key_jwk'];
    const lacking = needed
      .filter((name) => secret === undefined || !(name in secret))
      .map((name) => [name, '…'] as const);
    const isKeyMissing = payer.exchange !== undefined && secret?.exchange === undefined;
    const all = [...lacking, ...(isKeyMissing ? [['exchange', '{"private_key_jwk": …}'] as const] : [])];
    if (all.length === 0) return [];
    return [
      {
        lacks: all.map(([name]) => `has no "${name}" for payer "${payer.id}"`).join(', '),
        add: `"${payer.id}": {${all.map(([name, value]) => `"${name}": ${value}`).join(', ')}}`,
      },
    ];
  });
  if (missing.length > 0) {
    const [lacks, adds] = [missing.map(({ lacks: what }) => what), missing.map(({ add }) => add)];
    throw new LocalStackError(`${file}: ${lacks.join(', ')}; add ${adds.join(', ')}`);
  }
  return parsed.data;
};
