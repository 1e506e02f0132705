import type * as fc from 'fast-check';
import { oddPaths, people, postedSearches, searches, type WireRequest } from './fhir-requests.ts';
import { answeredTypes, type Sent } from './lenient-payer.ts';
import { NotForwarded, recordingPayer, type RecordingPayer } from './recording-payer.ts';
import { holds } from './seeded.ts';

/** Judges this many requests. Some must have reached the payer, or the test would show nothing. */
const judgeAll = async (
  payer: RecordingPayer,
  requests: fc.Arbitrary<WireRequest>,
  runs: number,
  alsoOf: (sent: readonly Sent[]) => void = () => undefined,
): Promise<void> => {
  await holds(
    requests,
    async (request) => {
      try {
        alsoOf((await payer.judge(request)).sent);
      } catch (error) {
        if (!(error instanceof NotForwarded)) throw error;
      }
    },
    runs,
  );
};

const least = (payer: RecordingPayer, { forwarded, asked }: { forwarded: number; asked: number }): void => {
  expect(payer.tally.asked).toBeGreaterThan(asked);
  expect(payer.tally.forwarded).toBeGreaterThan(forwarded);
};

describe('every request that reaches a payer is a read below its FHIR base, about this member, with its own token:', () => {
  it("searches, whatever their parameters' names, chains and encodings (FHIR R4 search.html)", async () => {
    const payer = await recordingPayer();

    await judgeAll(payer, searches, 20_000);

    least(payer, { asked: 15_000, forwarded: 1000 });
  });

  it('POST to _search, with parameters in the form, the query or both', async () => {
    const payer = await recordingPayer();

    await judgeAll(payer, postedSearches, 10_000);

    least(payer, { asked: 8000, forwarded: 500 });
  });

  it('paths with dots, slashes and backslashes in any encoding, and any method (CWE-22)', async () => {
    const payer = await recordingPayer();

    await judgeAll(payer, oddPaths, 15_000);

    least(payer, { asked: 10_000, forwarded: 100 });
  });

  it('reads of only the types that the scope names, if it names some (SMART App Launch 2.2, scopes)', async () => {
    const payer = await recordingPayer('patient/Observation.rs');

    await judgeAll(payer, searches, 16_000, (sent) => {
      for (const { url } of sent) {
        const { pathname, searchParams } = new URL(url);
        const [type, id, compartment] = pathname.split('/').slice(2);
        expect(type === 'Observation' || (id === people.member && compartment === 'Observation')).toBe(true);
        // Also if the payer knows parameters of its own, and ignores all others.
        expect(answeredTypes(url)).toEqual(['Observation']);
        for (const [name, value] of searchParams) {
          if (/^_(?:rev)?include/i.test(name))
            expect(value).toMatch(/^\s*(?:Observation:[\w*-]*(?::Observation)?\s*,?\s*)*$/i);
          expect(name).not.toMatch(/[.]|^_has:(?!Observation:)/i);
        }
      }
    });

    least(payer, { asked: 12_000, forwarded: 100 });
  });
});
