/**
 * Combines several choices so that every pair of values occurs. Greedy: it always picks the combination that covers the
 * most new pairs.
 */
export const pairwise = (sizes: readonly number[]): readonly (readonly number[])[] => {
  const pairOf = (a: number, x: number, b: number, y: number): string => `${a}=${x} ${b}=${y}`;
  const open = new Set<string>();
  sizes.forEach((size, a) => {
    for (let b = a + 1; b < sizes.length; b += 1) {
      for (let x = 0; x < size; x += 1) for (let y = 0; y < (sizes[b] ?? 0); y += 1) open.add(pairOf(a, x, b, y));
    }
  });
  const pairsIn = (row: readonly number[]): string[] =>
    row.flatMap((x, a) => row.slice(a + 1).map((y, next) => pairOf(a, x, a + 1 + next, y)));
  const rows = sizes.reduce<readonly (readonly number[])[]>(
    (all, size) => all.flatMap((row) => Array.from({ length: size }, (_, x) => [...row, x])),
    [[]],
  );
  const chosen: (readonly number[])[] = [];
  while (open.size > 0) {
    const newIn = (row: readonly number[]): number => pairsIn(row).filter((pair) => open.has(pair)).length;
    const best = rows.reduce((a, b) => (newIn(b) > newIn(a) ? b : a));
    for (const pair of pairsIn(best)) open.delete(pair);
    chosen.push(best);
  }
  return chosen;
};
