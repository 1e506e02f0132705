/** SNOMED CT identifiers end in a check digit by Verhoeff's scheme (SNOMED CT Release File Specification, 5.5). */
export const hasSnomedCheckDigit = (code: string): boolean => {
  if (!/^[1-9]\d{5,17}$/.test(code)) return false;
  const fromTheRight = Array.from(code, Number).toReversed();
  return fromTheRight.reduce((sum, digit, place) => dihedral(sum, permuted(digit, place)), 0) === 0;
};

/** The codes of LOINC terms end in a mod 10 check digit (LOINC Users' Guide, appendix C). */
export const hasLoincCheckDigit = (code: string): boolean => {
  const [, digits, check] = /^(\d{1,7})-(\d)$/.exec(code) ?? [];
  if (digits === undefined) return false;
  const sum = Array.from(digits, Number)
    .toReversed()
    .map((digit, place) => (place % 2 === 1 ? digit : digit < 5 ? digit * 2 : digit * 2 - 9))
    .reduce((total, digit) => total + digit, 0);
  return (10 - (sum % 10)) % 10 === Number(check);
};

/** The product of two elements of the dihedral group of order ten: five rotations, then five reflections. */
const dihedral = (left: number, right: number): number => {
  if (left < 5) return right < 5 ? (left + right) % 5 : ((left + right) % 5) + 5;
  return right < 5 ? ((left - right + 5) % 5) + 5 : (left - right + 5) % 5;
};

const permutation = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

const permuted = (digit: number, place: number): number => {
  return Array.from({ length: place % 8 }).reduce<number>((moved) => permutation[moved] ?? 0, digit);
};
