import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { audit } from '../../bin/audit/audit.ts';
import { existing } from '../../bin/existing/existing.ts';
import { awsQuestions } from '../../bin/existing/questions.ts';
import { exportsTool } from '../../bin/exports/exports.ts';
import { grants } from '../../bin/grants/grants.ts';
import { init } from '../../bin/init/init.ts';
import { members } from '../../bin/members/members.ts';
import { partners } from '../../bin/partners/partners.ts';
import { payers, type PayersToolDeps } from '../../bin/payers/payers.ts';
import { registry } from '../../bin/registry/registry.ts';
import { restore } from '../../bin/restore/restore.ts';
import { codeOf } from '../../bin/shared/errors.ts';
import { output } from '../../bin/shared/output.ts';
import { commandsOf } from '../../bin/shared/spec.ts';
import { smoke } from '../../bin/smoke/smoke.ts';
import { trace } from '../../bin/trace/trace.ts';
import { usage } from '../../bin/usage/usage.ts';
import { startMs } from '../support/gateway.ts';
import { tools, type ToolName } from './tools.ts';

/** Tools that read neither AWS nor a payer. */
const alone: ReadonlySet<ToolName> = new Set<ToolName>([
  'evidence',
  ...([
    'start',
    'demo',
    'sign-in',
    'drill',
    'cost',
    'stages',
    'template',
    'docs',
    'release',
    'changelog:check',
  ] as const),
  ...([
    'test:model',
    'test:truth',
    'test:limits',
    'test:breaker',
    'test:mutation',
    'test:times',
    'test:planted',
  ] as const),
  ...(['soak', 'bench', 'conformance:docs'] as const),
]);

/** Each command, as `tool command`, of all tools that read AWS or a payer. */
export const asking: readonly string[] = (Object.keys(tools) as ToolName[])
  .filter((tool) => !alone.has(tool))
  .flatMap((tool) => [...commandsOf(tools[tool].spec).keys()].map((command) => `${tool} ${command}`.trim()));

/** Runs a tool in this process over the one writer, as its file in bin/ does, and says what it printed. */
export const runHere = async (
  line: string,
  more: readonly string[],
  awsUrl: string,
): Promise<{ readonly code: number; readonly printed: string }> => {
  const printed: string[] = [];
  const write = (text: unknown): void => void printed.push(String(text));
  const spies = [
    jest.spyOn(console, 'log').mockImplementation(write),
    jest.spyOn(console, 'error').mockImplementation(write),
  ];
  const [tool = '', ...command] = line.split(' ');
  const args = [...command, ...more];
  const environment = { AWS_ENDPOINT_URL: awsUrl, AWS_REGION: 'us-east-1' };
  const root = await mkdtemp(join(tmpdir(), 'every-tool-'));
  const deps = {
    now: () => startMs,
    nowMs: startMs,
    clock: { now: () => startMs, monotonic: () => 0 },
    environment,
    output,
    ask: undefined,
    terminal: undefined,
    wait: async () => {},
    delay: async () => {},
    readText: async () => '',
    readSecret: async () => 'a secret',
    http: (input: string, options?: RequestInit) => fetch(input, options),
    randomBytes: (size: number) => new Uint8Array(size),
    git: async () => ({ code: -1, out: '' }),
    runSuite: () => Promise.reject(new Error('asked too much')),
    questionsFor: awsQuestions,
    root,
  };
  const run: Readonly<Record<string, () => Promise<number>>> = {
    audit: () => audit(args, deps),
    existing: () => existing(args, deps),
    exports: () => exportsTool(args, deps),
    grants: () => grants(args, deps),
    init: () => init(args, deps as unknown as Parameters<typeof init>[1]),
    members: () => members(args, deps),
    partners: () => partners(args, deps),
    payers: () => payers(args, deps as unknown as PayersToolDeps),
    registry: () => registry(args, deps),
    restore: () => restore(args, deps),
    smoke: () => smoke(args, deps),
    trace: () => trace(args, deps),
    usage: () => usage(args, deps),
  };
  try {
    const code = await run[tool]!().catch((error: unknown) => {
      const known = codeOf(error);
      if (known === undefined) throw error;
      output.note((error as Error).message);
      return known;
    });
    return { code, printed: printed.join('\n') };
  } finally {
    for (const spy of spies) spy.mockRestore();
    await rm(root, { recursive: true });
  }
};
