import { checkStage, ConfigError } from '../../config/checks/check-stage.ts';
import { sound, type Draft } from './mistakes.ts';

/** The lines that the check prints for these mistakes in one stage. */
const told = (...mistakes: ((draft: Draft) => void)[]): string[] => {
  const draft = sound();
  for (const make of mistakes) make(draft);
  try {
    checkStage(draft, 'pilot.ts');
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n').map((line) => line.replace(/^pilot\.ts: /, ''));
  }
};

const [payer, app] = ['payers[0] (lakeside)', 'partners[1] (notebook)'];
const change =
  (list: 'payers' | 'partners', index: number, changes: object) =>
  (draft: Draft): void => {
    Object.assign(draft[list][index] ?? {}, changes);
  };
const unfinished = (field: string, text: string): string =>
  `${field}: is not finished: it says "${text}"; write the real value`;

it('a stage that contains itself, as one from a .ts file may, is reported like any other mistake', () => {
  const inItself = (draft: Draft): void => void Object.assign(draft, { account: draft });
  const inAList = (draft: Draft): void => void draft.payers.push(draft.payers as never);

  expect(told(inItself)).toEqual([expect.stringMatching(/^account: is an object; write /)]);
  expect(told(inAList)).toEqual([expect.stringMatching(/^payers\[2\]: is an array; write an object$/)]);
});

describe('several mistakes in one stage', () => {
  it('are all reported, each on its own line', () => {
    expect(
      told(
        change('payers', 0, { fhirBaseUrl: 'https://id.lakeside-plan.net/token' }),
        change('partners', 0, { payers: ['nowhere'] }),
        change('partners', 1, { name: 'TODO' }),
      ),
    ).toEqual([
      expect.stringMatching(/^payers\[0\] \(lakeside\)\.tokenEndpoint: is the same as fhirBaseUrl; /),
      expect.stringMatching(/^partners\[0\] \(portal\)\.payers\[0\]: "nowhere" is not a payer of this stage; /),
      unfinished(`${app}.name`, 'TODO'),
    ]);
  });

  it('several mistakes in one stage in one field are reported once: as the actual mistake, not also as an unfinished field', () => {
    expect(told(change('payers', 0, { displayName: 'TODO' }), change('payers', 1, { issuer: '<issuer>' }))).toEqual([
      expect.stringMatching(/^payers\[1\] \(riverside\)\.issuer: is not a URL; /),
      unfinished(`${payer}.displayName`, 'TODO'),
    ]);
  });

  it('several mistakes in one stage that come from a misspelled name are one, but the same field missing elsewhere is another', () => {
    expect(
      told(
        change('payers', 0, { clientID: 'gateway-17', clientId: undefined }),
        change('payers', 1, { clientId: undefined }),
      ),
    ).toEqual([
      `${payer}.clientID: is not a known field; write "clientId", or remove it`,
      expect.stringMatching(/^payers\[1\] \(riverside\)\.clientId: is missing; /),
    ]);
  });

  it('several mistakes in one stage that come from a wrong payer id are one: partners that name it are not blamed', () => {
    expect(told(change('payers', 0, { id: 'Lakeside' }))).toEqual([
      expect.stringMatching(/^payers\[0\] \(Lakeside\)\.id: is not a valid id; /),
    ]);
    expect(told(change('payers', 0, { id: 'riverside' }))).toEqual([
      expect.stringMatching(/^payers\[1\] \(riverside\)\.id: "riverside" appears twice; /),
    ]);
  });
});

it('an unfinished text is quoted up to 30 characters', () => {
  const quoted = (length: number): string[] =>
    told(change('payers', 0, { displayName: `<${'a'.repeat(length - 2)}>` }));

  expect(quoted(30)).toEqual([unfinished(`${payer}.displayName`, `<${'a'.repeat(28)}>`)]);
  expect(quoted(31)).toEqual([unfinished(`${payer}.displayName`, `<${'a'.repeat(29)}`)]);
});
