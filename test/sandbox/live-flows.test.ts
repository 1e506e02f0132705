import type { Flow } from '../../sandbox/live/event.ts';
import { createFlows } from '../../sandbox/live/flows.ts';
import { keysOfUrl } from '../../sandbox/live/keys.ts';

const makeFlows = () => {
  const known = new Map<number, Flow>();
  const flows = createFlows((flow) => known.set(flow.id, flow));
  /** The flow of keys, after all that was joined. */
  const rootOf = (id: number | undefined): Flow | undefined => {
    let flow = known.get(id ?? 0);
    while (flow?.into !== undefined) flow = known.get(flow.into);
    return flow;
  };
  return { ...flows, rootOf };
};

describe('the flows of the live view', () => {
  it('are one from the first redirect to the grant, whatever order the parts become known in', () => {
    const flows = makeFlows();
    const app = flows.of(['state a']);
    const payer = flows.of(['state b', 'sign-in c']);
    const authorize = flows.of(['state a', 'state b'], { payer: 'northwind' });
    const callback = flows.of(['state b'], { grant: 'g', partner: 'demo-partner' });
    const token = flows.of(['grant g'], { grant: 'g' });
    const read = flows.of(['grant g', 'state b']);
    const roots = [app, payer, authorize, callback, token, read].map((id) => flows.rootOf(id)?.id);
    expect(new Set(roots).size).toBe(1);
    expect(flows.rootOf(token)).toMatchObject({ grant: 'g', payer: 'northwind', partner: 'demo-partner' });
  });

  it('never join two grants, even if a request seems to belong to both', () => {
    const flows = makeFlows();
    const one = flows.of(['grant a'], { grant: 'a' });
    const other = flows.of(['grant b'], { grant: 'b' });
    flows.of(['grant a', 'grant b']);
    const doubtful = flows.of(['hop 1', 'grant a']);
    flows.of(['hop 1', 'grant b'], { grant: 'b' });
    expect(flows.rootOf(one)?.grant).toBe('a');
    expect(flows.rootOf(other)?.grant).toBe('b');
    expect(flows.rootOf(doubtful)?.grant).toBe('a');
  });

  it('are bounded, and those in use stay', () => {
    const flows = makeFlows();
    const used = flows.of(['grant used'], { grant: 'used' });
    for (let number = 0; number < 10_000; number += 1) {
      flows.of([`key ${number}`]);
      if (number % 100 === 0) flows.of(['grant used']);
    }
    expect([...flows.all()]).toHaveLength(2000);
    expect(flows.of(['grant used'])).toBe(used);
  });

  it.each([
    [19_999, true],
    [20_000, false],
  ])('know a key again after %i others: %s', (others, isKnown) => {
    const flows = makeFlows();
    const first = flows.of(['first']);
    flows.of(Array.from({ length: others }, (_none, index) => `other ${index}`));

    expect(flows.of(['first']) === first).toBe(isKnown);
  });
});

const signIn = 'a'.repeat(20);
it.each([
  [`/interaction/${signIn}/login`, [`sign-in ${signIn}`]],
  ['/interaction/1234567', []],
  [`/oauth2/authorize/${signIn}`, [`sign-in ${signIn}`]],
  [`/oauth2/authorize/payer2payer/${signIn}`, [`sign-in ${signIn}`]],
  ['/oauth2/authorize/northwind', []],
  [`/exports/${'g'.repeat(22)}${'x'.repeat(22)}`, [`grant ${'g'.repeat(22)}`]],
  [`/exports/${'g'.repeat(22)}`, []],
])('the address %s has in common with others: %j', (path, keys) => {
  expect(keysOfUrl(new URL(path, 'http://localhost:3000'))).toEqual(keys);
});
