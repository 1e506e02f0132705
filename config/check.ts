/** A stage's file passes its value to this, which returns the stage, or says what is wrong with it. */
export { checkStage } from './checks/check-stage.ts';
