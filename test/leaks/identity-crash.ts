/** A process that fails or crashes while a payer has a member's identity token: `identity-crash.ts FAULT`. */
import { createServer, type Socket } from 'node:net';
import { createPayerHttp } from '../../functions/shared/payer/http-client.ts';
import { identityToken, identityWorld, planted } from '../support/identity.ts';

/** Everything of a member, as a server might quote it. */
const quoted = Object.values(planted).join(' ');
const head = 'HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n';

/** What the payer does with the connection when it has the whole request. */
const faults: Readonly<Record<string, (socket: Socket, form: string) => void>> = {
  'answers no HTTP': (socket, form) => socket.end(`${quoted} ${form}\r\n\r\n`),
  'has a header that is none': (socket, form) => socket.end(`${head}${quoted}\r\n${form}: x y\r\n\r\n`),
  'has a huge header': (socket, form) => socket.end(`${head}x-echo: ${`${quoted} ${form}`.repeat(20)}\r\n\r\n`),
  'breaks off': (socket, form) => {
    socket.write(`${head}content-length: 100000\r\n\r\n${quoted} ${form}`, () => socket.resetAndDestroy());
  },
  'sends chunks that are none': (socket, form) =>
    socket.end(`${head}transfer-encoding: chunked\r\n\r\n${quoted} ${form}`),
  'quotes it all': (socket, form) => {
    const body = JSON.stringify({ error: quoted, error_description: form, message: planted });
    socket.end(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  },
  // What a defect of ours would do, in the middle of the call.
  'meets a crash': () => {
    setTimeout(() => {
      throw new TypeError('planted crash');
    }, 50);
  },
  'meets a promise that nobody awaits': () => {
    void Promise.reject(new TypeError('planted crash'));
  },
};

const server = createServer((socket) => {
  let request = '';
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    request += chunk.toString('latin1');
    const [, length = '', , form = ''] = /content-length: (\d+)\r\n([^]*?\r\n)?\r\n([^]*)$/i.exec(request) ?? [];
    if (form !== '' && form.length >= Number(length)) faults[process.argv[2] ?? '']?.(socket, form);
  });
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as { readonly port: number };

const world = identityWorld();
const http = createPayerHttp();
world.script.answer = async () => {
  const body = world.asked.at(-1)!.form.toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const answer = await http(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body, oneTime: true });
  return { status: answer.status, body: await new Response(answer.body as ReadableStream).text() };
};
const response = await world.identify(await identityToken({ mbi: planted.mbi }));
process.stdout.write(`${response.statusCode} ${response.body}\n${world.lines.join('\n')}\n`);
process.report.writeReport();
process.exit();
