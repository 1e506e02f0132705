/**
 * Jest's environment for Node, in a process that compiles each module once and counts what ran once. Jest evaluates
 * every module anew in each test file, which keeps the files apart; without this it would also compile them anew.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { relative } from 'node:path';
import { types } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import vm from 'node:vm';
import { counted, moreCounted, withLeanCounters, type Counts } from './counters.ts';

// V8 would keep what it compiled, and with it all that each test file made: the heap would grow by 10 MB a file, and its
// collection would take as long as the tests.
setFlagsFromString('--no-compilation-cache');

// Otherwise V8 collects its whole heap after every 64 MB of buffers, however large the heap is: twice a second where many exports run.
setFlagsFromString('--external-memory-accounted-in-global-limit');

const { SourceTextModule, compileFunction, createContext } = vm;

/** `test/planted/` needs the lines that each test file runs. Coverage needs only those that no file before it ran. */
const countsEachFile = process.env['PLANTED_MAP'] !== undefined;

/** What V8 made of a file's source. With coverage or after an edit, the file has another source. */
interface Compiled {
  readonly source: string;
  readonly code: Buffer;
}

const functions = new Map<string, Compiled>();
const modules = new Map<string, Compiled>();

const codeOf = (found: Compiled | undefined, source: string): Buffer | undefined =>
  found?.source === source ? found.code : undefined;

/** A CommonJS module is a function. */
const compileOnce: typeof compileFunction = (source, parameters = [], options = {}) => {
  const name = `${options.filename}(${parameters.join()})`;
  const cachedData = codeOf(functions.get(name), source);
  if (cachedData !== undefined) return compileFunction(source, parameters, { ...options, cachedData });
  const compiled = compileFunction(source, parameters, { ...options, produceCachedData: true });
  if (compiled.cachedData !== undefined) functions.set(name, { source, code: compiled.cachedData });
  return compiled;
};

/** Node's types lack the method. */
interface WithCode {
  readonly createCachedData: () => Buffer;
}

class ModuleCompiledOnce extends SourceTextModule {
  constructor(instrumented: string, options: vm.SourceTextModuleOptions = {}) {
    const name = String(options.identifier);
    const source = countsEachFile ? instrumented : withLeanCounters(name, instrumented);
    const cachedData = codeOf(modules.get(name), source);
    if (cachedData !== undefined) {
      try {
        super(source, { ...options, cachedData });
        return;
      } catch (error) {
        // V8 rejects what it made before a test changed its flags.
        if ((error as { code?: unknown }).code !== 'ERR_VM_MODULE_CACHED_DATA_REJECTED') throw error;
      }
    }
    super(source, options);
    modules.set(name, { source, code: (this as unknown as WithCode).createCachedData() });
  }
}

/**
 * Jest's global object is a proxy behind an interceptor, which each use of `Math`, `Map` or `Buffer` in a test or in the code
 * under test would ask: a fifth of the time of all tests. It only helps to find what a test left behind.
 */
const createPlainContext: typeof createContext = (object, options) =>
  types.isProxy(object) ? createContext(vm.constants.DONT_CONTEXTIFY, options) : createContext(object, options);

Object.assign(vm, {
  compileFunction: compileOnce,
  SourceTextModule: ModuleCompiledOnce,
  createContext: createPlainContext,
});

/** Jest wants 100, which costs time: tests make errors by the thousand. */
const callsInStack = 20;

/** Where `npm run test:times` reads what each file took: a line of JSON for each, in seconds of processor time. */
const times = process.env['P2P_TEST_TIMES'];

const ownSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** Of child processes that have ended: fields 16 and 17 of what Linux says of this process, in hundredths of a second. */
const childSeconds = (): number => {
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
};

/**
 * Whether two arrays of bytes hold the same, as Jest finds byte by byte, which took a third of the time of tests that read
 * whole files.
 */
const holdSameBytes = (one: unknown, other: unknown): boolean | undefined =>
  one instanceof Uint8Array && other instanceof Uint8Array && one.constructor === other.constructor
    ? Buffer.compare(one, other) === 0
    : undefined;

/** Shapes of expressions that `memory-dynamo.ts` has found right. To parse one takes a millisecond. */
const rightExpressions = new Set<string>();

interface CircusEvent {
  readonly name: string;
  readonly runtimeGlobals?: { readonly expect: { addEqualityTesters(testers: readonly unknown[]): void } };
}

interface Environment {
  readonly global: {
    __coverage__?: Record<string, Counts>;
    countedRuns?: Record<string, Counts>;
    Error: { stackTraceLimit: number };
    rightExpressions?: Set<string>;
  };
  setup(): Promise<void>;
  teardown(): Promise<void>;
}

const jest = createRequire(createRequire(import.meta.url).resolve('jest'));
const { TestEnvironment } = jest('jest-environment-node') as {
  readonly TestEnvironment: new (...given: readonly unknown[]) => Environment;
};

export default class extends TestEnvironment {
  readonly #file: string;
  readonly #from = times === undefined ? undefined : { own: ownSeconds(), children: childSeconds() };
  #loaded = 0;

  constructor(...given: readonly unknown[]) {
    super(...given);
    this.#file = relative(process.cwd(), (given[1] as { readonly testPath: string }).testPath);
    this.global.countedRuns = counted;
    this.global.rightExpressions = rightExpressions;
    this.global.Error.stackTraceLimit = callsInStack;
  }

  override async setup(): Promise<void> {
    await super.setup();
    // Of the errors that Node makes. To tell a key from its bytes, it makes one for each that is encrypted with.
    Error.stackTraceLimit = callsInStack;
  }

  override async teardown(): Promise<void> {
    await super.teardown();
    if (times === undefined || this.#from === undefined) return;
    const [whole, children] = [ownSeconds() - this.#from.own, childSeconds() - this.#from.children];
    appendFileSync(times, `${JSON.stringify({ file: this.#file, load: this.#loaded, whole, children })}\n`);
  }

  readonly handleTestEvent = ({ name, runtimeGlobals }: CircusEvent): void => {
    if (name === 'setup') runtimeGlobals?.expect.addEqualityTesters([holdSameBytes]);
    if (name === 'run_start' && this.#from !== undefined) this.#loaded = ownSeconds() - this.#from.own;
    if (name === 'run_finish' && !countsEachFile) this.global.__coverage__ = moreCounted();
  };
}
