import type { Section } from '../report.ts';
import type { World } from '../world.ts';

/** One part of the benchmark, by the name that `--only` takes, and one section of the report or several. */
export interface Step {
  readonly name: string;
  readonly run: (world: World) => Promise<Section | readonly Section[]>;
}
