import { missingFromTotal, nextPage, reachedBound } from '../../../../functions/export-job/reading/next-page.ts';

const bases = ['https://payer.example/fhir', 'http://inside:8080/r4'];
const after = (next: readonly string[], read: readonly string[] = []) =>
  nextPage({
    next,
    requestUrl: `https://payer.example/fhir/${next[0]?.startsWith('Patient/') === true ? 'Patient/1/$everything' : 'Observation?patient=1'}`,
    bases,
    wasRead: (rest) => read.includes(rest),
  });

describe('which page is next', () => {
  it.each([
    ['https://payer.example/fhir/Observation?page=2', '/Observation?page=2'],
    ['https://payer.example/fhir?_getpages=a', '?_getpages=a'],
    ['http://inside:8080/r4?_getpages=a', '?_getpages=a'],
    ['Observation?page=2', '/Observation?page=2'],
    ['?page=2', '/Observation?page=2'],
    ['/fhir/Observation?page=2', '/Observation?page=2'],
    ['Patient/1/$everything?page=2', '/Patient/1/$everything?page=2'],
  ])('is one below the bases of the payer: %s', (link, rest) => {
    expect(after([link])).toEqual({ rest });
  });

  it.each([
    ['https://elsewhere.example/fhir/Observation?page=2', 'server'],
    ['https://payer.example/fhir/../admin', 'path'],
    ['https://payer.example/fhirx/Observation', 'path'],
    ['http://inside:8080/fhir/Observation', 'path'],
    ['http://payer.example/fhir/Observation', 'server'],
    ['https://payer.example@elsewhere.example/fhir/Observation', 'server'],
    ['//elsewhere.example/fhir', 'server'],
    ['http://[', 'form'],
    ['javascript:alert(1)', 'server'],
  ])('is not one elsewhere: %s, because of its %s', (link, why) => {
    expect(after([link])).toEqual({ end: 'elsewhere', why });
  });

  it('is the first of several, with the others, unless they mean the same', () => {
    const [own, other] = ['Observation?page=2', 'Observation?page=2&x=1'];
    expect(after([own, other])).toEqual({ rest: `/${own}`, others: [`/${other}`] });
    expect(after([own, other, `${own}3`, other])).toEqual({ rest: `/${own}`, others: [`/${other}`, `/${own}3`] });
    expect(after([own, other], [`/${own}`])).toEqual({ rest: `/${other}` });
    for (const same of [own, `https://payer.example/fhir/${own}#a`, `http://inside:8080/r4/${own}`])
      expect(after([own, same])).toEqual({ rest: `/${own}` });
    expect(after([`${own}&name=Zoë`, `${own}&name=Zo%C3%AB`])).not.toHaveProperty('others');
  });

  it('is followed beside one that is not, which is named', () => {
    const [own, other] = ['Observation?page=2', 'https://elsewhere.example/fhir/Observation?page=3'];
    for (const next of [
      [own, other],
      [other, own],
    ])
      expect(after(next)).toEqual({ rest: `/${own}`, elsewhere: 'server' });
    expect(after([own, 'http://['])).toEqual({ rest: `/${own}`, elsewhere: 'form' });
    expect(after([own, '/admin'])).toEqual({ rest: `/${own}`, elsewhere: 'path' });
    expect(after([own, other], [`/${own}`])).toEqual({ end: 'elsewhere', why: 'server' });
  });

  it('is none after the last', () => {
    expect(after([])).toEqual({ end: 'last' });
  });

  it('is not known if its link has no URL', () => {
    expect(after([''])).toEqual({ end: 'withoutUrl' });
    expect(after(['', 'Observation?page=2'])).toEqual({ rest: '/Observation?page=2' });
    expect(after(['', 'https://elsewhere.example'])).toEqual({ end: 'elsewhere', why: 'server' });
  });

  it('is never one that was already read, however it is spelled', () => {
    expect(after(['Observation?page=2'], ['/Observation?page=2'])).toEqual({ end: 'loop' });
    expect(after(['http://inside:8080/r4/Observation?page=2'], ['/Observation?page=2'])).toEqual({ end: 'loop' });
    expect(after(['Observation?page=2', 'Observation?page=3'], ['/Observation?page=2'])).toEqual({
      rest: '/Observation?page=3',
    });
  });
});

// As docs/partners/whole-record.md states them: 1,000,000 resources, 10 GB, 100,000 pages, 100,000 references, two days.
it.each([
  ['pages', 100_000],
  ['resources', 1_000_000],
  ['bytes', 10e9],
  ['references', 100_000],
  ['seconds', 2 * 86_400],
] as const)('an export reads no more once it has reached its bound of %s, which is %i', (bound, most) => {
  const none = { pages: 0, resources: 0, bytes: 0, references: 0, seconds: 0 };
  expect(reachedBound({ ...none, [bound]: most - 1 })).toBeUndefined();
  expect(reachedBound({ ...none, [bound]: most })).toBe(bound);
});

it('reports that a search returned less than its total, or that the total shrank', () => {
  expect(missingFromTotal({ first: 10, last: 10, read: 10 })).toBeUndefined();
  expect(missingFromTotal({ first: 10, last: 10, read: 12 })).toBeUndefined();
  expect(missingFromTotal({ first: undefined, last: undefined, read: 0 })).toBeUndefined();
  expect(missingFromTotal({ first: 10, last: undefined, read: 9 })).toBe('short');
  expect(missingFromTotal({ first: undefined, last: 10, read: 9 })).toBe('short');
  expect(missingFromTotal({ first: 10, last: 12, read: 9 })).toBe('short');
  expect(missingFromTotal({ first: 10, last: 8, read: 7 })).toBe('short');
  expect(missingFromTotal({ first: 10, last: 8, read: 8 })).toBe('shrank');
  expect(missingFromTotal({ first: 10, last: 8, read: 10 })).toBeUndefined();
  expect(missingFromTotal({ first: 8, last: 10, read: 9 })).toBe('short');
  expect(missingFromTotal({ first: 8, last: 10, read: 10 })).toBeUndefined();
});
