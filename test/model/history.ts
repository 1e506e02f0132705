import { startMs } from '../support/gateway.ts';
import type { Call, Command } from './commands.ts';
import { aim, emptyModel } from './model.ts';
import { callOnce, take, type Run, type Step } from './steps.ts';
import type { Store } from './store.ts';
import { makeWorld } from './world.ts';

/** The gateway broke a promise. It has the history that led there, one line per step. */
export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise';
}

/** How far histories got: commands that had something to act on, and how often each was answered in each way. */
export interface Progress {
  commands: number;
  readonly answers: Record<string, number>;
}

export const noProgress = (): Progress => ({ commands: 0, answers: {} });

/** Counts the answers of a step, such as `read [rotated] → 200`: histories in which nobody gets anything would keep every promise. */
const count = ({ answers }: Progress, line: string): void => {
  for (const made of line.replace(/^at once: /, '').split(' AND ')) {
    const {
      kind,
      events = '',
      outcome,
    } = /^(?<kind>\w+).*\)(?: \[payer: (?<events>.*)\])? → (?<outcome>.*)$/.exec(made)?.groups ?? {};
    const answer = `${kind}${events === '' ? '' : ` [${events}]`} → ${outcome}`;
    if (kind !== undefined) answers[answer] = (answers[answer] ?? 0) + 1;
  }
};

type Type = 'access' | 'refresh';
/**
 * Asks about a token without changing anything; it is a step only if the answer is wrong. A public client cannot
 * introspect, so its access token is used to read another patient's record, and its refresh token to ask for more than
 * it may have.
 */
const probe = async (run: Run, grant: number, type: Type, age: number): Promise<Step> => {
  const introspect: Call = { kind: 'introspect', how: 'right', grant, type, age };
  const isPublic = run.model.grants[aim(run.model, introspect)?.grant ?? -1]?.partner === 'demo-app';
  const asked: Call = !isPublic
    ? introspect
    : type === 'access'
      ? { kind: 'read', how: 'otherPatient', grant, age }
      : { kind: 'refresh', how: 'widen', grant, age };
  const step = await callOnce(run, asked);
  return step?.complaint === undefined ? undefined : step;
};

/**
 * Commands that may have ended or begun a grant. The result is checked at once, so that a history stops where it went
 * wrong.
 */
const touched = (command: Command): number | undefined => {
  const call: Command = command.kind === 'together' ? command.calls[0] : command;
  return call.kind === 'redeem' || call.kind === 'refresh' || call.kind === 'revoke' || call.kind === 'thief'
    ? call.grant
    : undefined;
};

/**
 * Everyone is put back into the configuration, since a grant that was out of use is not dead; then every token is
 * checked.
 */
const takeStock = async (run: Run, hold: (step: Step) => void): Promise<void> => {
  run.model.out.clear();
  run.model.registered.clear();
  run.world.configure(run.model);
  for (const grant of run.model.grants.keys()) {
    for (const age of [0, 1]) hold(await probe(run, grant, 'access', age));
    hold(await probe(run, grant, 'refresh', 0));
  }
};

/**
 * Runs a history against a fresh gateway, and checks every answer against the model, the payers' complaints and what
 * leaves the gateway. At the end every token must be as live as the model says.
 * @returns a line for each step
 * @throws BrokenPromise
 */
export const runHistory = async (store: Store, commands: readonly Command[], progress: Progress): Promise<string[]> => {
  const model = emptyModel(startMs / 1000);
  const run: Run = { model, world: makeWorld(store, model), browsers: [], signIns: 0 };
  const lines: string[] = [];
  const hold = (step: Step): void => {
    if (step !== undefined) lines.push(`${lines.length + 1}. ${step.line}`);
    const complaint = step?.complaint ?? run.world.payers.misuse[0] ?? run.world.leaks[0];
    if (complaint !== undefined) throw new BrokenPromise(`${lines.join('\n')}\n   but ${complaint}`);
  };
  for (const command of commands) {
    const step = await take(run, command);
    hold(step);
    if (step === undefined) continue;
    progress.commands += 1;
    count(progress, step.line);
    const grant = touched(command);
    if (grant !== undefined) hold(await probe(run, grant, 'access', 0));
  }
  await takeStock(run, hold);
  return lines;
};
