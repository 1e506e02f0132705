import { memberKeys, testMembers, type MemberKey } from '../payer/data/member-list.ts';
import { street } from '../payer/data/patient.ts';

/** What the identity provider has verified about a person, in the claims of CLEAR and ID.me. */
interface Person {
  readonly sub: string;
  readonly identity_assurance_level: number;
  readonly family_name: string;
  readonly given_name: string;
  /** `YYYY-MM-DD` */
  readonly birthdate: string;
  readonly address: {
    readonly street_address: string;
    readonly locality: string;
    readonly region: string;
    readonly postal_code: string;
    readonly country: string;
  };
  readonly ssn_itin_short: string;
  readonly phone_number: string;
  readonly phone_number_verified: boolean;
  readonly email: string;
  readonly mbi: string;
}

/** The claims about the members of the sandbox's payers, who are all that this identity provider knows. */
export const personNamed = (key: MemberKey): Person => {
  const { firstName, lastName, birthDate, postalCode, ssnLastFour, mbi } = testMembers[key];
  return {
    sub: `person-${memberKeys.indexOf(key) + 1}`,
    identity_assurance_level: 2,
    family_name: lastName,
    given_name: firstName,
    birthdate: birthDate,
    address: {
      street_address: street.line.join('\n'),
      locality: street.city,
      region: street.state,
      postal_code: postalCode,
      country: 'US',
    },
    ssn_itin_short: ssnLastFour,
    phone_number: '+16175550142',
    phone_number_verified: true,
    email: `${key}@example.com`,
    mbi,
  };
};
