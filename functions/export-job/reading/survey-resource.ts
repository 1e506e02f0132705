import { isObject } from '../../shared/json/json-object.ts';
import { isResourceType } from '../../shared/scopes/resource-types.ts';

/** What one pass through a resource finds. */
export interface Survey {
  /** The literal references, as written: the first ones, if there are very many. */
  readonly references: readonly string[];
  readonly hasMoreReferences: boolean;
  /** For references whose text does not start with a type: their type by `Reference.type`, or by the element if R4 allows it only one. */
  readonly said?: ReadonlyMap<string, string>;
  /** The URL of every attachment, as written. */
  readonly attachments: readonly string[];
  /** How many members its objects have. */
  readonly members: number;
  /** How many of its objects have a `resourceType`, including the resource itself. */
  readonly resources: number;
}

/** Whether an R4 element of this name holds an Attachment. The ending covers `valueAttachment` and the like. */
export const holdsAttachment = (name: string): boolean =>
  name === 'attachment' ||
  name === 'photo' ||
  name === 'presentedForm' ||
  name === 'form' ||
  name === 'content' ||
  name === 'image' ||
  name === 'document' ||
  name.endsWith('Attachment');

/** Elements that can refer to only one type, wherever R4 uses their name. */
const onlyTypes: Readonly<Record<string, string>> = {
  CareTeam: 'careTeam team',
  Claim: 'claim',
  Coverage: 'coverage',
  Endpoint: 'endpoint',
  EpisodeOfCare: 'episodeOfCare',
  HealthcareService: 'healthcareService',
  Location: 'location locationReference',
  Organization:
    'assigner custodian insurer managingOrganization manufacturer organization performingOrganization providedBy requestingOrganization serviceProvider sponsor',
  Practitioner: 'practitioner',
  Slot: 'slot',
  Specimen: 'specimen',
};

/** By the element's name. */
export const onlyTypeOf: ReadonlyMap<string, string> = new Map(
  Object.entries(onlyTypes).flatMap(([type, names]) => names.split(' ').map((name) => [name, type] as const)),
);

/** A reference that begins with a type, a server's URL, or the mark of a contained resource. */
const plainBeginning = /^(?:[A-Z][A-Za-z]+\/|https?:\/\/|#)/;

/** The most references that are read of one resource. */
const mostReferences = 50_000;

/** Visits every member of a resource once. It calls itself for each level, so the caller must limit the depth. */
export const surveyResource = (resource: unknown): Survey => {
  const references: string[] = [];
  const attachments: string[] = [];
  let members = 0;
  let resources = 0;
  let hasMoreReferences = false;
  let said: Map<string, string> | undefined;

  const noteReference = (text: string, type: unknown, name: string): void => {
    references.push(text);
    if (plainBeginning.test(text)) return;
    const known = typeof type === 'string' && isResourceType(type) ? type : onlyTypeOf.get(name);
    if (known !== undefined) (said ??= new Map()).set(text, known);
  };

  const walk = (value: unknown, name: string): void => {
    if (Array.isArray(value)) {
      for (const item of value) if (typeof item === 'object') walk(item, name);
    } else if (isObject(value)) {
      for (const key of Object.keys(value)) {
        members++;
        const child = value[key];
        if (typeof child === 'object') walk(child, key);
        else if (typeof child !== 'string') continue;
        else if (key === 'reference' && references.length < mostReferences) noteReference(child, value['type'], name);
        else if (key === 'reference') hasMoreReferences = true;
        else if (key === 'url' && holdsAttachment(name)) attachments.push(child);
        else if (key === 'resourceType') resources++;
      }
    }
  };

  walk(resource, '');
  return { references, hasMoreReferences, attachments, members, resources, ...(said !== undefined && { said }) };
};
