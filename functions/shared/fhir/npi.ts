/** The system of National Provider Identifiers (HL7 Terminology). */
export const npiSystem = 'http://hl7.org/fhir/sid/us-npi';

const systems: ReadonlySet<unknown> = new Set([npiSystem, 'urn:oid:2.16.840.1.113883.4.6']);

/** Whether a system is that of National Provider Identifiers, by HL7's name or by its OID. */
export const isNpiSystem = (system: unknown): boolean => systems.has(system);

/**
 * Whether a value is a National Provider Identifier: ten digits, the last of which is the check digit by Luhn's algorithm (ISO/IEC 7812-1),
 * computed with the prefix 80840 (45 CFR 162.406;
 * https://www.cms.gov/Regulations-and-Guidance/Administrative-Simplification/NationalProvIdentStand/Downloads/NPIcheckdigit.pdf).
 */
export const isNpi = (value: unknown): value is string => {
  if (typeof value !== 'string' || !/^\d{10}$/.test(value)) return false;
  const sum = Array.from(`80840${value}`, Number)
    .toReversed()
    .reduce((total, digit, index) => {
      const doubled = index % 2 === 1 ? digit * 2 : digit;
      return total + (doubled > 9 ? doubled - 9 : doubled);
    }, 0);
  return sum % 10 === 0;
};
