/* The pages of https://docs.aws.amazon.com/lambda/latest/api/API_GetDurableExecutionState.html and of the list of executions. */
import type { Execution } from '../../sandbox/aws/durable/execution.ts';
import { visible, type StoredOperation, type Vault } from '../../sandbox/aws/durable/operations.ts';
import { page } from '../../sandbox/aws/durable/page.ts';
import { executionsShown } from '../../sandbox/aws/durable/shown-executions.ts';

const open: Vault = { seal: (text) => text, open: (text) => text };
const step = (n: number, result = ''): StoredOperation => ({
  id: `step-${n}`,
  type: 'STEP',
  status: 'SUCCEEDED',
  startedAt: 0,
  result,
});
const steps = (count: number): StoredOperation[] => Array.from({ length: count }, (_none, n) => step(n));
const invalid = expect.objectContaining({ name: 'InvalidParameterValueException', status: 400 }) as unknown as Error;

describe('a page of the state of an execution', () => {
  it.each<[what: string, operations: readonly StoredOperation[], asked: object, ends: readonly number[]]>([
    ['a thousand operations', steps(2001), {}, [1000, 2000, 2001]],
    ['just the operations that there are', steps(1000), {}, [1000]],
    ['as many operations as it is asked for', steps(5), { maxItems: 2 }, [2, 4, 5]],
    ['a thousand operations if it is asked for more', steps(1001), { maxItems: 1001 }, [1000, 1001]],
    ['payloads of 1 MB', [step(0, 'x'.repeat(524_288)), step(1, 'x'.repeat(524_288)), step(2)], {}, [3]],
    ['no byte more than 1 MB', [step(0, 'x'.repeat(524_288)), step(1, 'x'.repeat(524_289)), step(2)], {}, [1, 3]],
    ['a payload of over 1 MB by itself', [step(0), step(1, 'x'.repeat(1_048_577)), step(2)], {}, [1, 2, 3]],
  ])('a page of the state has %s', (_what, operations, asked, ends) => {
    const found: number[] = [];
    let marker: string | undefined = '';
    while (marker !== undefined) {
      const { Operations, NextMarker } = page(operations, open, { ...asked, marker });
      found.push((found.at(-1) ?? 0) + Operations.length);
      marker = NextMarker;
    }
    expect(found).toEqual(ends);
  });

  it('a page of the state is refused by a marker that Lambda never gave', () => {
    for (const marker of ['-1', '1.5', 'x', '3']) expect(() => page(steps(2), open, { marker })).toThrow(invalid);
    expect(page(steps(2), open, { marker: '2' }).Operations).toEqual([]);
  });
});

describe('the state of an execution', () => {
  const over = { status: 'SUCCEEDED' } as const;
  const replayed = { ...over, replayChildren: true };
  // ReplayChildren of https://docs.aws.amazon.com/lambda/latest/api/API_ContextOptions.html
  it.each<[outer: Partial<StoredOperation>, inner: Partial<StoredOperation>, shown: readonly string[]]>([
    [{ status: 'STARTED' }, { status: 'STARTED' }, ['outer', 'inner', 'step-0']],
    [{ status: 'STARTED' }, over, ['outer', 'inner']],
    [{ status: 'STARTED' }, replayed, ['outer', 'inner', 'step-0']],
    [over, replayed, ['outer']],
    [replayed, over, ['outer', 'inner']],
    [replayed, replayed, ['outer', 'inner', 'step-0']],
  ])('with contexts %j around %j has %j', (outer, inner, shown) => {
    const context = { type: 'CONTEXT', startedAt: 0 } as const;
    const operations: StoredOperation[] = [
      { ...context, status: 'STARTED', ...outer, id: 'outer' },
      { ...context, status: 'STARTED', ...inner, id: 'inner', parentId: 'outer' },
      { ...step(0), parentId: 'inner' },
    ];
    const found = visible(new Map(operations.map((operation) => [operation.id, operation])));
    expect(found.map(({ id }) => id)).toEqual(shown);
  });
});

describe('a page of the executions of a function', () => {
  const fn = { name: 'TheJob', arn: 'arn', version: '1' };
  const executions = Array.from(
    { length: 1001 },
    (_none, startedAt) =>
      ({ fn, name: `e${startedAt}`, arn: 'arn', startedAt, status: 'RUNNING' }) as Partial<Execution>,
  ) as readonly Execution[];
  const shown = (query: string) => executionsShown(executions, { name: 'TheJob', query: new URLSearchParams(query) });

  it.each([
    ['', 100],
    ['MaxItems=1', 1],
    ['MaxItems=1000', 1000],
    ['MaxItems=1001', 1000],
    ['Marker=1000', 1],
    ['Marker=1001', 0],
    ['StartedAfter=1970-01-01T00:00:00.999Z', 1],
    ['StartedBefore=1970-01-01T00:00:00.001Z', 1],
    ['DurableExecutionName=e7', 1],
    ['Statuses=FAILED', 0],
  ])('a page of the executions that are asked for by "%s" has %i', (query, count) => {
    expect(shown(query).DurableExecutions).toHaveLength(count);
  });

  it('a page of executions names the next one only where there is more', () => {
    expect([shown('').NextMarker, shown('Marker=1000').NextMarker]).toEqual(['100', undefined]);
    expect(shown('MaxItems=1&Marker=1000').NextMarker).toBeUndefined();
    for (const marker of ['-1', '1.5', 'x']) expect(() => shown(`Marker=${marker}`)).toThrow(invalid);
  });
});
