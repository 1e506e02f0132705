import { judgeDocument } from './json-documents.ts';

it('the link rewriter agrees with a slow parser on 50,000 more documents cut at every byte', () => {
  const [first, end] = [50_000, 100_000];
  let cuts = 0;
  for (let number = first; number < end; number += 1) cuts += judgeDocument(number).cuts;

  expect(cuts).toBeGreaterThan((end - first) * 50);
});
