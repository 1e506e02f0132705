import type { IncomingMessage } from 'node:http';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import type { Answer } from './answer.ts';
import { forget } from './sessions.ts';
import type { sessionStore } from './sessions.ts';

/** The parts of a gateway event that this app shows. */
export interface ReceivedEvent {
  readonly id: string;
  readonly type: string;
  /** When it happened, as an instant. */
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What the app does about an event. If it throws, the event is not taken. */
type HandOn = (event: ReceivedEvent) => void | Promise<void>;

/** The latest events from the gateway, kept only in memory. */
export interface Inbox {
  /** The newest first. */
  readonly events: () => readonly ReceivedEvent[];
  /**
   * Checks an event, hands it on, and then keeps it. A repeated event is handed on once; one that failed may come again.
   * @returns the HTTP status of the answer
   */
  readonly take: (headers: IncomingMessage['headers'], body: string, handOn: HandOn) => Promise<number>;
}

const mostEvents = 100;
const largestBody = 20_000;

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Whether it was signed with one of the secrets within the last five minutes (https://www.standardwebhooks.com). */
const isSigned = (secrets: readonly string[], headers: Record<string, string>, body: string): boolean =>
  secrets.some((secret) => {
    try {
      new Webhook(secret).verify(body, headers, { jsonParse: false });
      return true;
    } catch (error) {
      if (error instanceof WebhookVerificationError) return false;
      throw error;
    }
  });

const parse = (body: string): { type?: unknown; timestamp?: unknown; data?: unknown } | undefined => {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
};

/** @param secrets the current one and, during a rotation, the next one */
export const inboxOf = (secrets: readonly string[]): Inbox => {
  const events: ReceivedEvent[] = [];
  const underWay = new Set<string>();
  return {
    events: () => events.toReversed(),
    take: async (headers, body, handOn) => {
      const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const;
      const signed = Object.fromEntries(names.map((name) => [name, textOf(headers[name])]));
      if (!isSigned(secrets, signed, body)) return 401;
      const { type, timestamp, data } = parse(body) ?? {};
      if (typeof type !== 'string' || typeof data !== 'object' || data === null) return 400;
      const id = textOf(headers['webhook-id']);
      // An event may come more than once.
      if (events.some((event) => event.id === id)) return 204;
      if (underWay.has(id)) return 503; // It may still fail: the gateway sends it again.
      underWay.add(id);
      const event = { id, type, timestamp: textOf(timestamp), data: { ...data } };
      try {
        await handOn(event);
      } catch {
        return 503; // The gateway sends it again.
      } finally {
        underWay.delete(id);
      }
      events.push(event);
      if (events.length > mostEvents) events.shift();
      return 204;
    },
  };
};

/** Where events go. */
interface Receiver {
  readonly inbox: Inbox;
  readonly sessions: Pick<ReturnType<typeof sessionStore>, 'ofGrant'>;
}

/** Receives an event. The signature covers the body's exact bytes, so it is checked before anything is parsed. */
export const receive = async (app: Receiver, request: IncomingMessage): Promise<Answer> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > largestBody) return { empty: 413 };
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks).toString('utf8');
  return { empty: await app.inbox.take(request.headers, body, (event) => act(app, event)) };
};

/** What the app does about an event: it need not wait until it asks again. */
const act = ({ sessions }: Receiver, { type, data }: ReceivedEvent): void => {
  const connections = sessions.ofGrant(textOf(data['grant']));
  if (type.startsWith('export.')) for (const { wholeRecord } of connections) wholeRecord?.wake();
  // The next page asks the gateway, which says that it ended.
  if (type === 'grant.ended') for (const connection of connections) forget(connection);
};
