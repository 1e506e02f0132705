import { eventually } from '../support/eventually.ts';
import { basicOf } from '../support/login/requests.ts';
import { askOnce, connect, type RunningStack } from './support.ts';

const payer = 'northwind';

/** What callers get, and what is logged for alarms to count, while the key of tables and secrets is disabled (docs/alarms.md). */
export const disabledKey = (running: () => RunningStack): void => {
  it('refuses each request for a moment, logs what `RegistryDown` counts, and works again once the key is enabled', async () => {
    const stack = running();
    const { access_token: token, refresh_token: refresh, patient } = await connect(stack, payer);
    const asPartner = (endpoint: string, form: Record<string, string>) => () => {
      const headers = { authorization: basicOf('demo-partner', 'demo-partner-secret') };
      const body = new URLSearchParams(form);
      return askOnce(`${stack.origin}/oauth2/${endpoint}`, { method: 'POST', headers, body });
    };
    const requests = [
      () => askOnce(`${stack.origin}/r4/${payer}/.well-known/smart-configuration`),
      () =>
        askOnce(`${stack.origin}/r4/${payer}/Patient/${patient}`, { headers: { authorization: `Bearer ${token}` } }),
      asPartner('token', { grant_type: 'refresh_token', refresh_token: refresh }),
      asPartner('revoke', { token: refresh }),
    ];
    const statuses = async () => {
      const answers: string[] = [];
      for (const send of requests) {
        const { status, headers } = await send();
        answers.push(`${status} ${headers.get('retry-after')}`);
      }
      return answers;
    };
    // So that none has kept what it read.
    const environments = () => ['discovery', 'fetch', 'token', 'canary'].flatMap((name) => stack.pids()[name] ?? []);
    for (const pid of environments()) process.kill(pid, 'SIGKILL');
    await eventually(() => environments().length === 0);
    const linesBefore = stack.functionLines.length;

    stack.setKeyEnabled('data', false);
    const meanwhile = await statuses();
    const canary = await stack.invoke('canary', {}).catch((error: unknown) => String(error));
    stack.setKeyEnabled('data', true);

    expect(meanwhile).toEqual(requests.map(() => '503 5'));
    expect(canary).toContain('temporarily_unavailable');
    const lines = stack.functionLines
      .slice(linesBefore)
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const failed = lines.filter(({ requestId }) => requestId !== undefined);
    expect(failed.map(({ outcome, detail }) => [outcome, detail])).toEqual(
      requests.map(() => ['failed', 'registry: AccessDeniedException']),
    );
    expect(lines.filter(({ registryDown }) => registryDown === 1).length).toBeGreaterThan(2);
    expect((await statuses()).map((answer) => answer.split(' ')[0])).toEqual(['200', '200', '200', '200']);
  });
};
