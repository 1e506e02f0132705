import { runTool } from '../bin/run-tool.ts';
import { connect, largeMember, startStack, type RunningStack, type Tokens } from './support.ts';

/** Incidents of docs/operate.md, played on a stack of this machine and looked into as the runbook says. */
const payer = 'demo-health-plan';
let stack: RunningStack;
beforeAll(async () => {
  stack = await startStack();
}, 120_000);
afterAll(() => stack.close());

const grantIdOf = ({ access_token: token }: Tokens): string =>
  Buffer.from(token.replace('p2pa_', ''), 'base64url').subarray(0, 16).toString('base64url');
const read = (path: string, { access_token: token }: Tokens): Promise<Response> =>
  fetch(`${stack.origin}/r4/${payer}/${path}`, { headers: { authorization: `Bearer ${token}` } });
const tool = (name: string, ...args: readonly string[]) =>
  runTool(`${name}.ts`, args, { AWS_ENDPOINT_URL: stack.awsEndpoint });
/** The newest line of a function that has this field. */
const lineWith = (field: string): Record<string, unknown> => {
  const lines = stack.functionLines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return lines.findLast((line) => line[field] !== undefined) ?? {};
};

it('an audit whose event source is disabled looks quiet, and has all of it once it is enabled again', async () => {
  const tokens = await connect(stack, payer);
  await stack.streamsIdle();
  const eventsOf = async (): Promise<string[]> => {
    await stack.streamsIdle();
    const { out } = await tool('audit', `--grant=${grantIdOf(tokens)}`, '--json');
    const lines = out.split('\n').filter((line) => line !== '');
    return lines.map((line) => (JSON.parse(line) as { subtype: { code: string }[] }).subtype.at(-1)?.code ?? '');
  };
  const before = await eventsOf();

  stack.pauseStreams();
  const answer = await read(`Patient/${tokens.patient}`, tokens);
  await answer.text();
  const meanwhile = await eventsOf();
  stack.resumeStreams();
  const after = await eventsOf();

  expect(answer.status).toBe(200);
  expect(before.length).toBeGreaterThan(0);
  expect(meanwhile).toEqual(before);
  expect(after).toHaveLength(before.length + 2);
}, 60_000);

it('a payer that cuts a stream is seen as cut by the partner, in the log, in the trace and in the audit', async () => {
  const tokens = await connect(stack, payer, largeMember);
  stack.cutPayer(payer, 300_000);
  const answer = await read('Observation?_count=1000', tokens);
  await expect(answer.text()).rejects.toThrow();
  stack.cutPayer(payer, undefined);
  await stack.streamsIdle();

  expect(answer.status).toBe(200);
  const line = lineWith('payerDown');
  expect(line).toMatchObject({
    function: 'fetch',
    payer,
    status: 200,
    error: 'payer_error',
    outcome: 'failed',
    detail: expect.stringMatching(/^cut after \d+ bytes: /) as unknown,
  });
  expect(lineWith('answersCut')).toMatchObject({ answersCut: 1 });
  const traced = await tool('trace', String(line['requestId']));
  expect(traced.out).toContain('cut after');
  const audited = await tool('audit', `--grant=${grantIdOf(tokens)}`);
  expect(audited.out).toContain('payer_error');
  expect((await read(`Patient/${tokens.patient}`, tokens)).status).toBe(200);
}, 60_000);
