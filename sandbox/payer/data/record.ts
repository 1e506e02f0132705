/** The fields that identify a member, as on the "Create an account" page. */
export interface MemberDetails {
  readonly firstName: string;
  readonly lastName: string;
  /** `YYYY-MM-DD` */
  readonly birthDate: string;
  readonly memberId: string;
  readonly postalCode: string;
}

/** Resources that are too many to keep. Each is written when it is requested. */
export interface OnTheFlyResources {
  readonly resourceType: string;
  readonly count: number;
  /** The source text of the resource at `index`, 0 … count - 1. */
  text(index: number): string;
  /** The index of the resource with this id, if there is one. */
  indexOf(id: string): number | undefined;
}

/** One member and the payer's record of them. */
export interface MemberRecord {
  readonly patientId: string;
  readonly member: MemberDetails;
  /**
   * JSON source texts, so that decimals such as `1.00` survive. {@link fhirBase} is a placeholder for the FHIR base
   * URL.
   */
  readonly resources: readonly string[];
  readonly onTheFly?: OnTheFlyResources;
}

/** A member's record, as the payer keeps it. */
export const recordOf = (
  builder: { readonly patient: string; texts(): readonly string[] },
  member: MemberDetails,
): MemberRecord => {
  const { firstName, lastName, birthDate, memberId, postalCode } = member;
  const details = { firstName, lastName, birthDate, memberId, postalCode };
  return { patientId: builder.patient.replace('Patient/', ''), member: details, resources: builder.texts() };
};

/** A placeholder for the payer's FHIR base URL (without a trailing slash) in a source text. */
export const fhirBase = '{{fhirBase}}';
