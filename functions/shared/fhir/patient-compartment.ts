// Made by bin/make-search-targets.ts from http://hl7.org/fhir/CompartmentDefinition/patient, version 4.0.1. Do not edit.
import { unpack } from './unpack.ts';

type Compartment = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

const packed =
  'GxEOYBwHzll2Fl4Q+KWGpcjWnplTETdvAO9ex3X2x1WGFI+sNotOV1/rf01JshXRIm92/m5IlVARW/x3mbuoekIh+yqrauvv9+rPjvWpDWCCgOa8q838VLllmpDm91TndpauprqoAZluumn+9/NRsjaIJBamxS9Qe3ptrN0JoqkTFqQPQRmNb5Oe47Ygdp9s1nju9w/rbvFuKbnjpopsOelW7zhvWnFtbarJM+NPDcllzvOtR5tqQK0yhlDFHFVgUixJpk11MxpL0IwRAiMG5JgoP4aP2M0ne+SRI8bSkAYoWYO5Akv1SV+wE+fEAvpNNQCD4Yl1vt/RDFwtZYfAkDFGPYmqcWhihm5T16ZkJIRIeESCmCGSfEYEwSlyfcSm+Dhw6baI8sgROS/XPVUoTjC7EyhnmZ7JVR84QcFAdI9MEzqqFeaITNAwOnUWYYvC+A5gjFRMhCUsjiyf2WC7mTif8nwyLG43U4Wit7YN+24+a0tZX4mrqlVe2CDDZjhIpk6I1liwGcm5I5eL2Pwm4DtV+/9jw+RFU2bb7Ki03oT/qisJl0jZxHRvCcnRW6rnxN/5rTSICiOJ0EVAMYJuo/k18jT33tfv5ZqCcI7AbT7T9IN1RzZ2ldgxSz0EtVRghgVHtOVAOTdqHQ+cGLaxnMle0XoZlY1DXGXxUGJVWPcY5cb+4hoX6TKgdR0cgcauxvVVGZSNRwhcsmECTy3KY1cJv0waT5qTkc6kqs4w1YLwIGDrUdIfE2SKEcH7OrdU0k/fcOogSYNr4KHgyITsyi1gkbhy1IqhBz5IQLWL/VufI0s2QLtKmePn64+7af5dMKNbjysSdnguJLmPmOowXux32ylGQQykrinksQHSs84Lcrz/kRBHNGC1Rt60O84NU3WbDMBjTwjWu5g88tj8bfv2UQm9NyfkZXtVuGVZMtzhVA8/Ua3KR30oOwCv+kZsmb/73cFyi+4oJ6D1gR2qTkkprE7P8c9+lBRjXsok9cqYYPuAODOFJ+e7XX9EfAihHHI7Bw==';

/** Unpacked on first use. */
let compartment: Compartment | undefined;

/** By type, the search parameters that put a resource into a patient's compartment, and the elements that each searches. */
export const patientCompartment = (): Compartment => (compartment ??= JSON.parse(unpack(packed)) as Compartment);
