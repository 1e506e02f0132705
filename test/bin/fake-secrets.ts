import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Version {
  readonly id: string;
  readonly text: string;
  readonly labels: Set<string>;
}

/**
 * A stand-in for Secrets Manager that keeps versions and their labels as AWS documents it: a new value gets AWSCURRENT,
 * and the value that had it gets AWSPREVIOUS.
 */
export const fakeSecrets = async (names: readonly string[]) => {
  const secrets = new Map<string, Version[]>(names.map((name) => [name, []]));
  const calls: string[] = [];
  const take = (versions: Version[], next: Version): void => {
    const current = versions.find(({ labels }) => labels.has('AWSCURRENT'));
    for (const { labels } of versions) labels.delete('AWSPREVIOUS');
    current?.labels.delete('AWSCURRENT');
    current?.labels.add('AWSPREVIOUS');
    next.labels.add('AWSCURRENT');
  };
  const answer = (operation: string, input: Record<string, string>): [number, object] => {
    const versions = secrets.get(input['SecretId'] ?? '');
    if (versions === undefined) {
      return [
        400,
        { __type: 'ResourceNotFoundException', Message: "Secrets Manager can't find the specified secret." },
      ];
    }
    if (operation === 'DescribeSecret') {
      const labelled = versions.filter(({ labels }) => labels.size > 0);
      return [200, { VersionIdsToStages: Object.fromEntries(labelled.map(({ id, labels }) => [id, [...labels]])) }];
    }
    if (operation === 'PutSecretValue') {
      const next = {
        id: `version-${versions.length + 1}`,
        text: input['SecretString'] ?? '',
        labels: new Set<string>(),
      };
      take(versions, next);
      versions.push(next);
      return [200, { VersionId: next.id }];
    }
    const moved = versions.find(({ id }) => id === input['MoveToVersionId']);
    const from = versions.find(({ id }) => id === input['RemoveFromVersionId']);
    if (moved === undefined || from?.labels.has('AWSCURRENT') !== true)
      return [400, { __type: 'InvalidParameterException' }];
    take(versions, moved);
    return [200, {}];
  };
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const operation = String(request.headers['x-amz-target']).replace('secretsmanager.', '');
      calls.push(operation);
      const [status, said] = answer(operation, JSON.parse(body) as Record<string, string>);
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(said));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    env: { AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    /** What a function would read. */
    current: (name: string): string | undefined =>
      secrets.get(name)?.find(({ labels }) => labels.has('AWSCURRENT'))?.text,
    calls,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};
