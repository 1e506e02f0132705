import { spentIn } from '../../bench/profile.ts';

it("a profile's time is its callers', but for a pause of the process and what other processes took", () => {
  const node = (id: number, functionName: string, url: string, children: number[] = []) => ({
    id,
    callFrame: { functionName, url, scriptId: '0', lineNumber: 0, columnNumber: 0 },
    children,
  });
  const profile = {
    nodes: [
      node(1, '(root)', '', [2, 4, 5]),
      node(2, 'handler', 'file:///functions/handler.ts', [3]),
      // C++ has no file.
      node(3, 'writev', ''),
      node(4, '(idle)', ''),
      node(5, '(garbage collector)', ''),
    ],
    samples: [2, 3, 4, 5, 2],
    timeDeltas: [100, 100, 5000, 100, 9000],
    startTime: 0,
    endTime: 0,
  };
  const spent = spentIn(profile, ({ url }) => (url === '' ? undefined : 'our own code'));

  expect(Object.fromEntries(spent)).toEqual({ 'our own code': expect.closeTo(0.4), 'collecting garbage': 0.1 });
});
