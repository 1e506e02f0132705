import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { localStage } from '../../../config/local.ts';
import { realDeps } from '../../../functions/shared/deps.ts';
import { requireEnvironment } from '../../../functions/shared/environment.ts';
import { readText } from '../../../functions/shared/payer/read-text.ts';
import { close, listen } from '../../../sandbox/aws/listen.ts';

const folder = mkdtempSync(join(tmpdir(), 'deps-'));
writeFileSync(join(folder, 'pages.json'), '{"operator":{"name":"Plan"}}');
afterAll(() => rmSync(folder, { recursive: true }));

Object.assign(process.env, {
  LAMBDA_TASK_ROOT: folder,
  AWS_REGION: 'eu-central-1',
  REGISTRY_TABLE: 'Registry',
  STAGE: 'local',
  LIFETIMES: JSON.stringify(localStage().lifetimes),
  ORIGIN: 'https://gateway.example.org',
  LOGIN_ATTEMPTS_TABLE: 'LoginAttempts',
  GRANTS_TABLE: 'Grants',
  EXPORTS_TABLE: 'Exports',
  PAYER_SECRET_PREFIX: 'gateway/payers/',
  MEMBER_INDEX_KEY: 'arn:aws:kms:eu-central-1:111122223333:key/member-index',
});

describe('a function’s start', () => {
  it.each(['authorize', 'callback', 'connections', 'token'])('of %s reads its environment', async (name) => {
    const { handler } = (await import(`../../../functions/${name}/index.ts`)) as { handler: unknown };

    expect(handler).toBeInstanceOf(Function);
  });

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
    expect(deps.registry.stage).toBe('local');
    expect(deps.registry.lifetimes).toEqual(localStage().lifetimes);
  });
});
