import type { ServerResponse } from 'node:http';
import type { StageConfig } from '../../config/stage.ts';
import { apiDocuments } from '../api-docs/route.ts';
import type { WatchAws } from '../aws/endpoint.ts';
import { documents } from '../documents/route.ts';
import { readExplanations, type Explain } from './explain.ts';
import { createFingerprint } from './fingerprint.ts';
import { createHub } from './hub.ts';
import { knownOf } from './known.ts';
import type { Mask } from './mask-url.ts';
import { createOpenHops } from './open-hops.ts';
import { startLiveServer, type LiveRoute, type LiveServer } from './server.ts';
import { watchAws, type Names } from './watch-aws.ts';
import { watchHttp, type WatchedServer } from './watch-http.ts';
import { watchLogs } from './watch-logs.ts';

export interface LiveOptions {
  readonly port: number;
  readonly config: StageConfig;
  readonly servers: readonly WatchedServer[];
  /** Origins of the local servers, whose addresses may be shown part by part. */
  readonly origins: readonly string[];
  /** Pages of the stack that the live view links to. */
  readonly links: readonly (readonly [text: string, href: string])[];
  /** Puts the running ports into a document, which names the usual ones. */
  readonly asRun: (text: string) => string;
}

/** The live view of a local stack: what it is told, it shows. */
export interface Live extends LiveServer {
  readonly aws: WatchAws;
  readonly functionLog: (line: string) => void;
  /** Notes that a function was invoked to answer a request to the gateway. */
  readonly invoked: (response: ServerResponse, physicalName: string, invocationId: string) => void;
  /** Tells the names of the stack's resources. Writes are shown from then on. */
  readonly name: (names: Readonly<Record<keyof Names, Readonly<Record<string, string>>>>) => void;
}

const byPhysicalName = (names: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
  new Map(Object.entries(names).map(([name, physical]) => [physical, name]));

/** Starts the live view. @throws the server's own error, such as `EADDRINUSE` */
export const startLive = async ({ port, config, servers, origins, links, asRun }: LiveOptions): Promise<Live> => {
  // In the order of the links to them.
  const furtherPages: readonly LiveRoute[] = [apiDocuments(asRun), documents(asRun)];
  const hub = createHub();
  const mask: Mask = { known: knownOf(config, origins), mark: createFingerprint() };
  const open = createOpenHops();
  let names: Names | undefined;
  const about = (): object => ({
    payers: config.payers.map(({ id, displayName }) => ({ id, name: displayName })),
    partners: config.partners.map(({ clientId, name }) => ({ id: clientId, name })),
    links: [...furtherPages.map(({ title, path }) => [title, path] as const), ...links],
  });
  let explain: Explain = () => undefined;
  void readExplanations().then((found) => (explain = found));
  const server = await startLiveServer({ port, hub, about, routes: furtherPages });
  const stop = watchHttp(servers, hub, mask, open);
  const logs = watchLogs(hub, mask, open, (answered) => explain(answered));
  return {
    port: server.port,
    aws: watchAws(hub, mask, open, () => names),
    functionLog: logs.line,
    invoked: (response, physicalName, invocationId) => {
      const hop = open.invoked(response, names?.functions.get(physicalName) ?? '', invocationId);
      if (hop === undefined) return;
      logs.invoked(invocationId, hop.id);
      hub.change(hop.id, { reference: invocationId.slice(0, 13) });
    },
    name: ({ tables, buckets, functions }) => {
      names = {
        tables: byPhysicalName(tables),
        buckets: byPhysicalName(buckets),
        functions: byPhysicalName(functions),
      };
    },
    close: async () => {
      stop();
      await server.close();
    },
  };
};
