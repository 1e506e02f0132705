import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { registryData } from '../../../config/load.ts';
import { localStage } from '../../../config/local.ts';
import { realDeps, requireEnvironment } from '../../../functions/shared/deps.ts';
import { readText } from '../../../functions/shared/payer/read-text.ts';
import { close, listen } from '../../../sandbox/aws/listen.ts';

const folder = mkdtempSync(join(tmpdir(), 'functions-'));
writeFileSync(join(folder, 'registry.json'), JSON.stringify(registryData(localStage())));
Object.assign(process.env, {
  AWS_REGION: 'eu-central-1',
  LAMBDA_TASK_ROOT: folder,
  ORIGIN: 'https://gateway.example.org',
  LOGIN_ATTEMPTS_TABLE: 'LoginAttempts',
  GRANTS_TABLE: 'Grants',
  PAYER_SECRET_PREFIX: 'gateway/payers/',
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a function’s start', () => {
  it.each(['authorize', 'callback', 'token'])(
    'of %s reads its environment and the registry beside its code',
    async (name) => {
      const { handler } = (await import(`../../../functions/${name}/index.ts`)) as { handler: unknown };

      expect(handler).toBeInstanceOf(Function);
    },
  );

  it('fails with the name of a variable that is missing or empty', () => {
    process.env['EMPTY'] = '';

    for (const name of ['EMPTY', 'NOT_THERE']) {
      expect(() => requireEnvironment(name)).toThrow(`Environment variable ${name} is missing`);
    }
  });

  it('gives real clocks, HTTP and a log of lines', async () => {
    const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    const deps = realDeps();

    deps.writeLog('line');

    expect(write).toHaveBeenCalledWith('line\n');
    write.mockRestore();
    expect(Math.abs(deps.clock.now() - Date.now())).toBeLessThan(1000);
    expect(deps.clock.monotonic()).toBeGreaterThan(0);
    const server = createServer((_request, response) => response.end('x'));
    const port = await listen(server, 0, '127.0.0.1');
    expect(await readText(await deps.payerHttp(`http://127.0.0.1:${port}`), 1)).toBe('x');
    await close(server);
    expect(deps.origin).toBe('https://gateway.example.org');
    expect(await deps.registry.payer('northwind')).toBeDefined();
  });
});
