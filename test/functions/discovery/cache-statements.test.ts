import { localStage } from '../../../config/local.ts';
import { cacheStatements } from '../../../functions/discovery/cache-statements.ts';
import type { Payer } from '../../../functions/shared/registry/types.ts';

describe('cacheStatements', () => {
  it('keeps a bounded number of statements, the newest ones', async () => {
    const asked: string[] = [];
    const statements = cacheStatements({ now: () => 0, monotonic: () => 0 }, async ({ id }) => {
      asked.push(id);
      return { statement: { id } };
    });
    const [template] = localStage().payers;
    const payer = (index: number): Payer => ({ ...(template as Payer), id: `payer-${index}` });

    for (let index = 0; index < 17; index += 1) await statements(payer(index));
    await statements(payer(16));
    await statements(payer(1));
    expect(asked).toHaveLength(17);
    await statements(payer(0));
    expect(asked).toHaveLength(18);
  });
});
