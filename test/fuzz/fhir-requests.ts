import * as fc from 'fast-check';
import { words } from '../support/words.ts';
import { textOf } from './seeded.ts';
import { markup } from './sound-answer.ts';

/** The people and places in the requests. */
export const people = { member: 'patient-1', other: 'patient-2', otherIdentifier: 'mrn-of-another' } as const;
export const payerBase = 'http://127.0.0.1:3003/r4';
export const gatewayBase = 'http://localhost:3000/r4/northwind';

/** A request on the wire, below the payer's base. */
export interface WireRequest {
  readonly method: string;
  /** Still encoded, without the first slash. */
  readonly path: string;
  readonly query: string;
  readonly form?: string;
}

/** Percent-encodes every character, or every one that a URL would encode, this many times. */
const encodings: readonly ((text: string) => string)[] = [
  (text) => text,
  encodeURIComponent,
  (text) => encodeURIComponent(encodeURIComponent(text)),
  (text) => encodeURIComponent(encodeURIComponent(encodeURIComponent(text))),
  (text) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  (text) => [...Buffer.from(text)].map((byte) => `%25${byte.toString(16).padStart(2, '0')}`).join(''),
  (text) => text.replaceAll('/', '%2f').replaceAll('-', '%2D'),
  (text) => text.replaceAll('/', '%252F'),
  (text) => encodeURIComponent(text.replaceAll('/', '%2F').replaceAll('t', '%74')),
  // Overlong UTF-8, and half of a surrogate pair.
  (text) => text.replaceAll('/', '%c0%af'),
  (text) => `${text}%ed%a0%80`,
];
const encoding = fc.oneof(
  { weight: 3, arbitrary: fc.constant((text: string) => encodeURIComponent(text)) },
  { weight: 2, arbitrary: fc.constantFrom(...encodings) },
);

const types =
  'Patient patient PATIENT Observation Condition Encounter Coverage ExplanationOfBenefit Group Practitioner RelatedPerson Person Provenance Binary List Bundle Claim DocumentReference Appointment Basic AuditEvent Composition QuestionnaireResponse'.split(
    ' ',
  );
const ids = [
  people.member,
  people.other,
  'example-1',
  `${people.member}.`,
  `${people.member}~`,
  people.member.toUpperCase(),
];
const oddSegments = [
  '',
  ...words('. .. ... ..; .; %2e %2e%2e %2E%2E%2F ..%2f %2e%2e%5c %252e%252e ..%c0%af %00 a%00'),
  '%0d%0aX-Y: 1',
  ...words(`
    \\ %5c %5C..%5C %3F %3fpatient=x %23 # @evil.example :80 * $everything $export $expunge $meta-add $graphql _search
    _history _history/2 metadata ;jsessionid=1
  `),
  ...words(`
    ${people.other}; ${people.member};${people.other} ${people.member}%2f..%2f${people.other}
    ${people.member}%00${people.other} ${people.member}%252f..%252f${people.other} ..%2fPatient%2f${people.other}
    http: http://evil.example http:%2f%2fevil.example %ef%bc%8f
  `),
  '\u{1f600}',
  ...words('%f0%9f%98%80 ｐatient %E2%84%AA %ff % %zz %u002f __proto__ constructor'),
  'a'.repeat(8192),
  encodeURIComponent(markup),
];
const separator = fc.constantFrom('/', '/', '/', '/', '//', '%2f', '%252f', '\\', '%5c', '/./', ';/', '/%2e/');

const usualPath = fc.oneof(
  fc.constantFrom(...types),
  fc.tuple(fc.constantFrom(...types), fc.constantFrom(...ids)).map((parts) => parts.join('/')),
  fc.constantFrom(
    '',
    ...words(`
      Observation/_search Patient/_search Patient/${people.member}/$everything Patient/${people.other}/$everything
      Patient/${people.member}/Observation Patient/${people.other}/Observation Patient/${people.member}/Patient
      Patient/${people.member}/* Patient/${people.member}/_history/1 Patient/${people.other}/_history/1
      Group/${people.other}/$everything Practitioner/x/Patient/${people.other} Encounter/x/Patient Patient/$match
      Patient/_history _history
    `),
  ),
);
const oddPath = fc
  .array(fc.tuple(fc.constantFrom(...types, ...ids, ...oddSegments), separator), { minLength: 1, maxLength: 6 })
  .map((parts) => parts.flat().slice(0, -1).join(''));
const encodedPath = fc
  .tuple(usualPath, fc.constantFrom(...encodings))
  .map(([path, encode]) => path.split('/').map(encode).join('/'));

const codes =
  'patient Patient PATIENT subject SUBJECT _id _ID identifier performer focus member beneficiary link individual actor target entity source author payee policy-holder participant recipient sender who agent general-practitioner name family birthdate code context encounter based-on has-member part-of foo patientid _source _profile _tag _security _list _text _content _type _since access_token Access_Token _method client_id __proto__ constructor'.split(
    ' ',
  );
const modifiers = [
  '',
  '',
  '',
  '',
  ...words(`
    :Patient :patient :Group :Practitioner :missing :identifier :not :exact :contains :in :above :text :iterate
    :Patient:missing :missing:x :foo :
  `),
];
const steps = [
  '',
  '',
  '',
  ...words(`
    patient. subject. subject:Patient. subject:patient. encounter. encounter.patient. performer:Patient. focus. link.
    subject:Group. patient.link. part-of.subject:Patient. a.b.c.d.e.f.g.h.i.j.
  `),
];
const reverse = [
  '',
  '',
  '',
  '',
  ...words(`
    _has:Observation:patient: _has:Patient:link: _has:patient:general-practitioner: _HAS:Patient:link:
    _has:Group:member:_has:Patient:link: _has: _has:: _has:Observation:
  `),
];
const names = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        fc.constantFrom(...reverse),
        fc.constantFrom(...steps),
        fc.constantFrom(...codes),
        fc.constantFrom(...modifiers),
      )
      .map((parts) => parts.join('')),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...words('patient[] patient[0] patient%00 patient%0a'),
      ' patient',
      'patient ',
      ...words('patient;x pa%74ient subject%3APatient subject%253APatient %5fid %255fid ｐatient'),
      '',
      '=',
      'patient=patient-2&x',
      'p'.repeat(8192),
      encodeURIComponent(markup),
    ),
  },
);

const references = (id: string): string[] => [
  id,
  ...words(`
    Patient/${id} patient/${id} PATIENT/${id} /Patient/${id} //Patient//${id} ./Patient/${id} Patient\\${id}
    Patient/${id}/_history/1 Patient/${id}?x=1 Patient/${people.member}/../${id} Group/../Patient/${id}
    Patient/./${id} ${payerBase}/Patient/${id} ${payerBase}/patient/${id} ${payerBase}//Patient/${id}
    ${gatewayBase}/Patient/${id} http://127.0.0.1:3003/R4/Patient/${id} https://evil.example/r4/Patient/${id}
    //127.0.0.1:3003/r4/Patient/${id} ${payerBase}@evil.example/Patient/${id} urn:uuid:${id} Patient|${id} #${id}
  `),
];
const items = [
  ...references(people.other),
  ...references(people.other),
  ...references(people.member),
  people.otherIdentifier,
  `http://hospital.example/mrn|${people.otherIdentifier}`,
  ...words('Group/1 Practitioner/x example-1 true false gt2020-01-01 1|2 *'),
  '',
  ...words(`% %zz %00 \0`),
  '\n',
  '\t',
  ' ',
  '\u00a0',
  '\ufeff',
  '\u{1f600}',
  '\ud800',
  'x'.repeat(8192),
  markup,
  ...words(`../../Patient $ | ,`),
];
const joints = [',', ',', ',', '\\,', '|', '$', ';', '&', ' ', '\n', '\0', '%2C', '%252C'];
const values = fc
  .tuple(
    fc.constantFrom(...items),
    fc.array(fc.tuple(fc.constantFrom(...joints), fc.constantFrom(...items)), { maxLength: 2 }),
    fc.constantFrom('', '', '', '', '%zz', '%', '\0', ' ', '"', '%00'),
    encoding,
  )
  .map(([first, more, end, encode]) => {
    const text = (first + more.flat().join('') + end).toWellFormed();
    return encode(text);
  });

const includes = fc
  .tuple(
    fc.constantFrom(
      ...words(`
        _include _revinclude _INCLUDE _include:iterate _include:recurse _revinclude:iterate _include[]
        _include:Patient
      `),
    ),
    textOf(
      [
        ...words('Observation Patient patient Encounter * : : subject patient ,'),
        ' ',
        'Practitioner',
        people.other,
        '%3A',
        '\0',
        markup,
      ],
      6,
    ),
  )
  .map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
const resultParameters = fc
  .tuple(
    fc.constantFrom(
      ...words(`
        _sort _filter _query _contained _containedType _elements _summary _format _pretty _count _getpages
        _getpagesoffset _type _TYPE _type:x _page _pageToken _list _total _FILTER _filter:x _getPages _graph _method
      `),
    ),
    fc.oneof(
      fc.constantFrom(
        ...words('patient.name Observation Condition Observation,Condition json xml true both 50 -1'),
        '',
        'DELETE',
        `patient eq "${people.other}"`,
        `Patient/${people.other}`,
      ),
      values,
    ),
  )
  .map(([name, value]) => `${name}=${value}`);
/** Lists about the member, most of them with another patient somewhere among the items. */
const lists = fc
  .tuple(
    fc.constantFrom(
      ...'_id _ID patient PATIENT subject subject:Patient patient:patient performer focus beneficiary link patient._id subject:Patient._id encounter.patient _has:Patient:link:_id _has:Observation:patient:subject'.split(
        ' ',
      ),
    ),
    fc.array(fc.constantFrom<string>(people.member, `Patient/${people.member}`), { minLength: 1, maxLength: 3 }),
    fc.option(fc.constantFrom(people.other, `Patient/${people.other}`)),
    fc.nat(3),
  )
  .map(([name, own, other, at]) => `${name}=${own.toSpliced(at, 0, ...(other === null ? [] : [other])).join(',')}`);

const parameter = fc.oneof(
  { weight: 2, arbitrary: lists },
  { weight: 6, arbitrary: fc.tuple(names, values).map((pair) => pair.join('=')) },
  { weight: 1, arbitrary: includes },
  { weight: 1, arbitrary: resultParameters },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      ...words('& = a =b a=b=c ? patient'),
      ...words(`patient=${people.member} +=+ %=% a;b=c`),
    ),
  },
);
const parameters = fc.array(parameter, { maxLength: 3 }).map((pairs) => pairs.join('&'));

/** Reads and searches, most of them valid enough that their content must be judged. */
export const searches: fc.Arbitrary<WireRequest> = fc.record({
  method: fc.constant('GET'),
  path: usualPath,
  query: parameters,
});

/** Paths that no client should write. */
export const oddPaths: fc.Arbitrary<WireRequest> = fc.record({
  method: fc.constantFrom('GET', 'GET', 'GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'TRACE', 'get', 'CONNECT'),
  path: fc.oneof(oddPath, encodedPath),
  query: fc.oneof({ weight: 3, arbitrary: fc.constant('') }, { weight: 1, arbitrary: parameters }),
});

/** `POST {type}/_search`, with parameters in the query and the form. */
export const postedSearches: fc.Arbitrary<WireRequest> = fc.record({
  method: fc.constant('POST'),
  path: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...types).map((type) => `${type}/_search`) },
    { weight: 1, arbitrary: usualPath },
  ),
  query: fc.oneof({ weight: 3, arbitrary: fc.constant('') }, { weight: 1, arbitrary: parameters }),
  form: parameters,
});
