/**
 * Which items this code writes. A release gets the next number if the code before it would end, lose or misread what it
 * writes; the number stands in the table Registry, and a deployment of code with a lower one is refused
 * (docs/upgrade.md, "Items of an older version").
 *
 * 1 is version 0.1, which knows of no number.
 */
export const dataVersion = 2;

/** The release that wrote such items first. */
export const dataVersionSince = '0.2.0';

/** The type of the resource by which CloudFormation has the number checked, before it changes tables and functions. */
export const dataVersionResource = 'Custom::DataVersion';
