import { loadStage } from '../../config/checks/load.ts';
import { documentAt } from './documents.ts';

it('the documents name the rates that a stage and a partner have by default', async () => {
  const { throttling, partners } = await loadStage('demo');
  const { perSecond, burst } = partners[0]!.rate;

  expect(documentAt('docs/cost.md').text).toContain(
    `\`throttling\` (default ${throttling.perSecond} a second, burst ${throttling.burst})`,
  );
  expect(documentAt('docs/partners/reading.md').text).toContain(
    `RateLimit-Policy: "partner";q=${burst};w=${burst / perSecond}`,
  );
});
