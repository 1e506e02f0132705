/** A moto server: a different implementation of AWS than the local stack's, over real HTTP. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** A running server. */
interface Moto {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** What a client of AWS needs to find the server. */
export interface ClientSettings {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** Where the Debian package puts it; otherwise with whatever Python the PATH finds. */
const packaged = '/usr/bin/moto_server';

/**
 * Moto's server, with a mend: after a `key-marker` that is no key it leaves out the first key, which S3 lists
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html).
 */
const server = `
import sys
from moto.s3.models import S3Backend
from moto.server import main
listed = S3Backend.list_object_versions
def list_object_versions(self, bucket_name, delimiter=None, key_marker=None, max_keys=1000, prefix="", version_id_marker=None):
    if key_marker and not version_id_marker:
        before = [key for key in self.get_bucket(bucket_name).keys.keys() if key <= key_marker]
        key_marker = max(before) if before else None
    return listed(self, bucket_name, delimiter, key_marker, max_keys, prefix, version_id_marker)
S3Backend.list_object_versions = list_object_versions
sys.exit(main())
`;
const advice =
  'The suite needs moto_server: apt-get install python3-moto python3-flask-cors python3-openapi-spec-validator';
const startsWithinMs = 240_000;

/** Resolves with the address that the server says it listens on. */
const addressOf = async (child: ChildProcess): Promise<string> => {
  const said: string[] = [];
  if (child.stderr === null) throw new Error('no output');
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line);
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error([...said.slice(-3), advice].join('\n'));
};

/**
 * Starts an empty server on a free port.
 * @throws Error that says what to install if there is none, or if it does not start
 */
const startMoto = async (account: string): Promise<Moto> => {
  const command = existsSync(packaged) ? '/usr/bin/python3' : 'python3';
  const child = spawn(command, ['-c', server, '--host', '127.0.0.1', '--port', '0'], {
    env: { ...process.env, MOTO_ACCOUNT_ID: account },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const missing = once(child, 'error').then(([error]) => {
    throw new Error(`${String(error)}\n${advice}`);
  });
  missing.catch(() => undefined);
  const timer = setTimeout(() => child.kill(), startsWithinMs);
  const url = await Promise.race([addressOf(child), missing]).finally(() => clearTimeout(timer));
  // Its request log must be read, or the server blocks.
  child.stderr?.resume();
  const close = async (): Promise<void> => {
    child.kill();
    await ended;
  };
  return { url, close };
};

/** Starts one for the tests of a file; it runs once their hooks have run. @param account the one that all is in */
export const motoServer = (account = '123456789012'): { readonly settings: () => ClientSettings } => {
  let moto: Moto | undefined;
  beforeAll(async () => {
    moto = await startMoto(account);
  });
  afterAll(() => moto?.close());
  return {
    settings: () => ({
      endpoint: moto?.url ?? '',
      region: 'us-east-1',
      credentials: { accessKeyId: 'moto', secretAccessKey: 'moto' },
    }),
  };
};
