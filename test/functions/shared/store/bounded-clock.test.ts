import { createServer } from 'node:http';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { boundedClock, boundTime } from '../../../../functions/shared/store/bounded-clock.ts';
import { close, listen } from '../../../../sandbox/aws/listen.ts';

const dateMs = Date.UTC(2026, 5, 1, 12);

describe('bounding a time by the Date of an answer', () => {
  const answer = { dateMs, sentAt: 1000, receivedAt: 1040 };

  it.each([
    ['within that second is unchanged', dateMs + 500, 1040, dateMs + 500],
    ['ahead of it becomes its end', dateMs + 120_000, 1040, dateMs + 1040],
    ['behind it becomes its beginning', dateMs - 120_000, 1040, dateMs],
    ['ahead of it advances afterwards', dateMs + 123_000, 4040, dateMs + 4040],
    ['behind it advances afterwards', dateMs - 117_000, 4040, dateMs + 3000],
  ])('a time %s', (_name, nowMs, at, expected) => {
    expect(boundTime(nowMs, at, answer)).toBe(expected);
  });
});

describe('the clock of an environment that calls DynamoDB', () => {
  /** A DynamoDB that refuses everything, with its own date. */
  const setUp = async (date: string | undefined) => {
    const server = createServer((_request, response) => {
      response.sendDate = false;
      response.writeHead(400, {
        'content-type': 'application/x-amz-json-1.0',
        ...(date === undefined ? {} : { date }),
      });
      response.end('{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"}');
    });
    const port = await listen(server, 0, '127.0.0.1');
    const client = new DynamoDBClient({
      region: 'eu-central-1',
      endpoint: `http://127.0.0.1:${port}`,
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
    const clock = boundedClock(client, { now: () => dateMs + 120_000, monotonic: () => 5000 });
    const call = async (): Promise<void> => {
      const read = new GetItemCommand({ TableName: 'Limits', Key: { limitId: { S: 'partner#a' } } });
      await expect(client.send(read)).rejects.toThrow();
      client.destroy();
      await close(server);
    };
    return { clock, call };
  };

  it('is its own until there is an answer', async () => {
    const { clock, call } = await setUp(new Date(dateMs).toUTCString());

    expect(clock.now()).toBe(dateMs + 120_000);
    await call();
  });

  it("is within a second of DynamoDB's afterwards, even if the answer was a refusal", async () => {
    const { clock, call } = await setUp(new Date(dateMs).toUTCString());
    await call();

    expect(clock.now()).toBe(dateMs + 1000);
    expect(clock.monotonic()).toBe(5000);
  });

  it.each([undefined, 'yesterday'])('is its own if the answer is dated %s', async (date) => {
    const { clock, call } = await setUp(date);
    await call();

    expect(clock.now()).toBe(dateMs + 120_000);
  });
});
