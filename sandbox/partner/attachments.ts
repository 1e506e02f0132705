import type { Resource } from './fhir.ts';

/** A file of a DocumentReference or DiagnosticReport. */
export interface Attachment {
  readonly contentType: string;
  /** Such as `12 KB`; empty if it does not say. */
  readonly size: string;
  readonly title: string;
  /** The file itself, in base64, or where it is. */
  readonly data: string | undefined;
  readonly url: string | undefined;
}

interface FhirAttachment {
  readonly contentType?: string;
  readonly size?: string;
  readonly title?: string;
  readonly data?: string;
  readonly url?: string;
}

const sizeOf = (bytes: string | undefined): string => {
  const count = Number(bytes ?? Number.NaN);
  if (Number.isNaN(count)) return '';
  return count < 1000 ? `${count} bytes` : `${Math.ceil(count / 1000).toLocaleString('en-US')} KB`;
};

/** The files that can be downloaded. */
export const attachmentsOf = (resource: Resource): readonly Attachment[] => {
  const { content = [], presentedForm = [] } = resource as {
    readonly content?: readonly { readonly attachment?: FhirAttachment }[];
    readonly presentedForm?: readonly FhirAttachment[];
  };
  return [...content.map(({ attachment = {} }) => attachment), ...presentedForm]
    .filter(({ data, url }) => data !== undefined || url !== undefined)
    .map(({ contentType = 'application/octet-stream', size, title = 'document', data, url }) => ({
      contentType,
      size: sizeOf(size),
      title,
      data,
      url,
    }));
};

const extensions: Readonly<Record<string, string>> = {
  'application/pdf': 'pdf',
  'application/xml': 'xml',
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'text/html': 'html',
  'text/plain': 'txt',
  'text/rtf': 'rtf',
};

/** A file name for the download: letters, digits and hyphens, whatever the payer wrote. */
export const fileNameFor = ({ title, contentType }: Attachment): string => {
  const [type = ''] = contentType.toLowerCase().split(';');
  const words = title.replaceAll(/[^A-Za-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, '');
  return `${words.slice(0, 60) || 'document'}.${extensions[type.trim()] ?? 'bin'}`;
};
