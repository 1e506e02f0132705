import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import { requestCustomResource, type CustomResourceRequest } from '../../sandbox/aws/custom-resource.ts';

const resource = {
  logicalId: 'Fill',
  type: 'Custom::RegistryFill',
  functionName: 'Filler',
  properties: { ServiceToken: 'arn:aws:lambda:us-east-1:000000000000:function:Filler', ServiceTimeout: '900' },
};

type Answers = (event: CloudFormationCustomResourceEvent) => object | string;

const success: Answers = ({ StackId, RequestId, LogicalResourceId }) => ({
  Status: 'SUCCESS',
  PhysicalResourceId: 'registry',
  StackId,
  RequestId,
  LogicalResourceId,
});

/** A successful answer of this many bytes. */
const answerOf = (event: CloudFormationCustomResourceEvent, bytes: number): string => {
  const short = JSON.stringify({ ...(success(event) as object), Data: '' });
  return short.replace('"Data":""', `"Data":"${'é'.repeat(10).padEnd(bytes - short.length - 10, 'x')}"`);
};

/** Has a function that answers like this make the resource. @returns what the function was asked */
const ask = async (
  answers: Answers,
  request: CustomResourceRequest = 'Create',
  headers: Record<string, string> = {},
) => {
  const asked: { name: string; event: CloudFormationCustomResourceEvent; status: number }[] = [];
  await requestCustomResource(resource, request, async (name, event) => {
    const answer = answers(event);
    const body = Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer));
    const { status } = await fetch(event.ResponseURL, { method: 'PUT', headers, body });
    asked.push({ name, event, status });
  });
  return asked;
};

describe('a custom resource of the local stack', () => {
  it('is made by its function, which is asked as CloudFormation asks', async () => {
    const [asked, ...more] = await ask(success);

    expect(more).toEqual([]);
    expect(asked).toMatchObject({
      name: 'Filler',
      status: 200,
      event: {
        RequestType: 'Create',
        LogicalResourceId: 'Fill',
        ResourceType: 'Custom::RegistryFill',
        ResourceProperties: resource.properties,
        ServiceToken: resource.properties.ServiceToken,
      },
    });
    expect(asked?.event).not.toHaveProperty('PhysicalResourceId');
  });

  it.each(['Update', 'Delete'] as const)('exists already for %s', async (request) => {
    const [asked] = await ask(success, request);

    expect(asked?.event).toMatchObject({ RequestType: request, PhysicalResourceId: 'Fill' });
  });

  it.each([
    [
      'no room in the table',
      (event) => ({ ...(success(event) as object), Status: 'FAILED', Reason: 'no room in the table' }),
    ],
    ['it gave no reason', (event) => ({ ...(success(event) as object), Status: 'FAILED' })],
    ['its answer has another RequestId', (event) => ({ ...(success(event) as object), RequestId: 'other' })],
    ['its answer has no PhysicalResourceId', (event) => ({ ...(success(event) as object), PhysicalResourceId: '' })],
    ['its answer has another StackId', () => 'not JSON'],
    ['its answer is longer than 4,096 bytes', (event) => answerOf(event, 4097)],
  ] satisfies [string, Answers][])('fails with a line for a person: %s', async (why, answers) => {
    await expect(ask(answers)).rejects.toThrow(`Custom::RegistryFill (Create) failed: ${why}`);
  });

  it('a custom resource may get an answer of 4,096 bytes', async () => {
    expect(await ask((event) => answerOf(event, 4096))).toMatchObject([{ status: 200 }]);
  });

  it('is not made by an answer to another URL, by another method or with a content type: 403', async () => {
    const statuses: number[] = [];
    await requestCustomResource(resource, 'Create', async (_name, event) => {
      const body = JSON.stringify(success(event));
      const put = async (url: string, init: RequestInit = {}): Promise<void> => {
        statuses.push((await fetch(url, { method: 'PUT', body: Buffer.from(body), ...init })).status);
      };
      await put(`${event.ResponseURL}x`);
      await put(event.ResponseURL, { method: 'POST' });
      await put(event.ResponseURL, { headers: { 'content-type': 'application/json' } });
      await put(event.ResponseURL);
    });

    expect(statuses).toEqual([403, 403, 403, 200]);
  });

  it('fails if its function fails, or ends without an answer that the signed URL accepts', async () => {
    const failing = requestCustomResource(resource, 'Create', () => Promise.reject(new Error('filler failed: {}')));
    await expect(failing).rejects.toThrow('Custom::RegistryFill (Create) failed: filler failed: {}');

    const typed = ask(success, 'Create', { 'content-type': 'application/json' });
    await expect(typed).rejects.toThrow('its function ended without an answer');
  });
});
