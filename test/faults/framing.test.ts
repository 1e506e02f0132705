import { createPayerHttp } from '../../functions/shared/payer/http-client.ts';
import { connect } from '../conformance/client.ts';
import { startLocalTarget, type LocalTarget } from '../conformance/local-target.ts';
import { mishaps } from './framing/mishaps.ts';
import { fetchPath, metadataPath, searchPath, tokenPath, type Fate, type Path } from './framing/paths.ts';
import { encode, everyCell, frame, nameOf, piecesOf, type Cell } from './framing/wire.ts';

/*
 * Every way to frame an answer, over the function processes of the local stack. Only metadata is read by the function's
 * own code in this process, since the function keeps a statement for an hour. An answer arrives whole or visibly
 * broken.
 */

let target: LocalTarget;
let token: string;
beforeAll(async () => {
  target = await startLocalTarget();
  ({ access_token: token } = await connect(target));
});
afterAll(() => target.close());

/** Runs something, and checks that no process has ended because of it. */
const withoutDeaths = async (run: () => Promise<void>): Promise<void> => {
  await run();
  expect(target.logLines.filter((line) => line.includes('The process ended'))).toEqual([]);
};

const report = (text: string): void => void process.stdout.write(`framing: ${text}\n`);

const count = (fates: readonly Fate[]): string =>
  `${fates.length} answers, ${fates.filter((fate) => fate === 'whole').length} whole, ${fates.filter((fate) => fate === 'broken').length} visibly broken, 0 short`;

const paths: readonly (readonly [string, () => Path])[] = [
  ['fetch', () => fetchPath(target, createPayerHttp(), token)],
  ['metadata', () => metadataPath(target, createPayerHttp())],
  ['the token call', () => tokenPath(target)],
  ['the patient search', () => searchPath(target)],
];

describe.each(paths)('an answer to %s', (name, pathOf) => {
  it('arrives whole or visibly broken, however it is framed, encoded, cut and read', async () => {
    const path = pathOf();
    const wrong: string[] = [];
    const fates: Fate[] = [];
    const run = async (cell: Cell, size: number): Promise<void> => {
      const body = path.body(size);
      const encoded = encode(body, cell.coding);
      const fate = await path.run(frame(piecesOf(encoded), encoded.length, cell), body, cell.manner).catch(String);
      if (fate !== (cell.manner === 'cut' ? 'broken' : 'whole')) wrong.push(`${nameOf(cell)}, ${size}: ${fate}`);
      fates.push(fate as Fate);
    };
    await withoutDeaths(async () => {
      for (const [index, cell] of everyCell.entries()) await run(cell, path.sizes[index % path.sizes.length] ?? 0);
    });
    expect(wrong).toEqual([]);
    report(`${name}: ${count(fates)}`);
  });

  it('arrives whole or visibly broken, whatever its headers say', async () => {
    const path = pathOf();
    const wrong: string[] = [];
    const fates: Fate[] = [];
    await withoutDeaths(async () => {
      for (const [index, { name: mishap, wire, arrivesWhole }] of mishaps.entries()) {
        const body = path.body(path.sizes[index % path.sizes.length] ?? 0);
        const fate = await path.run(wire(body), body, 'whole').catch(String);
        if (fate !== (arrivesWhole === true ? 'whole' : 'broken')) wrong.push(`${mishap}: ${fate}`);
        fates.push(fate as Fate);
      }
    });
    expect(wrong).toEqual([]);
    report(`${name}, answers that lie: ${count(fates)}`);
  });
});

it('500 answers with Connection: close arrive whole, and end no process', async () => {
  const path = fetchPath(target, createPayerHttp(), token);
  const fates: Fate[] = [];
  await withoutDeaths(async () => {
    for (let index = 0; index < 500; index += 1) {
      const body = path.body(index % 10 === 0 ? 1024 * 1024 : 30_000);
      const cell = everyCell.filter(({ connection, manner }) => connection === 'close' && manner !== 'cut')[index % 36];
      const encoded = encode(body, cell!.coding);
      fates.push(await path.run(frame(piecesOf(encoded), encoded.length, cell!), body, cell!.manner));
    }
  });
  expect(fates).toEqual(Array.from({ length: 500 }, () => 'whole'));
  report(`Connection: close: ${count(fates)}`);
});
