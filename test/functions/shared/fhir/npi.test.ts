import { isNpi, isNpiSystem } from '../../../../functions/shared/fhir/npi.ts';

// CMS's own example is 1234567893: its nine digits, and the check digit 3.
it('an NPI has ten digits, and of each ten that differ in the last one only, one is an NPI', () => {
  for (const nine of ['123456789', '100000000', '999999999', '000000000']) {
    const all = Array.from({ length: 10 }, (_, digit) => `${nine}${digit}`).filter(isNpi);
    expect(all).toHaveLength(1);
  }
  expect(isNpi('1234567893')).toBe(true);
});

it('two digits that changed places make it none, as does one other digit', () => {
  const npi = '1234567893';
  for (let at = 0; at < npi.length; at += 1) {
    const [digit, next = ''] = npi.slice(at, at + 2);
    const other = String((Number(digit) + 1) % 10);
    expect(isNpi(`${npi.slice(0, at)}${other}${npi.slice(at + 1)}`)).toBe(false);
    if (next !== '') expect(isNpi(`${npi.slice(0, at)}${next}${digit}${npi.slice(at + 2)}`)).toBe(false);
  }
});

it.each([[1234567893], [null], ['123456789'], ['12345678930'], ['12345678 3'], ['１２３４５６７８９３'], ['']])(
  'is not %j',
  (value) => {
    expect(isNpi(value)).toBe(false);
  },
);

it('has a system of two names', () => {
  expect(['http://hl7.org/fhir/sid/us-npi', 'urn:oid:2.16.840.1.113883.4.6', 'urn:npi'].map(isNpiSystem)).toEqual([
    true,
    true,
    false,
  ]);
});
