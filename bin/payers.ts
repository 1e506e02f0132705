/** `npm run payers`: checks payers, makes keys for them, puts their secrets into Secrets Manager, and pauses them. */
import { lookup } from 'node:dns/promises';
import { connect } from '../functions/shared/payer/connect.ts';
import { createPayerHttp } from '../functions/shared/payer/http-client.ts';
import { spec } from './payers/flags.ts';
import { payers } from './payers/payers.ts';
import { readSecret } from './shared/ask.ts';
import { runTool } from './shared/command-line.ts';
import { output } from './shared/output.ts';
import { terminalOf } from './shared/progress.ts';

await runTool(spec, (args) =>
  payers(args, {
    environment: process.env,
    output,
    http: createPayerHttp(),
    connect,
    now: Date.now,
    lookup: async (hostname) => (await lookup(hostname, { all: true })).map(({ address }) => address),
    askSecret: readSecret,
    clock: { now: Date.now, monotonic: () => performance.now() },
    terminal: terminalOf(process),
  }),
);
