import { spec as bench } from '../../bench/flags.ts';
import { spec as audit } from '../../bin/audit/flags.ts';
import { spec as changelog } from '../../bin/changelog/flags.ts';
import { spec as cost } from '../../bin/cost/flags.ts';
import { spec as evidence } from '../../bin/evidence/flags.ts';
import { spec as existing } from '../../bin/existing/flags.ts';
import { spec as exportsSpec } from '../../bin/exports/flags.ts';
import { spec as grants } from '../../bin/grants/flags.ts';
import { spec as init } from '../../bin/init/flags.ts';
import { spec as searchTargets } from '../../bin/make-search-targets.ts';
import { spec as members } from '../../bin/members/flags.ts';
import { spec as partners, readFlags as readPartners } from '../../bin/partners/flags.ts';
import { spec as payers, readFlags as readPayers } from '../../bin/payers/flags.ts';
import { spec as registry } from '../../bin/registry/flags.ts';
import { readFlags as readRelease, spec as release } from '../../bin/release/flags.ts';
import { spec as restore } from '../../bin/restore/flags.ts';
import { readCommand } from '../../bin/shared/command-line.ts';
import type { Spec } from '../../bin/shared/spec.ts';
import { spec as smoke } from '../../bin/smoke/flags.ts';
import { spec as stages } from '../../bin/stages/flags.ts';
import { spec as template } from '../../bin/template/flags.ts';
import { spec as trace } from '../../bin/trace/flags.ts';
import { spec as usage } from '../../bin/usage/flags.ts';
import { spec as demo } from '../../sandbox/demo/flags.ts';
import { spec as docs } from '../../sandbox/documents/flags.ts';
import { spec as drill } from '../../sandbox/drill/flags.ts';
import { readFlags as readSignIn, spec as signIn } from '../../sandbox/sign-in/flags.ts';
import { optionsOf, spec as start } from '../../sandbox/start-flags.ts';
import { spec as conformanceDocs } from '../conformance/flags.ts';
import { floodSpec, hangSpec } from '../limits/flags.ts';
import { spec as model } from '../model/flags.ts';
import { spec as mutation } from '../mutation/flags.ts';
import { spec as planted } from '../planted/flags.ts';
import { spec as soak } from '../soak/flags.ts';
import { startMs } from '../support/gateway.ts';
import { spec as times } from '../times/flags.ts';
import { spec as truth } from '../truth/flags.ts';

type Args = readonly string[];

/** A tool: the file that runs it, all that is known of it, and what it makes of its command line. */
export interface Tool {
  readonly file: string;
  readonly spec: Spec;
  readonly read: (args: Args) => unknown;
}

const tool = (
  file: string,
  spec: Spec,
  read: (args: Args, nowMs: number) => unknown = (args, nowMs) => readCommand(spec, args, nowMs),
): Tool => ({ file, spec, read: (args) => read(args, startMs) });

/** Every tool, by the name of its script in package.json. */
export const tools = {
  start: tool('sandbox/start.ts', start, optionsOf),
  demo: tool('sandbox/demo.ts', demo),
  'sign-in': tool('sandbox/sign-in.ts', signIn, readSignIn),
  init: tool('bin/init.ts', init),
  payers: tool('bin/payers.ts', payers, readPayers),
  registry: tool('bin/registry.ts', registry),
  partners: tool('bin/partners.ts', partners, readPartners),
  trace: tool('bin/trace.ts', trace),
  exports: tool('bin/exports.ts', exportsSpec),
  grants: tool('bin/grants.ts', grants),
  members: tool('bin/members.ts', members),
  restore: tool('bin/restore.ts', restore),
  drill: tool('sandbox/drill.ts', drill),
  usage: tool('bin/usage.ts', usage),
  audit: tool('bin/audit.ts', audit),
  smoke: tool('bin/smoke.ts', smoke),
  existing: tool('bin/existing.ts', existing),
  template: tool('bin/template.ts', template),
  docs: tool('sandbox/docs.ts', docs),
  evidence: tool('bin/evidence.ts', evidence),
  cost: tool('bin/cost.ts', cost),
  stages: tool('bin/stages.ts', stages),
  release: tool('bin/release.ts', release, readRelease),
  'changelog:check': tool('bin/changelog-check.ts', changelog),
  'test:model': tool('test/model/run.ts', model),
  'test:truth': tool('test/truth/run.ts', truth),
  'test:limits': tool('test/limits/run.ts', floodSpec),
  'test:breaker': tool('test/limits/run-hang.ts', hangSpec),
  'test:mutation': tool('test/mutation/run.ts', mutation),
  'test:times': tool('test/times/run.ts', times),
  'test:planted': tool('test/planted/run.ts', planted),
  soak: tool('test/soak/run.ts', soak),
  bench: tool('bench/run.ts', bench),
  'conformance:docs': tool('test/conformance/write-report.ts', conformanceDocs),
} satisfies Record<string, Tool>;

export type ToolName = keyof typeof tools;

/** The one that no script runs. */
export const byHand = tool('bin/make-search-targets.ts', searchTargets);
