/** An export reads for at most two days, in seconds after its kick-off. What it has not read by then is missing. */
export const longestReadingSeconds = 2 * 24 * 60 * 60;

/**
 * An export that has not ended this many seconds after its kick-off never will: the engine gave it up, or its end could
 * not be written. Its item expires then, and counts as failed. The third day is for the job's tries to write its end.
 */
export const longestExportSeconds = longestReadingSeconds + 24 * 60 * 60;
