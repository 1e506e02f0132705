import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Version {
  readonly id: string;
  readonly text: string;
  readonly labels: Set<string>;
}

const identity =
  '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>' +
  '<Arn>arn:aws:iam::000000000000:user/operator</Arn><Account>000000000000</Account>' +
  '</GetCallerIdentityResult></GetCallerIdentityResponse>';

/**
 * A stand-in for Secrets Manager that keeps versions and their labels as AWS documents it: a new value gets AWSCURRENT,
 * and the value that had it gets AWSPREVIOUS.
 */
export const fakeSecrets = async (names: readonly string[]) => {
  const secrets = new Map<string, Version[]>(names.map((name) => [name, []]));
  const made = new Map<string, Record<string, unknown>>();
  const tags = new Map<string, Map<string, string>>();
  const tag = (name: string, added: unknown): void => {
    const all = tags.get(name) ?? new Map<string, string>();
    for (const { Key, Value } of (added ?? []) as { Key: string; Value: string }[]) all.set(Key, Value);
    tags.set(name, all);
  };
  const failures = new Map<string, object>();
  const calls: string[] = [];
  const take = (versions: Version[], next: Version): void => {
    const current = versions.find(({ labels }) => labels.has('AWSCURRENT'));
    for (const { labels } of versions) labels.delete('AWSPREVIOUS');
    current?.labels.delete('AWSCURRENT');
    current?.labels.add('AWSPREVIOUS');
    next.labels.add('AWSCURRENT');
  };
  const answer = (operation: string, input: Record<string, string>): [number, object] => {
    const failure = failures.get(operation);
    if (failure !== undefined) return [400, failure];
    if (operation === 'CreateSecret') {
      const name = input['Name'] ?? '';
      if (secrets.has(name)) return [400, { __type: 'ResourceExistsException', Message: 'It already exists.' }];
      made.set(name, input);
      tag(name, input['Tags']);
      secrets.set(name, [{ id: 'version-1', text: input['SecretString'] ?? '', labels: new Set(['AWSCURRENT']) }]);
      return [200, { Name: name }];
    }
    const versions = secrets.get(input['SecretId'] ?? '');
    if (versions === undefined) {
      return [
        400,
        { __type: 'ResourceNotFoundException', Message: "Secrets Manager can't find the specified secret." },
      ];
    }
    if (operation === 'DescribeSecret') {
      const labelled = versions.filter(({ labels }) => labels.size > 0);
      const Tags = [...(tags.get(input['SecretId'] ?? '') ?? [])].map(([Key, Value]) => ({ Key, Value }));
      return [
        200,
        { VersionIdsToStages: Object.fromEntries(labelled.map(({ id, labels }) => [id, [...labels]])), Tags },
      ];
    }
    if (operation === 'TagResource') {
      tag(input['SecretId'] ?? '', input['Tags']);
      return [200, {}];
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
      const target = String(request.headers['x-amz-target']);
      // The stage has no registry: STS says who asks, and DynamoDB that there is no table.
      if (target.startsWith('DynamoDB')) return void response.end('{"TableNames":[]}');
      if (body.startsWith('Action=')) return void response.end(identity);
      const operation = target.replace('secretsmanager.', '');
      calls.push(operation);
      const [status, said] = answer(operation, JSON.parse(body) as Record<string, string>);
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(said));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    env: {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'operator',
      AWS_SECRET_ACCESS_KEY: 'none',
    },
    /** How a secret was created, if it was. */
    made: (name: string): Record<string, unknown> | undefined => made.get(name),
    /** Makes every call of an operation fail with this error, until there is another or none. */
    failWith: (operation: string, error: { readonly __type: string; readonly Message?: string } | undefined): void => {
      if (error === undefined) failures.delete(operation);
      else failures.set(operation, error);
    },
    /** What a function would read. */
    current: (name: string): string | undefined =>
      secrets.get(name)?.find(({ labels }) => labels.has('AWSCURRENT'))?.text,
    /** A secret's tags. */
    tags: (name: string): Record<string, string> => Object.fromEntries(tags.get(name) ?? []),
    calls,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};
