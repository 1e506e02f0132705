import { anyType } from '../scopes/resource-types.ts';
import type { Scopes } from '../scopes/scopes.ts';
import type { InEachLanguage, Language } from './language.ts';

/** Resource types that are one thing to a member. */
interface Group {
  readonly types: string;
  readonly words: InEachLanguage<string>;
  /** Whether it may tell what many would tell nobody. */
  readonly isSensitive: boolean;
  /** Left out where the whole record is read and the main groups are named. */
  readonly isMinor?: boolean;
}

const groups: readonly Group[] = [
  {
    types: 'Patient Person RelatedPerson',
    words: {
      en: 'Your name, birth date, address and other personal details',
      es: 'Su nombre, fecha de nacimiento, dirección y otros datos personales',
    },
    isSensitive: false,
  },
  {
    types:
      'Coverage InsurancePlan CoverageEligibilityRequest CoverageEligibilityResponse EnrollmentRequest EnrollmentResponse Contract',
    words: { en: 'Your health plan coverage', es: 'La cobertura de su plan de salud' },
    isSensitive: false,
  },
  {
    types: 'ExplanationOfBenefit Claim ClaimResponse Account ChargeItem Invoice PaymentNotice PaymentReconciliation',
    words: { en: 'Claims and what they cost', es: 'Reclamos y lo que costaron' },
    isSensitive: true,
  },
  {
    types: 'Condition ClinicalImpression DetectedIssue RiskAssessment',
    words: { en: 'Health problems and diagnoses', es: 'Problemas de salud y diagnósticos' },
    isSensitive: true,
  },
  {
    types:
      'Medication MedicationRequest MedicationStatement MedicationDispense MedicationAdministration MedicationKnowledge',
    words: { en: 'Medicines and prescriptions', es: 'Medicamentos y recetas' },
    isSensitive: true,
  },
  {
    types: 'AllergyIntolerance AdverseEvent',
    words: { en: 'Allergies and bad reactions', es: 'Alergias y reacciones adversas' },
    isSensitive: true,
  },
  {
    types: 'Immunization ImmunizationEvaluation ImmunizationRecommendation',
    words: { en: 'Vaccines', es: 'Vacunas' },
    isSensitive: true,
  },
  {
    types: 'Observation DiagnosticReport Specimen MolecularSequence BodyStructure',
    words: {
      en: 'Test results, vital signs and habits such as smoking',
      es: 'Resultados de exámenes, signos vitales y hábitos como fumar',
    },
    isSensitive: true,
  },
  {
    types: 'Procedure',
    words: { en: 'Surgeries and other procedures', es: 'Cirugías y otros procedimientos' },
    isSensitive: true,
  },
  {
    types: 'Encounter EpisodeOfCare Appointment AppointmentResponse',
    words: { en: 'Doctor visits and hospital stays', es: 'Citas médicas y hospitalizaciones' },
    isSensitive: true,
  },
  {
    types: 'DocumentReference DocumentManifest Composition Binary',
    words: { en: 'Notes by your doctors and other documents', es: 'Notas de sus médicos y otros documentos' },
    isSensitive: true,
  },
  {
    types: 'ImagingStudy Media',
    words: { en: 'X-rays and other images', es: 'Radiografías y otras imágenes' },
    isSensitive: true,
  },
  {
    types: 'CarePlan CareTeam Goal ServiceRequest RequestGroup NutritionOrder Task',
    words: {
      en: 'Care plans, goals, referrals and who takes care of you',
      es: 'Planes de atención, metas, referidos y quiénes le atienden',
    },
    isSensitive: true,
  },
  {
    types: 'Device DeviceRequest DeviceUseStatement SupplyRequest SupplyDelivery VisionPrescription',
    words: { en: 'Medical devices, supplies and glasses', es: 'Aparatos médicos, suministros y lentes' },
    isSensitive: true,
    isMinor: true,
  },
  {
    types: 'FamilyMemberHistory',
    words: { en: 'The health history of your family', es: 'Los antecedentes médicos de su familia' },
    isSensitive: true,
    isMinor: true,
  },
  {
    types: 'QuestionnaireResponse Questionnaire',
    words: { en: 'Forms and questions that you answered', es: 'Formularios y preguntas que usted contestó' },
    isSensitive: true,
    isMinor: true,
  },
  {
    types: 'Communication CommunicationRequest',
    words: { en: 'Messages about your care', es: 'Mensajes sobre su atención' },
    isSensitive: true,
    isMinor: true,
  },
  {
    types: 'Consent',
    words: { en: 'Permissions that you gave', es: 'Permisos que usted dio' },
    isSensitive: true,
    isMinor: true,
  },
  {
    types: 'Practitioner PractitionerRole Organization OrganizationAffiliation Location HealthcareService Endpoint',
    words: {
      en: 'Doctors, hospitals and others in your record',
      es: 'Médicos, hospitales y otros en su expediente',
    },
    isSensitive: false,
    isMinor: true,
  },
  {
    types: 'Provenance AuditEvent',
    words: { en: 'Where each part of your record came from', es: 'De dónde vino cada parte de su expediente' },
    isSensitive: false,
    isMinor: true,
  },
];

const groupOf: ReadonlyMap<string, Group> = new Map(
  groups.flatMap((group) => group.types.split(' ').map((type) => [type, group] as const)),
);

const everythingElse: InEachLanguage<string> = {
  en: 'Everything else in your record',
  es: 'Todo lo demás en su expediente',
};

const otherData: InEachLanguage<string> = { en: 'Other data', es: 'Otros datos' };

/** All groups, in few lines. */
const wholeRecord: InEachLanguage<readonly string[]> = {
  en: [
    'Your name, birth date and address, and your health plan coverage',
    'Claims and what they cost',
    'Your health: diagnoses, medicines, allergies, vaccines and test results',
    'Your care: visits, hospital stays, surgeries, notes, images and plans',
    everythingElse.en,
  ],
  es: [
    'Su nombre, fecha de nacimiento y dirección, y la cobertura de su plan de salud',
    'Reclamos y lo que costaron',
    'Su salud: diagnósticos, medicamentos, alergias, vacunas y resultados de exámenes',
    'Su atención: citas, hospitalizaciones, cirugías, notas, imágenes y planes',
    everythingElse.es,
  ],
};

/** As many lines as a member reads on a phone before the question. */
const mostLines = 6;

/** What scopes let an app read, as a member would say it. */
export interface WhatIsRead {
  /** The same in six lines at most; if they do not name all, `lines` goes on where they end. */
  readonly inShort: readonly string[];
  /** One line a group, the most important first. */
  readonly lines: readonly string[];
  /** Whether it may tell what many would tell nobody. */
  readonly isSensitive: boolean;
}

/** Says in plain words what scopes let an app read. Every type that they name is in a line. */
export const whatIsRead = (scopes: Scopes, language: Language): WhatIsRead => {
  const types = new Set(scopes.flatMap((scope) => (scope.kind === 'resource' ? scope.type : [])));
  if (types.has(anyType)) {
    const main = groups.filter(({ isMinor }) => isMinor !== true).map(({ words }) => words[language]);
    return { inShort: wholeRecord[language], lines: [...main, everythingElse[language]], isSensitive: true };
  }
  const named = groups.filter((group) => group.types.split(' ').some((type) => types.has(type)));
  const others = [...types].filter((type) => !groupOf.has(type));
  const lines = [
    ...named.map(({ words }) => words[language]),
    ...(others.length === 0 ? [] : [`${otherData[language]}: ${others.join(', ')}`]),
  ];
  return {
    inShort: lines.slice(0, mostLines),
    lines,
    isSensitive: others.length > 0 || named.some(({ isSensitive }) => isSensitive),
  };
};
