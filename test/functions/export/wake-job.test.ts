import { SendDurableExecutionCallbackSuccessCommand } from '@aws-sdk/client-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { callbackClient, wakeJobThrough } from '../../../functions/export/wake-job.ts';

const waking = () => {
  Object.assign(process.env, { AWS_REGION: 'eu-central-1' });
  const client = callbackClient();
  return { client, lambda: mockClient(client), wake: wakeJobThrough(client) };
};
const failure = (name: string) => Object.assign(new Error('callback-1'), { name });

describe('a job that waits', () => {
  it('is woken by its callback, with an empty message', async () => {
    const { lambda, wake } = waking();
    lambda.on(SendDurableExecutionCallbackSuccessCommand).resolves({});

    await wake('callback-1');

    expect(lambda.calls().map(({ args: [{ input }] }) => input)).toEqual([{ CallbackId: 'callback-1' }]);
  });

  it('needs no call if its wait is over', async () => {
    const { lambda, wake } = waking();
    lambda.on(SendDurableExecutionCallbackSuccessCommand).rejects(failure('CallbackTimeoutException'));

    await expect(wake('callback-1')).resolves.toBeUndefined();
  });

  it.each(['TooManyRequestsException', 'AccessDeniedException', 'TimeoutError'])(
    'is called again later if Lambda answers %s, and the log has that name alone',
    async (name) => {
      const { lambda, wake } = waking();
      lambda.on(SendDurableExecutionCallbackSuccessCommand).rejects(failure(name));

      await expect(wake('callback-1')).rejects.toMatchObject({
        code: 'temporarily_unavailable',
        detail: `lambda: ${name}`,
      });
    },
  );
});

describe('the client', () => {
  it('gives up after three tries', async () => {
    expect(await waking().client.config.maxAttempts()).toBe(3);
  });
});
