import * as fc from 'fast-check';
import { searchedTypes } from './r4.ts';

/** A payer as the generator describes it: plain data, which shrinks and prints. */
export interface PayerSpec {
  /** Whether the profile has `$everything`, and what it gives. `short` leaves out the types that `types` marks. */
  readonly everything: 'none' | 'whole' | 'short' | 'refused' | 'broken' | 'cut';
  /**
   * What the payer's CapabilityStatement says; without `searches`, no parameters. `empty` lists no types, `adds` every second, and
   * imports the others.
   */
  readonly metadata: 'searches' | 'types' | 'none' | 'empty' | 'adds';
  /**
   * Whether the first resource of each type has a Provenance, and how the payer gives it: a search of the type brings it, as the
   * statement says or does not say; or the payer refuses such a search, or answers as if it had not been asked for them.
   */
  readonly provenances: 'none' | 'declared' | 'undeclared' | 'refused' | 'ignored';
  /**
   * The link of a search's answer to itself: with the parameters that were used, without those of Provenances, with those that were asked,
   * without the member, or with another one.
   */
  readonly self: 'none' | 'used' | 'short' | 'asked' | 'memberless' | 'others';
  /** Searches bring Provenances without saying that they are included. */
  readonly isUnmarked: boolean;
  /** Searches bring what their matches refer to, too. */
  readonly isGenerous: boolean;
  /** `$everything` does not give Provenances. */
  readonly isBare: boolean;
  /** Search parameters that it ignores, and says nothing. */
  readonly ignores: readonly ('_id' | '_tag')[];
  /** Whether a search of a type that it does not have is answered with 404, as R4 says. Otherwise with 400. */
  readonly lacksBy404: boolean;
  /** Answers 404 to each search that finds nothing. */
  readonly missesNone: boolean;
  /** Ignores parameters that it does not know, and answers with all patients' resources of the type. */
  readonly isLax: boolean;
  /** The profile says that the payer's totals mean nothing. */
  readonly ignoresTotals: boolean;
  /** What the total of `$everything` counts. With every value but `none`, entries other than the Patient are marked as included. */
  readonly included: 'none' | 'matchesCounted' | 'allCounted' | 'moreCounted';
  /** Whether the profile has searches; for the types that `types` marks, each search covers only a part. */
  readonly hasParts: boolean;
  /**
   * `unsearched`: it comes if it is read, and the payer refuses a search of it. `unlisted`: it comes only if it is read. `undeclared`: the same, and
   * the payer's statement does not have the type.
   */
  readonly patient: 'given' | 'unlisted' | 'undeclared' | 'unsearched' | 'absent' | 'refused';
  /** The member's Patient says that it replaces an older one. Without that nobody knows whose the older one's resources are. */
  readonly isMerged: boolean;
  /** `$everything` gives the Patient after all others. */
  readonly isPatientLast: boolean;
  /** The types that the grant's scope names; without it all. */
  readonly scope?: readonly string[];
  /** The scope covers only reads, or only searches, of one of the types that it names. */
  readonly half?: { readonly of: number; readonly letter: 'r' | 's' };
  /** The types of which the payer grants a part only; the payer gives every second. */
  readonly limited?: readonly string[];
  /** The request's `_type`. */
  readonly asked?: readonly string[];
  /** Whether the payer heeds the request's `_since`; without it there is none. */
  readonly since?: 'heeded' | 'ignored';
  /** The request's time is its `_until`, and what is called old is newer. */
  readonly isUntil?: true;
  readonly types: readonly TypeSpec[];
  readonly senders: readonly SenderSpec[];
  readonly chains: readonly ChainSpec[];
  readonly foreign: readonly ForeignSpec[];
  readonly attachments: readonly AttachmentSpec[];
  /** The profile names the path of `listed` attachments. */
  readonly listsPath: boolean;
  /** Requests that fail once, by their number, counted from the first. */
  readonly hiccups: readonly Hiccup[];
}

/** The member's resources of one type. */
export interface TypeSpec {
  readonly type: string;
  readonly count: number;
  /** How many of them did not change since the request's `_since`. */
  readonly old: number;
  readonly search:
    | 'finds'
    | 'refused'
    | 'unauthorized'
    | 'unsearchable'
    | 'breaks'
    | 'latin'
    | 'suppresses'
    | 'labels'
    | 'informs'
    // Leaves out the last, and says nothing.
    | 'forgets'
    // Answers 404 if it finds nothing.
    | 'missesNone'
    // Answers 404 by each parameter for whom a resource is about.
    | 'hides';
  /** Which of R4's parameters for a patient the payer takes. */
  readonly parameters: 'all' | 'first' | 'last';
  readonly pageSize: number;
  readonly pages:
    | 'plain'
    | 'repeat'
    | 'skip'
    | 'elsewhere'
    | 'above'
    | 'noUrl'
    | 'stranger'
    // Next links that mean the same as the plain one: relative to the base, by its relation, in a header.
    | 'relative'
    | 'mapped'
    | 'header'
    // In a header, one that is spelled otherwise than in the page.
    | 'forked'
    // The last page links to itself as the next.
    | 'loop'
    // The first page links to itself as the next, so that the others never come, and its total counts what it has itself.
    | 'stuck'
    // Links, and a total, that nobody can read.
    | 'unreadable'
    // In a relation that has one plain meaning.
    | 'nextPage'
    // Under another name than the link's; only to the last page; nowhere, beside a header that counts all.
    | 'renamed'
    | 'lastOnly'
    | 'counted'
    // In a Bundle of another type.
    | 'wrapped';
  readonly total: 'none' | 'true' | 'high' | 'low' | 'text' | 'odd';
  /** Searched by the profile with filters, each for a part of it: for one of two parts, or for both. */
  readonly filters: 'none' | 'one' | 'both';
  /** Left out of a short `$everything`. */
  readonly isShort: boolean;
  /** How the payer writes the first of them. */
  readonly first:
    | 'plain'
    | 'spaced'
    | 'decimals'
    | 'parent'
    | 'contained'
    | 'containsOthers'
    | 'merged'
    | 'redacted'
    | 'twin'
    | 'otherTwin'
    | 'nameless'
    | 'identified'
    | 'displayed'
    // Names nobody, and may refer to others.
    | 'unnamed';
}

/** One of the member's that names the member in another element only than the one that says whom it is about, such as a sender. */
export interface SenderSpec {
  readonly type: string;
  /** Which of the type's parameters finds it. */
  readonly by: number;
  /** Whether the payer takes that parameter. */
  readonly isTaken: boolean;
}

/** Resources of which each refers to the next; one of the member's refers to the first. */
export interface ChainSpec {
  readonly from: number;
  readonly types: readonly string[];
  /** The last refers to the first. */
  readonly isCircle: boolean;
  readonly end: 'given' | 'gone' | 'refused' | 'unauthorized' | 'broken';
  readonly writes: Spelling;
  readonly isOld: boolean;
}

/** Another patient's resource. */
export interface ForeignSpec {
  readonly type: string;
  readonly writes: Spelling;
  readonly via: 'page' | 'reference';
  readonly how:
    | 'about'
    | 'bothPatients'
    | 'lastElement'
    | 'bundle'
    | 'parameters'
    | 'identified'
    | 'displayed'
    // A second resource, which names nobody, is about it.
    | 'hung'
    // A Group, a Person or an appointment of the member and the other patient.
    | 'shared'
    // Names nobody. A search whose parameter for the patient was ignored brings it.
    | 'unnamed';
}

const attachmentPlaces = [
  'binary',
  'absolute',
  'listed',
  'elsewhere',
  'rooted',
  'network',
  'dotted',
  'odd',
  'part',
  'operation',
] as const;

const attachmentTroubles = [
  'gone',
  'refused',
  'broken',
  'otherSize',
  'twoSizes',
  'textSize',
  'login',
  'others',
  'empty',
  'redacted',
  'wrapped',
  'notBase64',
] as const;

/** Forms of a media type that are one (RFC 9110 §8.3.1): parameters in quotes, with blanks before and after, and none after a semicolon. */
const attachmentTypes = [
  'application/pdf',
  'application/pdf; name="a;b, \\"c\\""',
  'application/pdf ;  x=1;',
  'text/html; charset="utf-8"',
  'application/xhtml+xml;charset="utf-8" ; a=b',
  'multipart/related; type="text/xml"',
] as const;

/** An attachment of one of the member's resources. */
export interface AttachmentSpec {
  readonly of: number;
  /** A Binary below the base, by a relative or an absolute URL, `odd` by one that only the payer takes; a document beside the base, on another server, or at no Binary's URL. */
  readonly at: (typeof attachmentPlaces)[number];
  /**
   * `otherSize`: its size is not what the resource says; `twoSizes`: the resource has it twice, once with another size; `textSize`: the size
   * is a text. `login`: an HTML page. `others`: it belongs to another patient. `empty`: a Binary without data; `redacted`: one with data, and
   * with the label that something was withheld; `wrapped`: one with data on several lines, as R4 allows; `notBase64`: one in another alphabet.
   */
  readonly answers: 'given' | (typeof attachmentTroubles)[number];
  readonly type: (typeof attachmentTypes)[number];
}

export type Spelling =
  | 'relative'
  | 'absolute'
  | 'versioned'
  | 'fragment'
  | 'query'
  | 'space'
  | 'slashed'
  | 'capitals'
  // Relative to the base as RFC 3986 has it: from the server's root, with the server's name, from here, and from above.
  | 'rooted'
  | 'network'
  | 'dotted'
  | 'above'
  // The type in lower case.
  | 'lower'
  // What the payer names in no answer, with the type beside it, and without.
  | 'urn'
  | 'bareUrn'
  // The member's own id, on another server.
  | 'elsewhere';

export interface Hiccup {
  readonly request: number;
  /** `outcome`: 200 with an OperationOutcome that says that another try may succeed; `empty`: 200 with nothing. */
  readonly fails: '500' | '503' | '429' | 'cut' | 'html' | 'latin' | 'throws' | 'outcome' | 'empty';
}

/** Types that a search finds by patient. The most common one comes first, since a failing payer is shrunk to it. */
const memberTypes = ['Observation', ...searchedTypes.filter((type) => type !== 'Observation')];

/** Types that no search finds by patient. */
const referredTypes = [
  'Practitioner',
  'Organization',
  'Location',
  'Medication',
  'PractitionerRole',
  'HealthcareService',
  'Endpoint',
  'Substance',
];

const oneOf = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
/** The first value three times of four, and the one that a failing payer shrinks to. */
const mostly = <T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.constantFrom(...Array.from({ length: others.length * 3 }, () => usual), ...others);

const sometimes = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

/** How a payer is drawn: from which types, how they are searched, what their first is, and how often something is unusual. */
interface Drawing {
  readonly types: readonly string[];
  readonly search: fc.Arbitrary<TypeSpec['search']>;
  readonly first: fc.Arbitrary<TypeSpec['first']>;
  readonly unusual: <T>(usual: T, ...others: readonly T[]) => fc.Arbitrary<T>;
}

const typeSpec = ({ types, search, first }: Drawing): fc.Arbitrary<TypeSpec> =>
  fc.record({
    type: oneOf(...types),
    count: fc.nat({ max: 7 }),
    old: fc.nat({ max: 3 }),
    search,
    parameters: mostly<TypeSpec['parameters']>('all', 'first', 'last'),
    pageSize: fc.integer({ min: 1, max: 5 }),
    pages: mostly<TypeSpec['pages']>(
      'plain',
      'repeat',
      'skip',
      'elsewhere',
      'above',
      'noUrl',
      'stranger',
      'relative',
      'mapped',
      'header',
      'forked',
      'loop',
      'stuck',
      'unreadable',
      'nextPage',
      'renamed',
      'lastOnly',
      'counted',
      'wrapped',
    ),
    total: oneOf<TypeSpec['total']>('none', 'true', 'high', 'low', 'text', 'odd'),
    filters: oneOf<TypeSpec['filters']>('none', 'one', 'both'),
    isShort: fc.boolean(),
    first,
  });

const senderSpec: fc.Arbitrary<SenderSpec> = fc.record({
  type: oneOf(
    'Communication',
    'CommunicationRequest',
    'Composition',
    'DocumentReference',
    'List',
    'QuestionnaireResponse',
  ),
  by: fc.nat({ max: 2 }),
  isTaken: fc.boolean(),
});

const spellings: readonly Spelling[] = [
  'relative',
  'absolute',
  'versioned',
  'fragment',
  'query',
  'space',
  'slashed',
  'capitals',
  'rooted',
  'network',
  'dotted',
  'above',
  'lower',
  'urn',
  'bareUrn',
  'elsewhere',
];

const chainSpec = ({ types }: Drawing): fc.Arbitrary<ChainSpec> =>
  fc.record({
    from: fc.nat({ max: 30 }),
    types: fc.array(oneOf(...referredTypes, ...types), { minLength: 1, maxLength: 4 }),
    isCircle: fc.boolean(),
    end: mostly<ChainSpec['end']>('given', 'gone', 'refused', 'unauthorized', 'broken'),
    writes: mostly<Spelling>('relative', ...spellings.filter((one) => one !== 'relative' && one !== 'elsewhere')),
    isOld: fc.boolean(),
  });

const foreignSpec = ({ types, unusual }: Drawing): fc.Arbitrary<ForeignSpec> =>
  fc.record({
    type: oneOf('Patient', ...types),
    writes: oneOf<Spelling>(...spellings),
    via: oneOf<ForeignSpec['via']>('page', 'reference'),
    how: unusual<ForeignSpec['how']>(
      'about',
      'bothPatients',
      'lastElement',
      'bundle',
      'parameters',
      'identified',
      'displayed',
      'hung',
      'shared',
      'unnamed',
    ),
  });

const attachmentSpec: fc.Arbitrary<AttachmentSpec> = fc.record({
  of: fc.nat({ max: 30 }),
  at: oneOf(...attachmentPlaces),
  answers: mostly<AttachmentSpec['answers']>('given', ...attachmentTroubles),
  type: oneOf(...attachmentTypes),
});

const hiccup: fc.Arbitrary<Hiccup> = fc.record({
  request: fc.nat({ max: 40 }),
  fails: oneOf<Hiccup['fails']>('500', '503', '429', 'cut', 'html', 'latin', 'throws', 'outcome', 'empty'),
});

const scopeOf = fc.uniqueArray(oneOf('Patient', 'Binary', ...memberTypes, ...referredTypes), {
  minLength: 1,
  maxLength: 12,
});

const specOf = (drawing: Drawing): fc.Arbitrary<PayerSpec> =>
  fc
    .record(
      {
        everything: drawing.unusual<PayerSpec['everything']>('none', 'whole', 'short', 'refused', 'broken', 'cut'),
        metadata: mostly<PayerSpec['metadata']>('searches', 'types', 'none', 'empty', 'adds'),
        provenances: mostly<PayerSpec['provenances']>('none', 'declared', 'undeclared', 'refused', 'ignored'),
        self: drawing.unusual<PayerSpec['self']>('none', 'used', 'short', 'asked', 'memberless', 'others'),
        isUnmarked: fc.boolean(),
        isGenerous: mostly<boolean>(false, true),
        isBare: fc.boolean(),
        ignores: fc.subarray<PayerSpec['ignores'][number]>(['_id', '_tag']),
        lacksBy404: fc.boolean(),
        missesNone: mostly<boolean>(false, true),
        isLax: fc.boolean(),
        ignoresTotals: mostly<boolean>(false, true),
        included: mostly<PayerSpec['included']>('none', 'matchesCounted', 'allCounted', 'moreCounted'),
        hasParts: mostly<boolean>(false, true),
        patient: mostly<PayerSpec['patient']>('given', 'unlisted', 'undeclared', 'unsearched', 'absent', 'refused'),
        scope: sometimes(scopeOf),
        half: sometimes(fc.record({ of: fc.nat({ max: 11 }), letter: oneOf('r' as const, 's' as const) })),
        asked: sometimes(scopeOf),
        limited: sometimes(scopeOf),
        since: sometimes(oneOf('heeded' as const, 'ignored' as const)),
        isUntil: sometimes(fc.constant(true as const)),
        isMerged: fc.boolean(),
        isPatientLast: fc.boolean(),
        types: fc.uniqueArray(typeSpec(drawing), { maxLength: 6, selector: ({ type }) => type }),
        senders: fc.array(senderSpec, { maxLength: 2 }),
        chains: fc.array(chainSpec(drawing), { maxLength: 3 }),
        foreign: fc.array(foreignSpec(drawing), { maxLength: 2 }),
        attachments: fc.array(attachmentSpec, { maxLength: 3 }),
        listsPath: fc.boolean(),
        hiccups: fc.array(hiccup, { maxLength: 3 }),
      },
      {
        requiredKeys: [
          'everything',
          'metadata',
          'provenances',
          'self',
          'isUnmarked',
          'isGenerous',
          'isBare',
          'ignores',
          'lacksBy404',
          'missesNone',
          'isLax',
          'ignoresTotals',
          'included',
          'hasParts',
          'patient',
          'isMerged',
          'isPatientLast',
          'types',
          'senders',
          'chains',
          'foreign',
          'attachments',
          'listsPath',
          'hiccups',
        ],
      },
    )
    // JSON has no undefined, and a payer is printed as JSON.
    .map((spec) => JSON.parse(JSON.stringify(spec)) as PayerSpec);

const anySearch = mostly<TypeSpec['search']>(
  'finds',
  'refused',
  'unauthorized',
  'unsearchable',
  'breaks',
  'latin',
  'suppresses',
  'labels',
  'informs',
  'forgets',
  'missesNone',
  'hides',
);

const firsts = [
  'plain',
  'spaced',
  'decimals',
  'parent',
  'contained',
  'containsOthers',
  'merged',
  'redacted',
  'twin',
  'otherTwin',
  'nameless',
  'identified',
  'displayed',
  'unnamed',
] as const;
const fewTypes = ['Observation', 'Condition', 'DocumentReference', 'Encounter'];

/** One whose statement is whole, whose requests all go well, and that is asked for all: what it does with a few types decides everything. */
const calm = specOf({
  // Twice, so that many refer to them.
  types: [...fewTypes, ...fewTypes],
  search: oneOf<TypeSpec['search']>(
    ...([
      'finds',
      'finds',
      'finds',
      'finds',
      'informs',
      'forgets',
      'forgets',
      'suppresses',
      'labels',
      'missesNone',
    ] as const),
  ),
  first: oneOf<TypeSpec['first']>(...firsts, 'unnamed', 'unnamed', 'unnamed'),
  unusual: oneOf,
}).map(
  ({
    scope: _scope,
    half: _half,
    asked: _asked,
    limited: _limited,
    since: _since,
    isUntil: _isUntil,
    ...spec
  }): PayerSpec =>
    Object.assign({}, spec, {
      everything: ['whole', 'short'].includes(spec.everything) ? 'whole' : 'none',
      metadata: 'searches',
      hasParts: false,
      hiccups: [],
    } as const),
);

const theirs = { type: 'Observation', writes: 'relative', via: 'page', how: 'about' } as const;
const unnamed = { ...theirs, how: 'unnamed' } as const;

/** One that gives strangers' resources as the member's, of which one names nobody. */
const beside = calm.map((spec): PayerSpec => Object.assign({}, spec, { foreign: [theirs, unnamed] }));

/** One whose parameters the gateway has to guess, and that answers to each as if it took it, with a stranger's that names nobody. */
const guessed = calm.map((spec): PayerSpec => {
  const ways = { everything: 'none', metadata: 'none', self: 'asked', isLax: true } as const;
  return Object.assign({}, spec, ways, { foreign: [...spec.foreign.slice(0, 1), unnamed] });
});

/** Where much goes wrong at once, each promise has an excuse; so every second payer is calm. */
export const payerSpec: fc.Arbitrary<PayerSpec> = fc.oneof(
  {
    weight: 4,
    arbitrary: specOf({
      types: memberTypes,
      search: anySearch,
      first: mostly<TypeSpec['first']>(...firsts),
      unusual: mostly,
    }),
  },
  { weight: 4, arbitrary: calm },
  { weight: 1, arbitrary: beside },
  { weight: 1, arbitrary: guessed },
);
