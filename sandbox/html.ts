/** The template tag is in the sample app, whose folder can be copied alone. */
export { html, type Html } from './partner/html.ts';
