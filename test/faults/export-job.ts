import { unavailable } from '../../functions/shared/errors.ts';
import { LambdaError } from '../../sandbox/aws/durable/errors.ts';
import { exportWorld, fhir, memberPatient, observation, pageOf, type WorldOptions } from '../support/export-world.ts';

/** What happens to a call of an export's job. */
export const jobFaults = ['fails once', 'answer lost once', 'killed after it'] as const;
export type JobFault = (typeof jobFaults)[number];

/** What a partner sees of an export under a fault, what is left, and who repairs it. */
export interface JobCell {
  readonly call: string;
  readonly fault: JobFault;
  readonly saw: string;
  readonly left: string;
  readonly repairs: string;
}

/** What each call of the job is, in words. */
export const callNames: Readonly<Record<string, string>> = {
  GetItemCommand: 'DynamoDB: read the export, the grant or the breaker',
  UpdateItemCommand: 'DynamoDB: write the export',
  PutItemCommand: 'DynamoDB: write an audit event',
  sealForJob: 'KMS: GenerateDataKey',
  openInJob: 'KMS: Decrypt',
  put: 'S3: put a part, a state or the manifest',
  get: 'S3: get a state or the manifest',
  payer: 'payer: a page or a resource',
};

/** A record of five resources on three pages, with a reference. */
const startWorld = (options: WorldOptions) => {
  const world = exportWorld(options);
  world.answerWith(({ path }) => {
    if (path.startsWith('/Practitioner/')) return fhir({ resourceType: 'Practitioner', id: 'p1' });
    if (path.includes('page=3')) return pageOf([observation(3)]);
    if (path.includes('page=2')) return pageOf([observation(2)], `${world.base}?page=3`);
    return pageOf(
      [memberPatient, observation(1, { performer: [{ reference: 'Practitioner/p1' }] })],
      `${world.base}?page=2`,
    );
  });
  return world;
};
type World = ReturnType<typeof startWorld>;

const expected = ['member-1', 'o-1', 'o-2', 'o-3', 'p1'];

/** @throws Error if the record is neither whole nor says what is missing, or holds a resource twice */
const describeEnd = async (world: World): Promise<string> => {
  const item = (await world.item())!;
  if (item.status === 'running') return '202, until it counts as failed';
  if (item.payerToken !== undefined || item.stateKey !== undefined) throw new Error('an end leaves a secret');
  if (item.manifestDigest === undefined) return '500: it failed';
  const { resources, errors } = await world.record();
  const ids = Object.entries(resources).flatMap(([type, all]) =>
    type === 'Provenance' ? [] : all.map(({ id }) => id),
  );
  if (new Set(ids).size !== ids.length) throw new Error('a resource comes twice');
  const isWhole = expected.every((id) => ids.includes(id));
  if (!isWhole && errors.length === 0) throw new Error('a record that is not whole says nothing');
  return isWhole ? '200: the whole record' : `200: what is missing is named (${item.status})`;
};

/** The parts that no manifest names. */
const leftOver = async (world: World): Promise<string> => {
  const parts = [...world.objects.keys()].filter((name) => name.includes('/parts/'));
  const item = await world.item();
  const kept =
    item?.manifestDigest === undefined ? [] : (await world.record()).manifest.files.flatMap((file) => file.parts);
  const over = parts.filter((name) => !kept.some(({ object }) => object === name));
  return over.length > 0 ? 'sealed parts that no manifest names: the sweep deletes them' : 'nothing';
};

const repairsOf = (saw: string): string => {
  if (saw.includes('whole')) return "the job's next try";
  return saw.startsWith('202') ? 'a new kick-off, after three days' : 'the partner: a new kick-off';
};

/** Runs an export with one fault at the nth call of a kind. @throws Error if a promise is broken */
const runAt = async (
  call: string,
  fault: JobFault,
  which: number,
): Promise<{ saw: string; left: string; made: number }> => {
  let made = 0;
  let dies = false;
  const world: World = startWorld({
    onCall: (name) => {
      if (name !== call) return;
      made += 1;
      const isThis = made === which;
      const failure = name === 'put' || name === 'get' ? unavailable('s3: SlowDown') : new Error('injected');
      if (isThis && fault === 'killed after it') dies = true;
      if (isThis && fault === 'fails once') throw failure;
    },
    afterCall: (name) => {
      if (name === call && made === which && fault === 'answer lost once') throw new Error('the answer was lost');
    },
    killAfter: () => {
      const isNow = dies;
      dies = false;
      return isNow;
    },
  });
  await world.run();
  return { saw: await describeEnd(world), left: await leftOver(world), made };
};

/** Runs a fault at the first and at the last call of a kind, and returns each different outcome. */
export const jobCells = async (call: string, fault: JobFault): Promise<readonly JobCell[]> => {
  const { made } = await runAt(call, 'fails once', Infinity);
  const found = new Map<string, JobCell>();
  for (const which of new Set([1, made])) {
    const { saw, left: now } = await runAt(call, fault, which);
    // Whether the leg had put parts when it died depends on the place.
    const left =
      fault === 'killed after it' ? 'at most sealed parts that no manifest names: the sweep deletes them' : now;
    found.set(`${saw} ${left}`, { call: callNames[call] ?? call, fault, saw, left, repairs: repairsOf(saw) });
  }
  return [...found.values()];
};

/** The durable service refuses a checkpoint. */
export const checkpointCells = async (): Promise<
  readonly { fault: string; saw: string; left: string; repairs: string }[]
> => {
  const refusals = [
    ['a checkpoint is too large', new LambdaError('RequestEntityTooLargeException', 413, 'too large')],
    [
      'a checkpoint token is refused once',
      new LambdaError('InvalidParameterValueException', 400, 'Invalid checkpoint token'),
    ],
    ['the service throttles once', new LambdaError('TooManyRequestsException', 429, 'slow down')],
    ['the service fails once', new LambdaError('ServiceException', 500, 'internal')],
    ["the history's key is disabled", new LambdaError('KMSDisabledException', 502, 'The key is disabled')],
  ] as const;
  const cells = [];
  for (const [fault, error] of refusals) {
    let refused = 0;
    const world = startWorld({
      hooks: {
        before: ({ updates }) => {
          const isLeg = updates.some(({ Name, Action }) => Name === 'leg' && Action === 'SUCCEED');
          if (!isLeg || (refused > 0 && fault.endsWith('once'))) return undefined;
          refused += 1;
          return error;
        },
      },
    });
    await world.run();
    if (refused === 0) throw new Error('the checkpoint was not refused');
    const saw = await describeEnd(world);
    cells.push({ fault, saw, left: await leftOver(world), repairs: repairsOf(saw) });
  }
  return cells;
};
