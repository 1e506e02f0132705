/** `npm run template`: a stage's template for those who deploy without the CDK. */
import { runTool } from './shared/command-line.ts';
import { output } from './shared/output.ts';
import { spec } from './template/flags.ts';
import { template } from './template/template.ts';

await runTool(spec, (args) => template(args, { output }));
