import { startAws } from '../../sandbox/aws/aws.ts';
import { noState } from '../../sandbox/state/local-state.ts';

/** The key of a test's own client. Its calls never get an answer that was set for the tool. */
export const ownKey = { accessKeyId: 'test', secretAccessKey: 'none' };

/** The local stack's AWS. A test can set the answers that the tool gets. */
export const answeringAws = async () => {
  const answers = new Map<string, { body: object; left: number }>();
  const sent: { operation: string; input: Readonly<Record<string, unknown>> }[] = [];
  const aws = await startAws(0, undefined, noState, ({ headers, body }) => {
    if (String(headers['authorization']).includes(`Credential=${ownKey.accessKeyId}/`)) return undefined;
    const [service, operation = ''] = String(headers['x-amz-target']).split('.');
    if (service === 'secretsmanager') {
      sent.push({ operation, input: JSON.parse(body.toString()) as Record<string, unknown> });
    }
    const scripted = answers.get(operation);
    if (scripted === undefined || scripted.left <= 0) return undefined;
    scripted.left -= 1;
    const contentType = { 'content-type': 'application/x-amz-json-1.1' };
    return { status: '__type' in scripted.body ? 400 : 200, headers: contentType, body: JSON.stringify(scripted.body) };
  });
  return {
    ...aws,
    /**
     * Sets the answer to an operation. A body with a `__type` is an error.
     * @param times how many times it is given. @default always
     */
    answer: (operation: string, body: object, times = Number.POSITIVE_INFINITY) =>
      void answers.set(operation, { body, left: times }),
    /** The tool's calls of operations of Secrets Manager so far, in order. */
    sent: () => [...sent],
  };
};
