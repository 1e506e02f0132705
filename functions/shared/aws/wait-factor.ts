/**
 * How many times as long as in AWS a call to AWS may take. Only the local stack sets the variable: there one process stands in for
 * all of AWS, and a busy machine makes it slow.
 */
export const waitFactor = (): number => Number(process.env['AWS_WAIT_FACTOR'] ?? 1);
