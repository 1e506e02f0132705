import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { signEvent } from '../../functions/deliver/sign.ts';
import { eventTypes, makeEvent } from '../../functions/shared/events/event.ts';
import { webhookKey, writeWebhookSecret } from '../../functions/shared/events/webhook-secrets.ts';
import { revocationReasons } from '../../functions/shared/store/grant-item.ts';
import { blocksOf, documentAt, root } from './documents.ts';

const examples = join(import.meta.dirname, '../../docs/examples');
const secretOf = (fill: number): string => writeWebhookSecret(new Uint8Array(32).fill(fill));
const [present, next, foreign] = [secretOf(1), secretOf(2), secretOf(3)];

let receiver: ChildProcess | undefined;
afterEach(() => void receiver?.kill());

/** Runs the program unchanged, but its first event fails, as if a queue were briefly down, and each later one waits for a line on standard input. */
const failOnce = {
  mjs: [
    '--import',
    `data:text/javascript,const { log } = console; let failed = false;
      console.log = (...told) => {
        if (!String(told[0]).startsWith('evt_')) return log(...told);
        if (failed) return new Promise((resolve) => process.stdin.once('data', () => resolve(log(...told))));
        failed = true;
        throw new Error('The queue is down.');
      };`,
  ],
  py: [
    '-c',
    `
import builtins, runpy, sys
real, failed = print, []
def fail_once(*told, **how):
    if str(told[0]).startswith('evt_'):
        if not failed:
            failed.append(True)
            raise RuntimeError('The queue is down.')
        sys.stdin.readline()
    real(*told, **how)
builtins.print = fail_once
del sys.argv[0]
runpy.run_path(sys.argv[0])`,
  ],
} as const;

describe.each([
  [process.execPath, 'receive-events.mjs', failOnce.mjs],
  ['python3', 'receive_events.py', failOnce.py],
] as const)('the receiver for partners: %s %s', (command, program, failing) => {
  /** Starts it on a free port. */
  const start = async (before: readonly string[] = [], stderr: 'inherit' | 'ignore' = 'inherit') => {
    const child = spawn(command, [...before, join(examples, program), '0'], {
      env: { ...process.env, WEBHOOK_SECRETS: `${present} ${next}` },
      stdio: ['pipe', 'pipe', stderr],
    });
    receiver = child;
    const lines: string[] = [];
    const port = await new Promise<string>((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line.startsWith('listening on ')) resolve(line.slice('listening on '.length));
        else lines.push(line);
      });
    });
    const post = async (secrets: readonly string[], change: { body?: string; ageSeconds?: number } = {}) => {
      const data = { grant: 'grant-1', export: 'export-1', payer: 'plan' };
      const event = makeEvent('export.completed', { partner: 'app', atSeconds: 1_780_000_000, data });
      const sentAt = Math.floor(Date.now() / 1000) - (change.ageSeconds ?? 0);
      const { headers, body } = signEvent(event, secrets.map(webhookKey), sentAt);
      const answer = await fetch(`http://127.0.0.1:${port}/`, {
        method: 'POST',
        headers: { ...headers },
        body: change.body ?? body,
      });
      return answer.status;
    };
    return { post, lines, port: Number(port), letQueueGoOn: () => child.stdin.write('\n') };
  };

  it('accepts each signed event once, whichever of its secrets signed it, and refuses others', async () => {
    const { post, lines } = await start();
    expect(await post([foreign])).toBe(401);
    expect(await post([])).toBe(401);
    expect(await post([present], { body: '{"type":"grant.ended","data":{}}' })).toBe(401);
    expect(await post([present], { ageSeconds: 400 })).toBe(401);
    expect(lines).toEqual([]);
    expect(await post([present])).toBe(204);
    expect(await post([foreign, next])).toBe(204);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^evt_[\w-]{32} export\.completed export-1$/);
  });

  it.each([
    ['a negative length', '-1'],
    ['a length over the longest', '65537'],
    ['a length that no number has', '9'.repeat(5000)],
  ])('reads no body of %s', async (_what, length) => {
    const { port, post } = await start();
    const socket = connect(port, '127.0.0.1');
    socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n${'x'.repeat(70_000)}`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect(answer.toString()).toMatch(/^HTTP\/1\.[01] (?:400|413) /);
    expect(await post([present])).toBe(204);
  });

  it('loses no event that its queue refuses, and hands none on twice, though it comes again meanwhile', async () => {
    const { post, lines, letQueueGoOn } = await start(failing, 'ignore');
    expect(await post([present])).toBe(503);
    const both = [post([present]), post([present])];
    // While the queue takes it from one of them, the other is told to come again.
    expect(await Promise.race(both)).toBe(503);
    letQueueGoOn();
    expect((await Promise.all(both)).toSorted((a, b) => a - b)).toEqual([204, 503]);
    expect(await post([present])).toBe(204);
    expect(lines).toEqual([expect.stringMatching(/^evt_[\w-]{32} export\.completed export-1$/)]);
  });

  it('says that it needs a port', () => {
    const env = { ...process.env, WEBHOOK_SECRETS: present };
    const { status, stdout, stderr } = spawnSync(command, [join(examples, program)], { env, encoding: 'utf8' });
    expect([status, stdout, stderr]).toEqual([1, '', 'Give the port to listen on, such as 8080.\n']);
  });

  it.each([{}, { WEBHOOK_SECRETS: '' }, { WEBHOOK_SECRETS: 'whsec_' }])(
    'does not start without a secret, which would let anyone sign: %j',
    (environment) => {
      const { WEBHOOK_SECRETS: _, ...others } = process.env;
      const { status, stdout, stderr } = spawnSync(command, [join(examples, program), '0'], {
        env: { ...others, ...environment },
        encoding: 'utf8',
        timeout: 10_000,
      });
      expect([status, stdout, stderr]).toEqual([1, '', 'Set WEBHOOK_SECRETS to the secret of your webhook, whsec_…\n']);
    },
  );
});

describe('docs/partners/events.md', () => {
  const code = ['functions/follow-up', 'bin/partners']
    .flatMap((folder) => readdirSync(join(root, folder)).map((name) => documentAt(join(folder, name)).text))
    .join('\n');

  it.each([
    ['docs/partners/events.md', /^\| `(\w+\.\w+)`/gm],
    ['docs/openapi.yaml', /^ +- (\w+\.\w+)$/gm],
    ['sandbox/partner/pages/events.ts', /^ {2}'(\w+\.\w+)': /gm],
  ])('every type of event, and no other, is named in %s', (path, word) => {
    const named = [...documentAt(path).text.matchAll(word)].map(([, type = '']) => type);
    expect(named.toSorted()).toEqual(eventTypes.toSorted());
  });

  it.each([
    ['docs/partners/events.md', /`(\w+)`/g],
    ['docs/audit.md', /`(\w+)`/g],
    ['docs/openapi.yaml', /^ +- (\w+)$/gm],
    ['sandbox/partner/pages/events.ts', /^ {2}(\w+): /gm],
  ])('each reason why a grant ends is named in %s', (path, word) => {
    const words = [...documentAt(path).text.matchAll(word)].map(([, reason]) => reason);
    expect(words).toEqual(expect.arrayContaining([...revocationReasons]));
  });

  it('has only types that some code sends', () => {
    const unsent = eventTypes.filter((type) => !new RegExp(`(?:makeEvent|tell)\\('${type}'|\\w: '${type}'`).test(code));
    expect(unsent).toEqual([]);
  });

  it('shows a request that its own shell command verifies', () => {
    const shown =
      blocksOf(documentAt('docs/partners/events.md')).find(({ language }) => language === 'http')?.code ?? '';
    const [head = '', body = ''] = shown.split('\n\n');
    const headers = Object.fromEntries(
      [...head.matchAll(/^([\w-]+): (.*)$/gm)].map(([, name, value]) => [name, value]),
    );
    const event = { id: headers['webhook-id'], ...(JSON.parse(body) as object) } as Parameters<typeof signEvent>[0];
    const signed = signEvent(event, [webhookKey(exampleSecret)], Number(headers['webhook-timestamp']));
    expect(signed.body).toBe(body.trim());
    expect(headers).toMatchObject(signed.headers);
    const command =
      blocksOf(documentAt('docs/partners/events.md')).find(({ language }) => language === 'sh')?.code ?? '';
    expect(command).toContain(exampleSecret);
    expect(execFileSync('bash', ['-c', command], { encoding: 'utf8' }).trim()).toBe(headers['webhook-signature']);
  });
});

const exampleSecret = writeWebhookSecret(Buffer.from('an example of 32 bytes, no more!'));
