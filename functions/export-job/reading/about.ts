import { patientCompartment } from '../../shared/fhir/patient-compartment.ts';

/*
 * Every R4 element that can refer to a Patient, grouped by what the reference means: the person the resource is about, the person it
 * was about at its source, someone involved in it, or none of these. One row lists all types that have an element of that name. A
 * choice such as `value[x]` has its JSON name. A test compares the rows with R4's StructureDefinitions, so that none is missing.
 */

type Rows = Readonly<Record<string, string>>;

/** The person a resource is about. If that is not the member, the resource is someone else's. */
export const about: Rows = {
  // The person whose account, claim, order, finding, document or consent it is.
  subject:
    'Account AdverseEvent Basic CarePlan CareTeam ChargeItem ClinicalImpression Communication CommunicationRequest Composition Condition Contract DeviceRequest DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference Encounter Flag Goal GuidanceResponse ImagingStudy Invoice List MeasureReport Media MedicationAdministration MedicationDispense MedicationRequest MedicationStatement Observation Procedure QuestionnaireResponse RequestGroup RiskAssessment ServiceRequest Specimen',
  patient:
    'AllergyIntolerance BodyStructure Claim ClaimResponse Consent CoverageEligibilityRequest CoverageEligibilityResponse DetectedIssue Device EpisodeOfCare ExplanationOfBenefit FamilyMemberHistory Immunization ImmunizationEvaluation ImmunizationRecommendation MolecularSequence NutritionOrder RelatedPerson SupplyDelivery VisionPrescription',
  for: 'Task',
  // The insured person. Whoever pays is only involved.
  beneficiary: 'Coverage',
  candidate: 'EnrollmentRequest',
  // The person in a study.
  individual: 'ResearchSubject',
  // The participants. The member may be one of several.
  actor: 'AppointmentResponse Schedule',
  'participant.actor': 'Appointment',
  // The intended recipient, which R4's compartment calls the subject.
  deliverTo: 'SupplyRequest',
  // The person whose data was used, changed or checked.
  'entity.what': 'AuditEvent',
  target: 'Provenance VerificationResult',
  // "A proxy of the security sensitivity": anyone who may see this person's record may see the content.
  securityContext: 'Binary',
  // The donor of the tissue or blood. The resource does not name the recipient.
  'collection.source': 'BiologicallyDerivedProduct',
  // The linked or grouped patients. The member may be one of several.
  'member.entity': 'Group',
  'item.resource': 'Linkage',
  'link.target': 'Person',
  // A parameter means whatever its name says.
  'parameter.valueReference': 'Parameters',
};

/** Whom it was about where it came from, by an id or a copy of that place. It decides only where it is the payer's own reference. */
export const aboutAtSource: Rows = {
  'context.sourcePatientInfo': 'DocumentReference',
};

/**
 * People and things involved in a resource, who may be someone other than the member. They count only if no element names a patient
 * the resource is about: it then belongs to the compartment of those involved.
 */
export const parts: Rows = {
  // The person who wrote, recorded, stated or signed it.
  author: 'Basic CarePlan Composition Contract DocumentManifest DocumentReference Flag QuestionnaireResponse',
  contributor: 'CarePlan',
  'section.author': 'Composition',
  'attester.party': 'Composition',
  recorder: 'AdverseEvent AllergyIntolerance Condition Procedure',
  asserter: 'AllergyIntolerance Condition Procedure',
  enterer: 'ChargeItem',
  expressedBy: 'Goal',
  informationSource: 'MedicationStatement',
  reportedReference: 'MedicationRequest',
  source: 'DeviceUseStatement List QuestionnaireResponse',
  'signer.party': 'Contract',
  'verification.verifiedWith': 'Consent',
  // The requester or performer.
  requester: 'CommunicationRequest MedicationRequest ServiceRequest SupplyRequest Task',
  owner: 'Task',
  operator: 'Media',
  performer: 'Consent DeviceRequest MedicationRequest Observation ServiceRequest',
  'performer.actor': 'ChargeItem MedicationAdministration MedicationDispense Procedure',
  'series.performer.actor': 'ImagingStudy',
  'activity.detail.performer': 'CarePlan',
  'participant.member': 'CareTeam',
  'participant.actor': 'Invoice',
  'action.participant': 'RequestGroup',
  'agent.who': 'AuditEvent',
  'source.observer': 'AuditEvent',
  'provision.actor.reference': 'Consent',
  // The sender or recipient of a message, product or task.
  sender: 'Communication CommunicationRequest',
  recipient: 'Communication CommunicationRequest DocumentManifest Invoice',
  receiver: 'MedicationDispense',
  'restriction.recipient': 'Task',
  // The person who pays, holds the policy or is paid, often a parent or spouse.
  'guarantor.party': 'Account',
  policyHolder: 'Coverage',
  subscriber: 'Coverage',
  payor: 'Coverage',
  'payee.party': 'Claim ExplanationOfBenefit',
  // The parties and things of a contract.
  topicReference: 'Contract',
  'term.topicReference': 'Contract',
  'term.offer.party.reference': 'Contract',
  'term.offer.topic': 'Contract',
  'term.offer.answer.valueReference': 'Contract',
  'term.asset.answer.valueReference': 'Contract',
  'term.asset.typeReference': 'Contract',
  'term.asset.context.reference': 'Contract',
  'term.asset.valuedItem.entityReference': 'Contract',
  'term.asset.valuedItem.responsible': 'Contract',
  'term.asset.valuedItem.recipient': 'Contract',
  'term.action.subject.reference': 'Contract',
  'term.action.requester': 'Contract',
  'term.action.performer': 'Contract',
  // Someone or something beside the patient of record: a fetus, a newborn, a donor.
  focus: 'MessageHeader Observation Task',
  'section.focus': 'Composition',
  about: 'Communication CommunicationRequest',
  // A related record, such as its basis, what it answers, its whole or its parts.
  basedOn: 'Communication CommunicationRequest DeviceRequest RequestGroup RiskAssessment Task',
  partOf: 'Communication Media',
  priorRequest: 'DeviceRequest',
  replaces: 'RequestGroup',
  parent: 'RiskAssessment',
  basis: 'RiskAssessment',
  derivedFrom: 'MedicationStatement',
  implicated: 'DetectedIssue',
  reasonReference: 'Task',
  content: 'DocumentManifest',
  evaluatedResource: 'MeasureReport',
  request: 'PaymentNotice',
  response: 'PaymentNotice',
  supportingInfo: 'CarePlan ClinicalImpression Contract DeviceRequest ServiceRequest',
  supportingInformation: 'Appointment ChargeItem MedicationAdministration MedicationDispense MedicationRequest',
  'action.resource': 'RequestGroup',
  'activity.outcomeReference': 'CarePlan',
  'characteristic.valueReference': 'Group',
  'context.related': 'DocumentReference',
  'detail.request': 'PaymentReconciliation',
  'detail.response': 'PaymentReconciliation',
  'entry.item': 'List',
  'event.detail': 'Composition',
  'evidence.detail': 'Condition DetectedIssue',
  'input.valueReference': 'Task',
  'item.answer.valueReference': 'QuestionnaireResponse',
  'item.detail': 'CoverageEligibilityRequest',
  'output.valueReference': 'Task',
  'payload.contentReference': 'Communication CommunicationRequest',
  'provision.data.reference': 'Consent',
  'recommendation.supportingPatientInformation': 'ImmunizationRecommendation',
  'related.ref': 'DocumentManifest',
  'section.entry': 'Composition',
  'supportingInfo.information': 'CoverageEligibilityRequest',
  'supportingInfo.valueReference': 'Claim ExplanationOfBenefit',
};

/** What never says whose a resource is. */
export const neither: Rows = {
  // A Patient is whoever its own id says. This is the same person under another id, or a person beside it.
  'link.other': 'Patient',
  // Who wrote the target, and from what: the target decides, and is seldom a Patient itself.
  'agent.who': 'Provenance',
  'agent.onBehalfOf': 'Provenance',
  'entity.what': 'Provenance',
  'entity.agent.who': 'Provenance',
  'entity.agent.onBehalfOf': 'Provenance',
  // Definitions, examples and tests, which are not about a person.
  'characteristic.definitionByTypeAndValue.valueReference': 'EvidenceVariable',
  'characteristic.timeFromEvent.eventReference': 'EvidenceVariable',
  'definition.resource.reference': 'ImplementationGuide',
  'manifest.resource.reference': 'ImplementationGuide',
  'item.enableWhen.answerReference': 'Questionnaire',
  'item.answerOption.valueReference': 'Questionnaire',
  'item.initial.valueReference': 'Questionnaire',
  'group.rule.source.defaultValueReference': 'StructureMap',
  'fixture.resource': 'TestScript',
  profile: 'TestScript',
  defaultValueReference: 'ElementDefinition',
  fixedReference: 'ElementDefinition',
  patternReference: 'ElementDefinition',
  'example.valueReference': 'ElementDefinition',
  // Data types, which may be anywhere: who wrote a note, who signed, and whatever an extension means.
  authorReference: 'Annotation',
  who: 'Signature',
  onBehalfOf: 'Signature',
  valueReference: 'Extension',
};

/** The elements of each type in rows of {@link about} and the like. */
const byType = (rows: Readonly<Record<string, string>>): ReadonlyMap<string, readonly string[]> => {
  const found = new Map<string, string[]>();
  for (const [element, types] of Object.entries(rows)) {
    for (const type of types.split(' ')) found.set(type, [...(found.get(type) ?? []), element]);
  }
  return found;
};

const [aboutOf, aboutAtSourceOf, partsOf] = [byType(about), byType(aboutAtSource), byType(parts)];

/** Elements that say whom a resource is about where R4 has them. R4 lets `subjectReference` name a Group only. */
const usual = ['patient', 'subject', 'subjectReference'];

/** The elements that say whom a resource of a type is about, such as `participant.actor`. */
export const elementsAbout = (type: string): readonly string[] => aboutOf.get(type) ?? [];

/** The elements that say whom it was about where it came from. */
export const elementsAtSource = (type: string): readonly string[] => aboutAtSourceOf.get(type) ?? [];

const elsewhereOf = new Map(
  [...aboutOf].map(([type, elements]) => [type, usual.filter((element) => !elements.includes(element))]),
);

/**
 * Elements that R4 does not have for a type, or not for a Patient. One may show that a resource is another patient's, not
 * that it is the member's.
 */
export const elementsElsewhere = (type: string): readonly string[] => elsewhereOf.get(type) ?? usual;

/** The elements that say who has a part in a resource of a type. */
export const elementsOfParts = (type: string): readonly string[] => partsOf.get(type) ?? [];

/** The search parameters of the compartment that find resources of a type by whom they are about. */
export const parametersAbout = (type: string): readonly string[] =>
  Object.entries(patientCompartment()[type] ?? {})
    .filter(([, elements]) => elements.some((element) => elementsAbout(type).includes(element)))
    .map(([code]) => code);
