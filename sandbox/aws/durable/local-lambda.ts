import { functionArn } from '../intrinsics.ts';
import type { FunctionSpec } from '../template-functions.ts';
import type { CheckpointAbout, CheckpointHooks } from './checkpoints.ts';
import { settableClock, type Clock } from './clock.ts';
import { createDurableEngine, type DurableEngine } from './engine.ts';
import { invalid, notFound, type LambdaError } from './errors.ts';
import type { DurableFunction } from './execution.ts';
import type { InvocationMemory } from './invocation-memory.ts';
import type { Vault } from './operations.ts';
import type { DurableProcesses } from './processes.ts';

/** A checkpoint that is about to be saved or was just saved, and what a test may do then. */
interface CheckpointHook {
  /** `before`: not saved yet. `after`: saved, but the function does not know yet. */
  readonly when: 'before' | 'after';
  readonly about: CheckpointAbout;
  /** Ends the function's process with SIGKILL. */
  readonly kill: () => void;
}

/** May return an error in `before`, to refuse the checkpoint. */
export type OnCheckpoint = (hook: CheckpointHook) => LambdaError | undefined;

interface Version {
  readonly fn: DurableFunction;
  readonly spec: FunctionSpec;
  readonly processes: DurableProcesses;
}

/** Lambda's durable functions, without the HTTP API. */
export interface DurableLambda extends Pick<Clock, 'passTime'> {
  readonly engine: DurableEngine;
  /**
   * Publishes the next version of a function.
   * @returns its ARN
   */
  readonly publish: (spec: FunctionSpec, processes: DurableProcesses) => string;
  /** Publishes a function's newest version again, with other code if it is given. @param name the physical name */
  readonly publishAgain: (name: string, assetDir?: string) => string;
  /** Finds a version by a name or ARN, and a qualifier. @throws LambdaError */
  readonly versionOf: (nameOrArn: string, qualifier?: string) => DurableFunction;
  /** The memory of a function's invocations. @param name the physical name */
  readonly memoryOf: (name: string) => readonly InvocationMemory[];
  /** Sets the hook. `undefined` removes it. */
  readonly onCheckpoint: (hook: OnCheckpoint | undefined) => void;
  readonly close: () => Promise<void>;
}

/** Splits a name or ARN into its parts. */
export const nameParts = (nameOrArn: string): { readonly name: string; readonly qualifier?: string | undefined } => {
  const [name = '', qualifier] = nameOrArn.replace(/^.*function:/, '').split(':');
  return { name, qualifier };
};

/** Sooner than in AWS, so that nobody waits long for a killed process to resume. */
const firstRetryMs = 200;

export const durableLambda = ({
  vaultOf,
}: {
  readonly vaultOf: (keyArn: string | undefined) => Vault;
}): DurableLambda => {
  const versions = new Map<string, Version>();
  const clock = settableClock();
  const hooks: CheckpointHooks = {};
  const engine = createDurableEngine({
    now: clock.now,
    after: clock.after,
    vaultOf,
    hooks,
    firstRetryMs,
    invoke: async (fn, event) => {
      const version = versions.get(fn.arn);
      if (version === undefined) throw notFound(`Function not found: ${fn.arn}`);
      return version.processes.run(version.spec, event);
    },
  });

  const versionOf: DurableLambda['versionOf'] = (nameOrArn, given) => {
    const { name, qualifier = given } = nameParts(nameOrArn);
    const arn = functionArn(name);
    if (qualifier === undefined || qualifier === '') {
      const isThere = [...versions.values()].some(({ fn }) => fn.name === name);
      if (!isThere) throw notFound(`Function not found: ${arn}`);
      throw invalid('You cannot invoke a durable function using an unqualified ARN.');
    }
    const version = versions.get(`${arn}:${qualifier}`);
    if (version === undefined) throw notFound(`Function not found: ${arn}:${qualifier}`);
    return version.fn;
  };

  const publish: DurableLambda['publish'] = (spec, processes) => {
    const { physicalName, durable } = spec;
    if (durable === undefined) throw new Error(`${spec.name} is no durable function`);
    const version = String([...versions.values()].filter(({ fn }) => fn.name === physicalName).length + 1);
    const arn = `${functionArn(physicalName)}:${version}`;
    const fn: DurableFunction = { arn, name: physicalName, version, ...durable };
    versions.set(arn, { fn, spec: { ...spec, version }, processes });
    return arn;
  };

  return {
    engine,
    passTime: clock.passTime,
    publish,
    publishAgain: (name, assetDir) => {
      const newest = [...versions.values()].findLast(({ fn }) => fn.name === name);
      if (newest === undefined) throw notFound(`Function not found: ${functionArn(name)}`);
      const { spec, processes } = newest;
      return publish(assetDir === undefined ? spec : { ...spec, assetDir }, processes);
    },
    versionOf,
    memoryOf: (name) => [...versions.values()].find(({ fn }) => fn.name === name)?.processes.memory() ?? [],
    onCheckpoint: (hook) => {
      if (hook === undefined) {
        delete hooks.before;
        delete hooks.after;
        return;
      }
      const call = (when: CheckpointHook['when']) => (about: CheckpointAbout) => {
        const { fn, arn } = engine.find(about.execution.arn);
        return hook({ when, about, kill: () => versions.get(fn.arn)?.processes.kill(arn) });
      };
      hooks.before = call('before');
      hooks.after = call('after');
    },
    close: async () => {
      engine.close();
      clock.close();
      await Promise.all([...versions.values()].map(({ processes }) => processes.close()));
    },
  };
};
