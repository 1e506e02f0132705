import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { writeWebhookSecret } from '../../functions/shared/events/webhook-secrets.ts';
import { close, listen } from '../../sandbox/aws/listen.ts';
import { runTool } from '../bin/run-tool.ts';
import { connect, postAs } from '../conformance/client.ts';
import { kickOff, locationOfExport, pollToEnd } from '../conformance/exports-client.ts';
import { startLocalTarget, type LocalTarget } from '../conformance/local-target.ts';
import { openapi } from '../openapi/document.ts';
import { problemsOf } from '../openapi/validate.ts';
import { answer, type Script } from '../support/payer/answers.ts';
import { askAgainWhereBusy } from './support.ts';

askAgainWhereBusy();

/** A delivery, as it reached the partner. */
interface Delivery {
  readonly headers: IncomingHttpHeaders;
  readonly body: { readonly type: string; readonly data: Readonly<Record<string, string>> };
}

const event = '/webhooks/event/post';
const bodySchema = `${event}/requestBody/content/application~1json/schema`;
const { examples: documentedTypes } = (
  openapi as { components: { schemas: { Event: { properties: { type: { examples: readonly string[] } } } } } }
).components.schemas.Event.properties.type;
const { parameters } = (openapi as { webhooks: { event: { post: { parameters: readonly { name: string }[] } } } })
  .webhooks.event.post;

const deliveries: Delivery[] = [];
let receiver: Server;
let target: LocalTarget;

/** Waits for the next delivery of a type. */
const delivered = async (type: string): Promise<void> => {
  const isHere = (): boolean => deliveries.some(({ body }) => body.type === type);
  while (!isHere()) await once(receiver, 'delivered');
};

const as = () => ({ app: target.apps.onePayer });

const begin = async (r4?: Script): Promise<{ token: string; url: string }> => {
  const { access_token: token } = await connect(target, {}, as());
  if (r4 !== undefined) target.payers.script('clear-health', { r4 });
  const url = locationOfExport(await kickOff(target, token));
  return { token, url };
};

const finish = async ({ url, token }: { url: string; token: string }): Promise<void> => {
  await (await pollToEnd(url, token)).body?.cancel();
  target.payers.reset();
};

/** Brings an event of each type. */
const driveEvents = async (): Promise<void> => {
  const waiting = await begin(() => answer(401, {}));
  await delivered('export.waiting');
  target.payers.reset();
  await finish(waiting);
  const onlyThePatient: Script = ({ path }, usual) =>
    /^\/Patient(?!.*\$everything)/.test(path) ? usual() : answer(403, {});
  await finish(await begin(onlyThePatient));
  const ended = await begin(() => answer(403, {}));
  await finish(ended);
  await postAs(target, target.apps.onePayer, 'revoke', { token: ended.token });
  const endpoint = { AWS_ENDPOINT_URL: target.cloud.awsEndpoint };
  expect(await runTool('partners.ts', ['webhook', 'one-payer', '--test', '--stage', 'local'], endpoint)).toMatchObject({
    code: 0,
  });
  for (const type of documentedTypes) await delivered(type);
};

beforeAll(async () => {
  receiver = createServer(async (request, response) => {
    const body = await text(request);
    deliveries.push({ headers: request.headers, body: JSON.parse(body) as Delivery['body'] });
    response.writeHead(204).end();
    receiver.emit('delivered');
  });
  const webhook = `http://localhost:${await listen(receiver, 0, '127.0.0.1')}/webhooks`;
  target = await startLocalTarget({
    stage: 'local',
    webhook,
    webhookSecret: writeWebhookSecret(randomBytes(32)),
    streams: { twice: true, shards: 2, rewinds: true },
  });
  await driveEvents();
});
afterAll(async () => {
  await target.close();
  await close(receiver);
});

describe('delivered events and docs/openapi.yaml', () => {
  it('agree: an event of each documented type came, and each body and header fits its schema', () => {
    expect(new Set(deliveries.map(({ body }) => body.type))).toEqual(new Set(documentedTypes));
    for (const { body, headers } of deliveries) {
      expect([body, problemsOf(bodySchema, body)]).toEqual([body, []]);
      for (const [index, { name }] of parameters.entries()) {
        expect([name, problemsOf(`${event}/parameters/${index}/schema`, headers[name])]).toEqual([name, []]);
      }
    }
  });

  it('come once each, though every batch of the streams comes twice, from two shards, and again when all is over', async () => {
    const state = () => ({
      started: target.cloud.durable.executions().map(({ name }) => name),
      files: [...target.cloud.storedObjects()]
        .map(([name]) => name)
        .filter((name) => !name.startsWith('bucket/events/')),
    });
    await target.cloud.streamsIdle();
    const before = state();
    target.cloud.rewindStreams();
    await target.cloud.streamsIdle();

    expect(before.started.length).toBeGreaterThan(documentedTypes.length);
    expect(state()).toEqual(before);
    const ids = deliveries.map(({ headers }) => headers['webhook-id']);
    expect(ids).toEqual([...new Set(ids)]);
    const span = ['--partner', target.apps.onePayer.clientId, '--since', '2026-01-01', '--json', '--stage', 'local'];
    const audit = await runTool('audit.ts', span, { AWS_ENDPOINT_URL: target.cloud.awsEndpoint });
    const audited = audit.out
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { id: string }).id);
    expect([audit.code, audit.err]).toEqual([0, '']);
    expect(audited.length).toBeGreaterThan(10);
    expect(audited).toEqual([...new Set(audited)]);
  });

  it('would not agree if an event had a member, a type or a reason that is not documented', () => {
    const [{ body }] = deliveries as [Delivery];
    for (const wrong of [
      { ...body, member: 'x' },
      { ...body, type: 'grant.renamed' },
      { ...body, data: { ...body.data, patient: 'pat-1' } },
      { ...body, type: 'grant.ended', data: { ...body.data, reason: 'moonPhase' } },
    ]) {
      expect([wrong, problemsOf(bodySchema, wrong)]).not.toEqual([wrong, []]);
    }
  });
});
