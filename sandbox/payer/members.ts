import type { MemberRecord } from './data/record.ts';

/** The fields of "Create an account", by their names in the form. */
export const accountFields = ['first_name', 'last_name', 'birthdate', 'member_id', 'postal_code', 'email'] as const;
export type AccountField = (typeof accountFields)[number];
export type AccountForm = Readonly<Record<AccountField, string>>;

/** What is wrong with a form, or with one field. */
export interface FormProblem {
  readonly field?: AccountField | 'code';
  readonly message: string;
}

export type MatchResult = { readonly record: MemberRecord } | { readonly problems: readonly FormProblem[] };

const missing: Readonly<Record<AccountField, string>> = {
  first_name: 'Enter your first name.',
  last_name: 'Enter your last name.',
  birthdate: 'Enter your birthdate.',
  member_id: 'Enter your member ID.',
  postal_code: 'Enter your postal code.',
  email: 'Enter your e-mail address.',
};

/** Finds the member that an account form describes, or returns what to correct. */
export const matchMember = (records: readonly MemberRecord[], form: AccountForm): MatchResult => {
  const problems = fieldProblems(form);
  if (problems.length > 0) return { problems };

  const birthDate = parseBirthdate(form.birthdate);
  const samePerson = records.filter(
    ({ member }) =>
      plain(member.firstName) === plain(form.first_name) &&
      plain(member.lastName) === plain(form.last_name) &&
      member.birthDate === birthDate,
  );
  const numbered = samePerson.find(({ member }) => plain(member.memberId) === plain(form.member_id));
  if (numbered && plain(numbered.member.postalCode) === plain(form.postal_code)) return { record: numbered };

  if (samePerson.length > 0 && !numbered) {
    const message = 'This is not the member ID that we have for you. Check the number on your member card.';
    return { problems: [{ field: 'member_id', message }] };
  }
  return { problems: [{ message: 'We found no member with these details. Check them against your member card.' }] };
};

/** Whether this looks like an e-mail address. */
export const isEmail = (value: string): boolean => {
  return value.length <= 254 && /^[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)+$/.test(value);
};

/** Parses `01/04/2011` (month first) or `2011-01-04`; undefined if that is not a calendar day. */
const parseBirthdate = (value: string): string | undefined => {
  const american = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(value.trim());
  const iso = american
    ? `${american[3]}-${american[1]?.padStart(2, '0')}-${american[2]?.padStart(2, '0')}`
    : value.trim();
  if (!/^\d{4}-\d{2}-\d{2}$/.test(iso)) return undefined;
  const date = new Date(`${iso}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(iso) ? iso : undefined;
};

const fieldProblems = (form: AccountForm): FormProblem[] => {
  const problems: FormProblem[] = accountFields
    .filter((field) => form[field].trim() === '')
    .map((field) => ({ field, message: missing[field] }));
  if (form.birthdate.trim() !== '' && !parseBirthdate(form.birthdate)) {
    problems.push({ field: 'birthdate', message: 'Enter your birthdate as MM/DD/YYYY, such as 01/04/2011.' });
  }
  if (form.email.trim() !== '' && !isEmail(form.email.trim())) {
    problems.push({ field: 'email', message: 'Enter an e-mail address such as name@example.com.' });
  }
  return problems;
};

const plain = (value: string): string => {
  return value.trim().replaceAll(/\s+/g, ' ').toLowerCase();
};
