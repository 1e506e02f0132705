import { registryData } from '../../config/checks/load.ts';
import { startApiGateway } from '../../sandbox/aws/api-gateway.ts';
import { gatewayEdge } from '../../sandbox/aws/edge.ts';
import { readTemplate } from '../../sandbox/aws/template.ts';
import { closersOf } from '../../sandbox/closers.ts';
import { synthesized } from '../support/stage-template.ts';
import { tableNames } from '../support/world/deps.ts';
import { functionsInMemory } from '../support/world/functions.ts';
import { functionInProcess } from '../support/world/invoke.ts';
import { isSlow, localApps, localConfig, localSecrets, secretsAtPayers, shortTimeMs } from './local-config.ts';
import { startScriptedPayers } from './scripted-payer.ts';
import { openStore } from './store.ts';
import type { WorldTarget } from './target.ts';
import { seenWire, storeErrors } from './wire.ts';

/** The tables' names by construct name. */
const tables = Object.fromEntries(tableNames.map((name) => [name.charAt(0).toLowerCase() + name.slice(1), name]));

/** How long any other call may take. */
const usualTimeMs = 29_000;

/**
 * A stage whose functions run in this process, over tables in memory, behind the API's own routes and answers. Its
 * clock follows the machine's, and jumps when a test lets time pass.
 */
export const startInProcessTarget = async (): Promise<WorldTarget> => {
  const { opened, closeAll } = closersOf();
  const logLines: string[] = [];
  let aheadMs = 0;
  const clock = { now: () => Date.now() + aheadMs, monotonic: () => performance.now() + aheadMs };
  const payers = opened(await startScriptedPayers(clock.now));
  const gateway = opened(await startApiGateway({ port: 0, log: (line) => logLines.push(JSON.stringify(line)) }));
  const origin = `http://localhost:${gateway.port}`;
  const config = localConfig(origin, payers.origin);
  const secrets = new Map<string, object | undefined>();
  const wire = seenWire();
  const { dynamo, served } = functionsInMemory({
    registry: registryData(config),
    origin,
    clock,
    writeLog: (line) => void logLines.push(line),
    secretOf: (payer) => secrets.get(payer),
    onStoreCall: (call) => {
      const fault = wire.see(call);
      if (fault !== undefined) throw Object.assign(new Error('out of order'), { name: storeErrors[fault].name });
    },
  });
  // Routes and answers do not depend on the ports.
  const template = readTemplate(await synthesized(localConfig('http://localhost:3000', 'http://127.0.0.1:3001')), {
    stackName: 'in-process',
    origin,
    assetDir: () => '',
  });
  const usual = (): number => usualTimeMs;
  const timeOf = (event: string): number => (isSlow(event) ? shortTimeMs : usualTimeMs);
  const functions = template.functions.flatMap(({ name, physicalName }) => {
    const found = served[name];
    return found === undefined
      ? []
      : [[physicalName, functionInProcess(found, name === 'fetch' ? timeOf : usual)] as const];
  });
  gateway.serve({ template, functions: new Map(functions), edge: gatewayEdge, writeAccessLog: () => undefined });
  const reset = (): void => {
    payers.reset();
    payers.register(origin, config.payers, secretsAtPayers);
    wire.setFault(undefined);
    for (const { id } of config.payers) secrets.set(id, localSecrets[id]);
  };
  reset();
  return {
    origin,
    payer: 'clear-health',
    portal: localApps.portal,
    app: localApps.app,
    edge: true,
    apps: localApps,
    payers,
    store: opened(openStore(dynamo.client, tables)),
    wire,
    tables,
    logLines,
    now: () => Math.floor(clock.now() / 1000),
    passSeconds: async (seconds) => void (aheadMs += seconds * 1000),
    setSecret: (payer, secret) => void secrets.set(payer, secret),
    reset,
    close: closeAll,
  };
};
