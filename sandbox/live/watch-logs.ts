import type { RequestRecord } from '../../functions/shared/record/request-record.ts';
import type { FlowName, LoggedFacts, Pair } from './event.ts';
import type { Explain } from './explain.ts';
import type { Hub } from './hub.ts';
import { eventKey, grantKey, hopKey } from './keys.ts';
import type { Mask } from './mask-url.ts';
import type { OpenHops } from './open-hops.ts';

type Line = Readonly<Record<string, unknown>>;

const parse = (line: string): Line => {
  try {
    const value = JSON.parse(line) as unknown;
    return typeof value === 'object' && value !== null ? (value as Line) : {};
  } catch {
    return {};
  }
};

const text = (line: Line, name: string): string | undefined => {
  const value = line[name];
  return typeof value === 'string' ? value : undefined;
};
const number = (line: Line, name: string): number | undefined => {
  const value = line[name];
  return typeof value === 'number' ? value : undefined;
};

const texts = ['step', 'outcome', 'interaction', 'error', 'detail'] as const satisfies readonly (
  keyof RequestRecord | 'outcome'
)[];
const numbers = ['payerStatus', 'payerMs', 'bytes'] as const satisfies readonly (keyof RequestRecord)[];

/** The fields of a request's line that are shown. */
const factsOf = (line: Line): LoggedFacts =>
  Object.fromEntries(
    [
      ...texts.map((name) => [name, text(line, name)] as const),
      ...numbers.map((name) => [name, number(line, name)] as const),
    ].filter(([, value]) => value !== undefined),
  );

const nameOf = (line: Line): FlowName => {
  const grant = text(line, 'grantId');
  const payer = text(line, 'payer');
  const partner = text(line, 'partner');
  return {
    ...(grant === undefined ? {} : { grant }),
    ...(payer === undefined ? {} : { payer }),
    ...(partner === undefined ? {} : { partner }),
  };
};

const pairsOf = (line: Line, names: readonly string[]): Pair[] =>
  names.flatMap((name): Pair[] => {
    const value = line[name];
    return typeof value === 'string' || typeof value === 'number' ? [[name, String(value)]] : [];
  });

/** Takes the lines that functions print. They hold no secret: the tests of the functions see to that. */
export interface WatchLogs {
  readonly line: (line: string) => void;
  /** Notes which invocation answers a hop, so that its line can be added to the hop. */
  readonly invoked: (invocationId: string, hopId: number) => void;
}

const mostInvocations = 4000;

/** Adds what functions log to the hops that they answer, and shows the steps of jobs. */
export const watchLogs = (hub: Hub, { known }: Mask, open: Pick<OpenHops, 'works'>, explain: Explain): WatchLogs => {
  const hops = new Map<string, number>();

  const ofRequest = (line: Line, hopId: number): void => {
    const name = nameOf(line);
    const keys = name.grant === undefined ? [] : [grantKey(name.grant)];
    const facts = factsOf(line);
    const hop = hub.get(hopId);
    const { error } = facts;
    const explanation =
      error === undefined || hop?.kind !== 'hop'
        ? undefined
        : explain({ method: hop.method, path: hop.path, status: number(line, 'status'), error });
    const explained = explanation === undefined ? {} : { explanation };
    hub.change(hopId, { ...facts, ...explained }, [hopKey(hopId), ...keys], name);
  };

  const ofDelivery = (line: Line, event: string): void => {
    const outcome = text(line, 'outcome') ?? '';
    const facts = pairsOf(line, ['type', 'partner', 'status', 'detail', 'tries', 'waitSeconds', 'ms']);
    const failed = outcome === 'failed' ? { failed: true as const } : {};
    hub.add({ kind: 'step', by: 'deliver', text: `event ${outcome}`, facts, ...failed }, () => [eventKey(event)]);
  };

  const ofExport = (line: Line, grant: string): void => {
    const payer = text(line, 'payer') ?? '';
    if (known.payers.has(payer)) open.works(grant, payer);
    const outcome = text(line, 'outcome');
    const facts = pairsOf(line, ['next', 'detail', 'pages', 'resources', 'bytes', 'seconds', 'ms']);
    const failed = text(line, 'level') === 'error' ? { failed: true as const } : {};
    const what = outcome === undefined ? 'export reads on' : `export ${outcome}`;
    hub.add({ kind: 'step', by: 'exportJob', text: what, facts, ...failed }, () => [grantKey(grant)], nameOf(line));
  };

  return {
    line: (printed) => {
      const line = parse(printed);
      const hopId = hops.get(text(line, 'requestId') ?? '');
      const grant = text(line, 'grantId');
      const event = text(line, 'event');
      if (text(line, 'function') === 'export-job' && grant !== undefined) ofExport(line, grant);
      else if (text(line, 'function') === 'deliver' && event !== undefined) ofDelivery(line, event);
      else if (hopId !== undefined && text(line, 'step') !== undefined) ofRequest(line, hopId);
    },
    invoked: (invocationId, hopId) => {
      hops.set(invocationId, hopId);
      const [oldest] = hops.keys();
      if (hops.size > mostInvocations && oldest !== undefined) hops.delete(oldest);
    },
  };
};
