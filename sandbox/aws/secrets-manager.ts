import { type IncomingMessage, createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { account, region } from './intrinsics.ts';
import { close, listen } from './listen.ts';

/** An embedded Secrets Manager that answers `GetSecretValue`. */
export interface LocalSecretsManager {
  readonly endpoint: string;
  /** Gives a secret a value, or with `undefined` takes it away: the secret is there and empty, as the stack makes it. */
  readonly setSecret: (name: string, value: string | undefined) => void;
  readonly close: () => Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const refuse = (type: string, message: string): Answer => ({ status: 400, body: { __type: type, Message: message } });

const getSecretValue = (secrets: ReadonlyMap<string, string>, requestBody: string): Answer => {
  const { SecretId = '' } = JSON.parse(requestBody) as { SecretId?: string };
  const name = SecretId.replace(/^arn:.*:secret:(.*)-[^-]+$/, '$1');
  const value = secrets.get(name);
  if (value === undefined) {
    const message = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT";
    return refuse('ResourceNotFoundException', message);
  }
  const body = {
    ARN: `arn:aws:secretsmanager:${region}:${account}:secret:${name}-local1`,
    Name: name,
    SecretString: value,
    VersionStages: ['AWSCURRENT'],
  };
  return { status: 200, body };
};

/** Starts Secrets Manager on a free port (JSON 1.1 protocol). */
export const startSecretsManager = async (): Promise<LocalSecretsManager> => {
  const secrets = new Map<string, string>();
  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const body = await text(request);
    if (request.headers['x-amz-target'] === 'secretsmanager.GetSecretValue') return getSecretValue(secrets, body);
    return refuse('InvalidRequestException', 'Only GetSecretValue is served here');
  };
  const server = createServer((request, response) => {
    answer(request)
      .then(({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
        return response.end(JSON.stringify(body));
      })
      .catch(() => response.destroy());
  });
  const port = await listen(server, 0, '127.0.0.1');
  return {
    endpoint: `http://127.0.0.1:${port}`,
    setSecret: (name, value) => {
      if (value === undefined) secrets.delete(name);
      else secrets.set(name, value);
    },
    close: () => close(server),
  };
};
