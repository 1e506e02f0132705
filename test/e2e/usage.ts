import { usage } from '../../bin/usage/usage.ts';
import { connect, type RunningStack } from './support.ts';

const payer = 'demo-health-plan';

interface Line {
  readonly function: string;
  readonly step?: string;
  readonly payer?: string;
  readonly partner?: string;
  readonly outcome?: string;
  readonly error?: string;
}

/** Tests of a running stack. */
export const usageOfAMonth = (running: () => RunningStack): void => {
  /** What the functions have printed about requests. */
  const requests = (): Line[] =>
    running()
      .functionLines.flatMap((line): Line[] => (line.startsWith('{') ? [JSON.parse(line) as Line] : []))
      .filter(({ function: name, step, outcome }) => name !== 'canary' && step !== undefined && outcome !== undefined);

  const figures = async (...args: string[]): Promise<Record<string, string>[]> => {
    const told: string[] = [];
    await usage(['--month', new Date().toISOString().slice(0, 7), ...args], {
      nowMs: Date.now() + 1000,
      environment: { AWS_ENDPOINT_URL: running().awsEndpoint },
      output: { out: (text) => void told.push(text), note: () => {} },
      delay: async () => {},
    });
    const [head = '', ...lines] = told.join('\n').split('\n');
    return lines.map((line) =>
      Object.fromEntries(head.split(',').map((name, at) => [name, line.split(',')[at] ?? ''])),
    );
  };

  it('is what the functions logged, for each payer by its name in the registry', async () => {
    const stack = running();
    const tokens = await connect(stack, payer);
    const headers = { authorization: `Bearer ${tokens.access_token}` };
    for (const id of [tokens.patient, 'another-member'])
      await (await fetch(`${stack.origin}/r4/${payer}/Patient/${id}`, { headers })).text();

    const rows = await figures();

    const own = requests().filter((line) => line.payer === payer);
    const countOf = (test: (line: Line) => boolean): string => String(own.filter(test).length);
    expect(rows.find((row) => row['payer'] === payer)).toMatchObject({
      name: 'Demo Health Plan',
      requests: String(own.length),
      connected: countOf(({ step, outcome }) => step === 'callback' && outcome === 'ok'),
      refused: countOf(({ outcome }) => outcome === 'refused'),
      failed: countOf(({ outcome }) => outcome === 'failed'),
      insufficient_scope: countOf(({ error }) => error === 'insufficient_scope'),
      access_denied: countOf(({ error }) => error === 'access_denied'),
    });
    expect(Number(rows.find((row) => row['payer'] === payer)?.['bytes'])).toBeGreaterThan(100);
  });

  it('has each partner, and as many requests as there were', async () => {
    const rows = await figures('--by', 'partner');

    expect(rows.find((row) => row['partner'] === 'demo-partner')).toMatchObject({
      name: running().config.partners.find(({ clientId }) => clientId === 'demo-partner')?.name,
      requests: String(requests().filter(({ partner }) => partner === 'demo-partner').length),
    });
    expect(rows.reduce((sum, row) => sum + Number(row['requests']), 0)).toBe(requests().length);
  });
};
