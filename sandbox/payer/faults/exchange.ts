import type { Fault } from './fault.ts';

/** Faults of a former plan, by the name after `exchange-`: what it does, and what an exchange through the gateway gives. */
const exchangeFaultTexts = {
  '409': [
    'Every second kick-off is 409 with `Retry-After: 2`, as while another runs.',
    'The whole record: it asks again later.',
  ],
  '429': ['Every second request of an exchange is 429 with `Retry-After: 2`.', 'The whole record, later.'],
  hour: [
    'A status is 202 for an hour, with `Retry-After: 120` and `X-Progress`.',
    'The whole record, an hour later. Your status shows the payer’s `X-Progress`.',
  ],
  '500-once': ['The first status of each request is 500, with the issue code `transient`.', 'The whole record.'],
  fails: [
    'Each request fails after its kick-off: its status is 500.',
    'Nothing: the gateway asks several times, and ends in `failed`.',
  ],
  cut: [
    'The first read of each file breaks after half of it.',
    'The whole record: the file is read on from there, or anew where the payer has no ranges.',
  ],
  short: ['Files end after half of their lines, in good order.', '`partial`: the payer named more lines.'],
  'counts-lie': ['The manifest counts one line more than each file has.', '`partial`: the payer named more lines.'],
  stranger: [
    'The Group of matched members has one more, whom nobody submitted, and an export has that member’s record.',
    'The match names them as a stranger. An export asks for the others only.',
  ],
  unmentioned: ['One matched member is in no Group.', 'The Groups as they came; the member is named.'],
  'no-members': [
    'Nobody is matched: the Group of matched members is empty.',
    'The Groups as they came: there is nobody to export.',
  ],
  'two-groups': ['There are two Groups with the code `match`, each with a part of the members.', 'Both Groups.'],
  'envelope-beside': ['PDex 2.1’s `Parameters` are there beside the Groups.', 'The Groups.'],
  'envelope-alone': ['PDex 2.1’s `Parameters` are there in place of the Groups.', 'The Groups that are in them.'],
  'token-per-file': [
    'An access token that has read one file is 401 on the next.',
    'The whole record: the gateway asks for a new token.',
  ],
  elsewhere: [
    'The manifest’s files are on another host.',
    'The whole record if the payer’s profile names the host (`fileOrigins`), else nothing of it.',
  ],
  'redirect-status': ['A status redirects (302) to another host.', '`failed`: no redirect is followed.'],
  'redirect-files': [
    'Files redirect (307) to another host.',
    'Nothing of the record: each file is named, and no redirect is followed.',
  ],
  'redirect-kick-off': [
    'Kick-offs redirect (307) to another host, which would get the members’ data.',
    '`failed`: no redirect is followed.',
  ],
  deleted: ['An export’s manifest has a file of resources that were `deleted`.', 'The whole record, and that file.'],
  'other-patient': [
    'An export has a line about a patient who is not in the Group.',
    'The record without that line, which is named.',
  ],
  'not-json': ['An export has a line that is not JSON.', 'The record without that line, which is named.'],
  'huge-line': ['An export has a line of 12 MB.', 'The record without that line, which is named.'],
  'since-ignored': ['`_since` is ignored.', 'The whole record, and a warning for each file that has what is older.'],
  'type-filter-ignored': [
    '`_typeFilter` is taken and ignored.',
    '400, unless the payer’s profile says `typeFilter`: then what came.',
  ],
  'no-ranges': ['Files are sent whole, whatever `Range` asks for.', 'The whole record.'],
  gzip: ['Files come with `Content-Encoding: gzip`.', 'The whole record.'],
  'delete-ends-group': [
    'DELETE of a match ends its Group.',
    'The whole record: a match is deleted after its last export.',
  ],
} as const satisfies Readonly<Record<string, readonly [does: string, gives: string]>>;

export type ExchangeFault = keyof typeof exchangeFaultTexts;

/** They act where the former plan answers (payer/exchange/), and nowhere else. */
export const exchangeFaults: readonly Fault[] = Object.entries(exchangeFaultTexts).map(([name, [does, gives]]) => ({
  name: `exchange-${name}`,
  does,
  partnerSees: gives,
  exportGives: 'The whole record.',
  when: () => false,
}));
