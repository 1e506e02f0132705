import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readSecretWith } from '../../bin/payers/secret.ts';
import { runningStack } from '../../bin/shared/running-stack.ts';
import { awsEndpoint, stageSecretsClient } from '../../bin/shared/secrets-manager.ts';
import { localStage } from '../../config/local.ts';

interface Asked {
  readonly authorization: string | undefined;
  readonly body: string;
}

/** Reads a secret from a stand-in for AWS that gives this answer. */
const readFrom = async (status: number, answer: object) => {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      asked.push({ authorization: request.headers.authorization, body });
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const AWS_ENDPOINT_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const client = stageSecretsClient(localStage(), { AWS_ENDPOINT_URL });
    return { reading: await readSecretWith(client)('p2p/local/payers/northwind'), asked };
  } finally {
    server.closeAllConnections();
    server.close();
  }
};

const noValue = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT";

describe("a payer's secret", () => {
  it('is read by its name, with made-up credentials if a stand-in answers', async () => {
    const { reading, asked } = await readFrom(200, { SecretString: '{"client_secret":"x"}' });

    expect(reading).toEqual({ text: '{"client_secret":"x"}' });
    expect(asked[0]?.body).toContain('"SecretId":"p2p/local/payers/northwind"');
    expect(asked[0]?.authorization).toContain('Credential=payers/');
  });

  it.each([
    [{ __type: 'ResourceNotFoundException', Message: noValue }, 'has no value yet'],
    [{ __type: 'ResourceNotFoundException', Message: "Can't find the specified secret." }, 'does not exist'],
    [{ __type: 'AccessDeniedException', Message: 'canary' }, 'may not be read with these credentials'],
    [{ __type: 'ExpiredTokenException', Message: 'canary' }, 'was not read: AWS does not accept these credentials'],
    [{ __type: 'SomethingNew', Message: 'canary' }, 'was not read: Secrets Manager answers SomethingNew'],
  ])("a payer's secret that cannot be read says why and what to do: %j", async (answer, problem) => {
    const { reading } = await readFrom(400, answer);

    expect(reading).toEqual({ problem, todo: expect.stringMatching(/\w/) });
    expect(JSON.stringify(reading)).not.toContain('canary');
  });

  it("a payer's secret of a stage without a region says that no region is set", async () => {
    const client = stageSecretsClient({ ...localStage(), stage: 'demo' }, {});
    client.config.region = () => Promise.reject(new Error('Region is missing'));

    expect(await readSecretWith(client)('x')).toMatchObject({ problem: 'was not read: no region is set' });
  });
});

describe('the endpoint in place of AWS', () => {
  it('is the one in the environment, else for stage local the one of the stack that runs, else AWS', () => {
    const env = { AWS_ENDPOINT_URL: 'http://a', AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://b' };

    expect(awsEndpoint('demo', env)).toBe('http://b');
    expect(awsEndpoint('demo', { AWS_ENDPOINT_URL: 'http://a' })).toBe('http://a');
    expect(awsEndpoint('local', {})).toBe(`http://127.0.0.1:${runningStack({})?.ports.aws ?? 3004}`);
    expect(awsEndpoint('demo', {})).toBeUndefined();
  });
});
