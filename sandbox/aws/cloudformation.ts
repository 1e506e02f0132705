export interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly Metadata?: Readonly<Record<string, unknown>>;
}

/** The parts of a CloudFormation template that are read here. */
export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown }>>;
}

export interface TemplateOptions {
  /** The first part of generated names, as in AWS. */
  readonly stackName: string;
  /** Replaces the API's own URL, and a distribution's. */
  readonly origin: string;
  /** The folder of the asset with this S3 key. */
  readonly assetDir: (s3Key: string) => string;
}

export type Named = readonly [logicalId: string, resource: Resource];

/** Resolves the intrinsic functions that a stack of this project uses. */
export interface Intrinsics {
  /** @throws Error that names what it can't resolve */
  readonly resolve: (value: unknown) => string;
  /** The default URLs of the template's APIs, with the stage's path. */
  readonly apiUrls: readonly string[];
}

/** What the readers of a template share. */
export interface Reading {
  readonly ofType: (type: string) => readonly Named[];
  readonly template: Template;
  readonly intrinsics: Intrinsics;
  readonly options: TemplateOptions;
}

/** A resource's properties. Each type has its own shape. */
export const propertiesOf = ([, { Properties = {} }]: Named): unknown => Properties;

/** `p2p-gateway-local/Functions/Fetch/Function/Resource` → `fetch`. Without a path, the logical id. */
export const constructName = ([logicalId, resource]: Named): string => {
  const path = resource.Metadata?.['aws:cdk:path'];
  const parts = typeof path === 'string' ? path.split('/').filter((part) => !/^(Resource|Function)$/.test(part)) : [];
  const name = parts.at(-1) ?? logicalId;
  return name.charAt(0).toLowerCase() + name.slice(1);
};
