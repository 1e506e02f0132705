/** What a stage's file gives its value to: it returns the stage, or says what is wrong with it. */
export { checkStage } from './checks/check-stage.ts';
