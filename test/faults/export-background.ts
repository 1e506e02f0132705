import { DeleteObjectsCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { writeKeptParts } from '../../functions/shared/exports/kept-parts.ts';
import { keptName, manifestName, partName, stateName } from '../../functions/shared/exports/object-names.ts';
import { sweepHandler } from '../../functions/sweep/handler.ts';
import { deliveries, eventOf, firstSecret } from '../functions/deliver/receivers.ts';
import { simulatedDurable, type DurableOptions } from '../support/durable.ts';
import type { Cell } from './export-calls.ts';

const faults = ['fails once', 'answer lost once', 'killed after it'] as const;
type Fault = (typeof faults)[number];

/** Fails the first call, before its effect or after; or lets the process die before its result is stored. */
const faulty = (fault: Fault) => {
  let [isDue, dies] = [true, false];
  const around = async <T>(work: () => T): Promise<T> => {
    if (!isDue) return work();
    isDue = false;
    if (fault === 'fails once') throw Object.assign(new Error('slow'), { name: 'SlowDown' });
    const answer = work();
    if (fault === 'answer lost once') throw Object.assign(new Error('late'), { name: 'TimeoutError' });
    dies = true;
    return answer;
  };
  const hooks: DurableOptions['hooks'] = {
    before: ({ updates }) => {
      if (!dies || !updates.some(({ Action }) => Action === 'SUCCEED')) return undefined;
      dies = false;
      throw new Error('the process died');
    },
  };
  return { around, hooks };
};

const exportId = 'x'.repeat(44);
const [kept, left] = [partName(exportId, 'kept'), partName(exportId, 'left')];
const staying = [kept, manifestName(exportId), keptName(exportId)].sort();
const sweepCalls = ['S3: GetObject', 'S3: ListObjectsV2', 'S3: DeleteObjects'] as const;

const sweepCell = async (call: (typeof sweepCalls)[number], fault: Fault): Promise<Cell> => {
  const objects = new Set([...staying, left, stateName(exportId, 'a')]);
  const { around, hooks } = faulty(fault);
  const may = async <T>(name: string, work: () => T): Promise<T> => (name === call ? around(work) : work());
  const client = new S3Client({ region: 'eu-central-1' });
  mockClient(client)
    .on(GetObjectCommand)
    .callsFake(() => may('S3: GetObject', () => ({ Body: { transformToString: async () => writeKeptParts([kept]) } })))
    .on(ListObjectsV2Command)
    .callsFake(() => may('S3: ListObjectsV2', () => ({ Contents: [...objects].map((Key) => ({ Key })) })))
    .on(DeleteObjectsCommand)
    .callsFake(({ Delete }: { Delete: { Objects: { Key: string }[] } }) =>
      may('S3: DeleteObjects', () => {
        for (const { Key } of Delete.Objects) objects.delete(Key);
        return {};
      }),
    );
  const durable = simulatedDurable({ sweep: sweepHandler({ bucket: { client, name: 'exports' } }) }, { hooks });
  const { status } = await durable.finish(durable.start('sweep', { exportId, keep: true }));
  if (status !== 'SUCCEEDED') throw new Error(`${call}: the sweep ended as ${status}`);
  if ([...objects].sort().join() !== staying.join()) throw new Error(`${call}: ${[...objects].join()} is left`);
  const saw = 'the record stays, the rest is deleted';
  return { call: `sweep: ${call}`, fault, saw, repairs: "the sweep's next try" };
};

const url = 'https://a.example.org/';
const nextTry = 'the next try, five seconds later';

const postCell = async (fault: Fault): Promise<Cell> => {
  const { around, hooks } = faulty(fault);
  const reached: number[] = [];
  const receive = () => {
    reached.push(200);
    return 200;
  };
  const { run, got } = deliveries(
    { [url]: () => around(receive).catch((error: unknown) => error as Error) },
    hooks === undefined ? {} : { hooks },
  );
  const { status } = await run(eventOf());
  if (status !== 'SUCCEEDED' || got.length !== 2) throw new Error(`${got.length} posts, ${status}`);
  if (new Set(got.map(({ id }) => id)).size !== 1) throw new Error('the repeat has another id');
  const saw = reached.length === 1 ? 'the event arrives, once' : 'the event arrives twice, with one id';
  const repairs = fault === 'killed after it' ? "the engine's next invocation" : nextTry;
  return { call: 'deliver: POST to the partner', fault, saw, repairs };
};

/** Calls of AWS before the post: nothing is sent until they succeed. */
const beforePostCells = async (): Promise<Cell[]> => {
  const cells: Cell[] = [];
  for (const call of ['GetItem Limits', 'Secrets Manager: GetSecretValue']) {
    const world = deliveries({ [url]: () => 200 });
    if (call === 'GetItem Limits') world.dynamo.failNext('GetItem', new Error('slow'));
    else world.setSecrets('demo-app');
    const arn = world.start(eventOf());
    await world.durable.until(() => world.log().length === 1);
    const posts = (): number => world.got.length;
    if (posts() > 0) throw new Error(`${call}: posted without it`);
    world.setSecrets('demo-app', firstSecret);
    const { result } = await world.durable.finish(arn);
    if ((result as { tries: number }).tries !== 2 || posts() !== 1) throw new Error(`${call}: not once`);
    cells.push({ call: `deliver: ${call}`, fault: 'fails once', saw: 'the event arrives, once', repairs: nextTry });
  }
  return cells;
};

const disableCell = async (): Promise<Cell> => {
  const world = deliveries({ [url]: () => 410 });
  world.dynamo.failNext('PutItem', new Error('slow'));
  const { result } = await world.run(eventOf());
  if ((result as { outcome: string }).outcome !== 'gone' || world.got.length !== 2) throw new Error('not disabled');
  if (!world.isDisabled('demo-app')) throw new Error('the webhook is not disabled');
  const saw = 'the receiver answers 410 twice, then nothing more is sent';
  return { call: 'deliver: PutItem Limits, after a 410', fault: 'fails once', saw, repairs: nextTry };
};

/** What each call of the sweep and of a delivery leaves when it fails. @throws Error if a promise is broken */
export const backgroundCells = async (): Promise<readonly Cell[]> => {
  const cells: Cell[] = [];
  for (const call of sweepCalls) for (const fault of faults) cells.push(await sweepCell(call, fault));
  for (const fault of faults) cells.push(await postCell(fault));
  return [...cells, ...(await beforePostCells()), await disableCell()];
};
