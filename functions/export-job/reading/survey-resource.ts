import { isObject } from '../../shared/json-object.ts';

/** What one pass through a resource finds. */
export interface Survey {
  /** The literal references, as written: the first ones, if there are very many. */
  readonly references: readonly string[];
  readonly hasMoreReferences: boolean;
  /** The URL of every attachment, as written. */
  readonly attachments: readonly string[];
  /** How many members its objects have. */
  readonly members: number;
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

/** The most references that are read of one resource. */
const mostReferences = 50_000;

/** Visits every member of a resource once. It calls itself for each level, so the caller must limit the depth. */
export const surveyResource = (resource: unknown): Survey => {
  const references: string[] = [];
  const attachments: string[] = [];
  let members = 0;
  let hasMoreReferences = false;

  const walk = (value: unknown, name: string): void => {
    if (Array.isArray(value)) {
      for (const item of value) if (typeof item === 'object') walk(item, name);
    } else if (isObject(value)) {
      for (const key of Object.keys(value)) {
        members++;
        const child = value[key];
        if (typeof child === 'object') walk(child, key);
        else if (typeof child !== 'string') continue;
        else if (key === 'reference' && references.length < mostReferences) references.push(child);
        else if (key === 'reference') hasMoreReferences = true;
        else if (key === 'url' && holdsAttachment(name)) attachments.push(child);
      }
    }
  };

  walk(resource, '');
  return { references, hasMoreReferences, attachments, members };
};
