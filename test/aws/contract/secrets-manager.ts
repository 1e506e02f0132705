import { randomUUID } from 'node:crypto';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  TagResourceCommand,
  UpdateSecretVersionStageCommand,
  type GetSecretValueCommandInput,
  type PutSecretValueCommandInput,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { casesFrom, type Case } from './contract.ts';

type Secrets = SecretsManagerClient;

const reference = 'https://docs.aws.amazon.com/secretsmanager/latest/apireference';
const create = casesFrom<Secrets>(`${reference}/API_CreateSecret.html`);
const get = casesFrom<Secrets>(`${reference}/API_GetSecretValue.html`);
const put = casesFrom<Secrets>(`${reference}/API_PutSecretValue.html`);
const move = casesFrom<Secrets>(`${reference}/API_UpdateSecretVersionStage.html`);

let made = 0;
/** Makes a secret that no other case knows, without a value. */
const emptySecret = async (client: Secrets): Promise<string> => {
  const Name = `p2p/local/payers/made-${(made += 1)}`;
  await client.send(new CreateSecretCommand({ Name }));
  return Name;
};
const write = async (client: Secrets, SecretId: string, more: Partial<PutSecretValueCommandInput>) =>
  (await client.send(new PutSecretValueCommand({ SecretId, ...more }))).VersionId ?? '';
const read = async (client: Secrets, SecretId: string, more: Partial<GetSecretValueCommandInput> = {}) =>
  (await client.send(new GetSecretValueCommand({ SecretId, ...more }))).SecretString;
/** The labels of each version. */
const labelsOf = async (client: Secrets, SecretId: string): Promise<Record<string, string[]>> => {
  const { VersionIdsToStages = {} } = await client.send(new DescribeSecretCommand({ SecretId }));
  return Object.fromEntries(Object.entries(VersionIdsToStages).map(([id, labels]) => [id, labels.toSorted()]));
};
const moveCurrent = (client: Secrets, SecretId: string, MoveToVersionId: string, RemoveFromVersionId?: string) =>
  client.send(
    new UpdateSecretVersionStageCommand({
      SecretId,
      VersionStage: 'AWSCURRENT',
      MoveToVersionId,
      ...(RemoveFromVersionId === undefined ? {} : { RemoveFromVersionId }),
    }),
  );
/** A secret with a current and a pending version. */
const withPending = async (client: Secrets) => {
  const name = await emptySecret(client);
  const first = await write(client, name, { SecretString: 'first' });
  const second = await write(client, name, { SecretString: 'second', VersionStages: ['AWSPENDING'] });
  return { name, first, second };
};

/** Of each parameter, a length that is legal, and the first that is not. Both are tried on {@link requests}. */
const lengths: readonly (readonly [parameter: keyof typeof requests, legal: number, illegal: number])[] = [
  ['name', 512, 513],
  ['name', 1, 0],
  ['value', 65_536, 65_537],
  ['value', 1, 0],
  ['token', 32, 31],
  ['token', 64, 65],
];
/** Requests whose parameter has a length. */
const requests = {
  name: async (client: Secrets, length: number) =>
    client.send(
      new CreateSecretCommand({
        Name: String((made += 1))
          .padEnd(length, 'n')
          .slice(0, length),
      }),
    ),
  value: async (client: Secrets, length: number) =>
    write(client, await emptySecret(client), { SecretString: 's'.repeat(length) }),
  token: async (client: Secrets, length: number) =>
    write(client, await emptySecret(client), {
      SecretString: 's',
      ClientRequestToken: randomUUID().padEnd(length, 't').slice(0, length),
    }),
} as const;

/** Lengths of what names a secret or a version: of a legal one there is nothing, and of the first illegal one no search. */
const searched: readonly (readonly [parameter: keyof typeof searches, legal: number, illegal: number])[] = [
  ['SecretId', 2048, 2049],
  ['VersionId', 32, 31],
  ['VersionId', 64, 65],
  ['VersionStage', 256, 257],
  ['VersionStage', 1, 0],
  ['MoveToVersionId', 32, 31],
  ['MoveToVersionId', 64, 65],
];
const searches = {
  SecretId: (client: Secrets, _name: string, text: string) => read(client, text),
  VersionId: (client: Secrets, name: string, VersionId: string) => read(client, name, { VersionId }),
  VersionStage: (client: Secrets, name: string, VersionStage: string) => read(client, name, { VersionStage }),
  MoveToVersionId: (client: Secrets, name: string, version: string) => moveCurrent(client, name, version),
} as const;

/** What Secrets Manager does with what functions and tools send. */
export const secretCases: readonly Case<Secrets>[] = [
  get('Secrets Manager returns a secret by its name and by its ARN', async (client) => {
    const name = await emptySecret(client);
    await write(client, name, { SecretString: '{"client_secret":"s"}' });
    const found = await client.send(new GetSecretValueCommand({ SecretId: name }));
    expect(found).toMatchObject({ Name: name, SecretString: '{"client_secret":"s"}', VersionStages: ['AWSCURRENT'] });
    expect(await read(client, found.ARN ?? '')).toBe('{"client_secret":"s"}');
  }),
  get('Secrets Manager gives no secret by part of its name, or by its name in other letters', async (client) => {
    const name = await emptySecret(client);
    await write(client, name, { SecretString: 'value' });
    for (const other of [name.slice(0, -1), `${name}-`, name.toUpperCase(), 'p2p/local/payers']) {
      await expect(read(client, other)).rejects.toMatchObject({
        name: 'ResourceNotFoundException',
        message: "Secrets Manager can't find the specified secret.",
      });
    }
  }),
  get('Secrets Manager refuses to read a secret of an empty name', async (client) => {
    await expect(read(client, '')).rejects.toMatchObject({ name: 'ValidationException' });
  }),
  get('Secrets Manager finds no value of a secret that has none', async (client) => {
    const name = await emptySecret(client);
    await expect(read(client, name)).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    });
    expect(await labelsOf(client, name)).toEqual({});
  }),
  get('Secrets Manager reads a version by its label or by its id', async (client) => {
    const { name, first, second } = await withPending(client);
    expect(await read(client, name)).toBe('first');
    expect(await read(client, name, { VersionStage: 'AWSPENDING' })).toBe('second');
    expect(await read(client, name, { VersionId: first })).toBe('first');
    expect(await read(client, name, { VersionId: second, VersionStage: 'AWSPENDING' })).toBe('second');
  }),
  get('Secrets Manager refuses to read a version by an id and a label of another version', async (client) => {
    const { name, second } = await withPending(client);
    await expect(read(client, name, { VersionId: second, VersionStage: 'AWSCURRENT' })).rejects.toMatchObject({
      $fault: 'client',
    });
  }),
  get('Secrets Manager finds no version of an id or label that no version has', async (client) => {
    const { name } = await withPending(client);
    for (const absent of [{ VersionId: randomUUID() }, { VersionStage: 'OTHER' }]) {
      await expect(read(client, name, absent)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    }
  }),
  create('Secrets Manager creates a secret once', async (client) => {
    const Name = await emptySecret(client);
    await expect(client.send(new CreateSecretCommand({ Name }))).rejects.toMatchObject({
      name: 'ResourceExistsException',
    });
  }),
  create('Secrets Manager creates a secret with its first value', async (client) => {
    const Name = `p2p/local/payers/made-${(made += 1)}`;
    const { VersionId = '' } = await client.send(new CreateSecretCommand({ Name, SecretString: 'first' }));
    expect(await read(client, Name)).toBe('first');
    expect(await labelsOf(client, Name)).toEqual({ [VersionId]: ['AWSCURRENT'] });
  }),
  ...lengths.map(([parameter, legal, illegal]) =>
    (parameter === 'name' ? create : put)(
      `Secrets Manager takes a ${parameter} of length ${legal}, and refuses one of ${illegal}`,
      async (client) => {
        await requests[parameter](client, legal);
        await expect(requests[parameter](client, illegal)).rejects.toMatchObject({ $fault: 'client' });
      },
    ),
  ),
  ...searched.map(([parameter, legal, illegal]) =>
    (parameter === 'MoveToVersionId' ? move : get)(
      `Secrets Manager finds nothing by a ${parameter} of length ${legal}, and refuses one of ${illegal}`,
      async (client) => {
        const { name } = await withPending(client);
        const by = (length: number) => searches[parameter](client, name, 'n'.repeat(length));
        await expect(by(legal)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
        await expect(by(illegal)).rejects.toMatchObject({ name: 'ValidationException' });
      },
    ),
  ),
  put('Secrets Manager makes the first version current, whatever labels it is given', async (client) => {
    const name = await emptySecret(client);
    const first = await write(client, name, { SecretString: 'first', VersionStages: ['AWSPENDING'] });
    expect(await labelsOf(client, name)).toEqual({ [first]: ['AWSCURRENT', 'AWSPENDING'] });
    expect(await read(client, name)).toBe('first');
  }),
  put('Secrets Manager leaves the current version where a new one is given another label', async (client) => {
    const { name, first, second } = await withPending(client);
    expect(await labelsOf(client, name)).toEqual({ [first]: ['AWSCURRENT'], [second]: ['AWSPENDING'] });
  }),
  put('Secrets Manager makes no version the previous one where a label other than AWSCURRENT moves', async (client) => {
    const { name, first } = await withPending(client);
    const third = await write(client, name, { SecretString: 'third', VersionStages: ['AWSPENDING'] });
    const { [first]: ofFirst, [third]: ofThird } = await labelsOf(client, name);
    expect([ofFirst, ofThird]).toEqual([['AWSCURRENT'], ['AWSPENDING']]);
    expect(Object.values(await labelsOf(client, name)).flat()).not.toContain('AWSPREVIOUS');
  }),
  put('Secrets Manager makes a new version current, and the one before it the previous one', async (client) => {
    const name = await emptySecret(client);
    const [first, second, third] = [
      await write(client, name, { SecretString: 'first' }),
      await write(client, name, { SecretString: 'second' }),
      await write(client, name, { SecretString: 'third' }),
    ];
    const labels = await labelsOf(client, name);
    expect([labels[third], labels[second]]).toEqual([['AWSCURRENT'], ['AWSPREVIOUS']]);
    expect(labels[first] ?? []).toEqual([]);
    expect(await read(client, name, { VersionStage: 'AWSPREVIOUS' })).toBe('second');
  }),
  put('Secrets Manager takes a repeated request once, and refuses another value under its token', async (client) => {
    const name = await emptySecret(client);
    const request = { SecretString: 'value', ClientRequestToken: randomUUID() };
    expect(await write(client, name, request)).toBe(request.ClientRequestToken);
    const before = await labelsOf(client, name);
    await write(client, name, request);
    expect(await labelsOf(client, name)).toEqual(before);
    await expect(write(client, name, { ...request, SecretString: 'another' })).rejects.toMatchObject({
      name: 'ResourceExistsException',
    });
    expect(await read(client, name)).toBe('value');
  }),
  put('Secrets Manager finds no secret to write a value to where there is none', async (client) => {
    await expect(write(client, 'p2p/local/payers/none', { SecretString: 'x' })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  }),
  move('Secrets Manager moves a label from the version that has it to another', async (client) => {
    const { name, first, second } = await withPending(client);
    await moveCurrent(client, name, second, first);
    expect(await read(client, name)).toBe('second');
    expect(await labelsOf(client, name)).toEqual({ [first]: ['AWSPREVIOUS'], [second]: ['AWSCURRENT', 'AWSPENDING'] });
  }),
  move('Secrets Manager moves no label unless the request names the version that has it', async (client) => {
    const { name, second } = await withPending(client);
    for (const from of [undefined, randomUUID()]) {
      await expect(moveCurrent(client, name, second, from)).rejects.toMatchObject({
        name: 'InvalidParameterException',
      });
    }
    expect(await read(client, name)).toBe('first');
  }),
  move('Secrets Manager moves no label to a version that does not exist', async (client) => {
    const { name, first } = await withPending(client);
    await expect(moveCurrent(client, name, randomUUID(), first)).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    expect(await read(client, name)).toBe('first');
  }),
  casesFrom<Secrets>(`${reference}/API_TagResource.html`)(
    'Secrets Manager keeps the tags that a secret is made with, and adds and replaces later ones',
    async (client) => {
      const Name = `p2p/local/payers/made-${(made += 1)}`;
      await client.send(new CreateSecretCommand({ Name, Tags: [{ Key: 'stage', Value: 'demo' }] }));
      const Tags = [
        { Key: 'stage', Value: 'local' },
        { Key: 'cost-center', Value: '4711' },
      ];
      await client.send(new TagResourceCommand({ SecretId: Name, Tags }));
      expect((await client.send(new DescribeSecretCommand({ SecretId: Name }))).Tags).toEqual(Tags);
    },
  ),
];
