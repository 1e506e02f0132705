import type { Output } from '../shared/output.ts';
import { inParallel } from '../shared/pool.ts';
import type { Progress } from '../shared/progress.ts';
import { examine, type ExamineDeps } from './examine.ts';
import { originHint, registrationOf } from './registration.ts';
import { registryFindings, type FoundPayer } from './registry-findings.ts';
import { asJson, hasTodo, isAllWell, isPaused, many, payerLines, summary, type Examined } from './report.ts';

/** What to check, and how to report it. */
export interface CheckOptions {
  readonly stage: string;
  readonly payers: readonly FoundPayer[];
  /** The public origin, if it is known. */
  readonly origin: string | undefined;
  readonly json: boolean;
  readonly progress: Progress;
}

/** How many payers are examined in parallel: a payer that hangs takes 10 s, and a stage may have thousands. */
const atOnce = 32;

/**
 * Examines payers in parallel, and prints results as they arrive.
 * @returns 0 if all is well, 1 if there is something to do
 */
export const checkPayers = async (
  deps: ExamineDeps,
  { out }: Output,
  { stage, payers, origin, json, progress }: CheckOptions,
): Promise<number> => {
  const results = new Map<string, Examined>();
  const examineOne = async (found: FoundPayer): Promise<Examined> => {
    const { id, payer } = found;
    const findings = registryFindings(found, deps.now());
    if (payer === undefined) return { payer: { id, displayName: id }, findings, registration: undefined };
    return {
      payer,
      findings: [...findings, ...(await examine(deps, stage, payer))],
      registration: registrationOf(origin, payer),
    };
  };
  let todos = 0;
  const show = (): void => progress.show(results.size, todos === 0 ? '' : `${todos} of them with something to do`);
  show();
  await inParallel(payers, atOnce, async (found) => {
    const examined = await examineOne(found);
    results.set(found.id, examined);
    if (hasTodo(examined)) todos += 1;
    const isShown = !json && (payers.length < many || hasTodo(examined) || isPaused(examined));
    if (isShown) {
      progress.clear();
      out(payerLines(examined).join('\n'));
    }
    show();
  });
  progress.clear();
  const inOrder = payers.flatMap(({ id }) => results.get(id) ?? []);
  if (json) out(asJson(stage, inOrder));
  else out([summary(inOrder), originHint(origin, { stage })].filter((line) => line !== undefined).join('\n'));
  return isAllWell(inOrder) ? 0 : 1;
};
