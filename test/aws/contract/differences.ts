import type { Differences } from './contract.ts';

/*
 * Where a stand-in for AWS differs from what AWS documents. A test of the gateway that depends on one of these proves
 * nothing there. The local stack has no list: it keeps every case.
 */

/** Moto, by what it does instead. */
export const ofMoto = {
  dynamoDb: {
    'accepts it': [
      'DynamoDB refuses to put, read, update and delete an item whose key is empty',
      'DynamoDB refuses to put, read, update and delete an item whose key is of another type',
      'DynamoDB refuses an update with a malformed number, and changes nothing',
      'DynamoDB refuses an update with an empty set, and changes nothing',
      'DynamoDB refuses an update with a set that has a member twice, and changes nothing',
      'DynamoDB refuses an update with a value that no expression uses, and changes nothing',
      'DynamoDB refuses an update with a name that no expression uses, and changes nothing',
      'DynamoDB refuses an update with one name set and removed, and changes nothing',
    ],
    'answers 500': [
      'DynamoDB refuses to put an attribute without content',
      'DynamoDB refuses an update with a value without content, and changes nothing',
      'DynamoDB refuses an update with a value within a map without content, and changes nothing',
      'DynamoDB refuses an update with a value that is not given, and changes nothing',
      'DynamoDB refuses an update with a condition cut short, and changes nothing',
      'DynamoDB refuses an update with a condition with a word too many, and changes nothing',
      'DynamoDB refuses an update with a parenthesis left open, and changes nothing',
      'DynamoDB refuses an update with an unknown operator, and changes nothing',
      'DynamoDB refuses an update with a malformed end behind what is true already, and changes nothing',
      'DynamoDB evaluates n < "9" to false if n is 9, s is "s" and e is {"one", "two"}',
      'DynamoDB evaluates n <= "9" to false if n is 9, s is "s" and e is {"one", "two"}',
      'DynamoDB evaluates n > "9" to false if n is 9, s is "s" and e is {"one", "two"}',
      'DynamoDB evaluates n >= "9" to false if n is 9, s is "s" and e is {"one", "two"}',
      'DynamoDB evaluates size(absent) < 3 to false if n is 9, s is "s" and e is {"one", "two"}',
    ],
    'answers with an empty map': ['DynamoDB answers an update with the attributes that ReturnValues NONE means'],
    'ends an item at 405,000 bytes': [
      'DynamoDB takes an item of 400 KB, and refuses one byte more',
      'DynamoDB updates an item up to 400 KB, and refuses to make it one byte longer',
    ],
    'has no limit, or another': [
      'DynamoDB takes a number of 38 digits, and refuses one of 39',
      'DynamoDB takes numbers from 1E-130 to below 1E+126 of either sign, and refuses the next ones',
      'DynamoDB takes a condition of 4 KB, and refuses one byte more',
      'DynamoDB takes an update expression of 4 KB, and refuses one byte more',
      'DynamoDB takes a filter of 4 KB, and refuses one byte more',
      'DynamoDB refuses a scan whose limit is 0, or whose segment is not below their number',
    ],
  },
  secretsManager: {
    'has no limit, or another': [
      'Secrets Manager takes a name of length 512, and refuses one of 513',
      'Secrets Manager takes a name of length 1, and refuses one of 0',
      'Secrets Manager takes a value of length 65536, and refuses one of 65537',
      'Secrets Manager finds nothing by a SecretId of length 2048, and refuses one of 2049',
      'Secrets Manager finds nothing by a VersionId of length 32, and refuses one of 31',
      'Secrets Manager finds nothing by a VersionId of length 64, and refuses one of 65',
      'Secrets Manager finds nothing by a VersionStage of length 256, and refuses one of 257',
      'Secrets Manager finds nothing by a VersionStage of length 1, and refuses one of 0',
      'Secrets Manager finds nothing by a MoveToVersionId of length 32, and refuses one of 31',
      'Secrets Manager finds nothing by a MoveToVersionId of length 64, and refuses one of 65',
    ],
    'finds no secret': ['Secrets Manager refuses to read a secret of an empty name'],
    'makes no version current by itself': [
      'Secrets Manager makes the first version current, whatever labels it is given',
      'Secrets Manager moves a label from the version that has it to another',
    ],
    'writes the other value': [
      'Secrets Manager takes a repeated request once, and refuses another value under its token',
    ],
    'calls the parameter invalid': ['Secrets Manager moves no label to a version that does not exist'],
  },
  kms: {
    'does not say': ['KMS says by which algorithm it encrypted and decrypted'],
    'answers that access is denied': ['KMS opens no damaged ciphertext, and none that it did not make'],
    'answers 500': [
      'KMS makes the same MAC of the same message, by an alias too, and another of another',
      'KMS makes a MAC of 1 to 4,096 bytes, and refuses none and one more',
    ],
    'does not look at the kind, state or name of the key': [
      'KMS opens no ciphertext of another key',
      'KMS makes no MAC by HMAC_SHA_224 with a key of 256 bits',
      'KMS makes no MAC by HMAC_SHA_384 with a key of 256 bits',
      'KMS makes no MAC by HMAC_SHA_512 with a key of 256 bits',
      'KMS makes no MAC with a key that encrypts, nor with one that does not exist',
      'KMS encrypts nothing with a key that makes MACs',
      'KMS describes a key that makes MACs',
      'KMS neither encrypts nor decrypts with a disabled key until it is enabled, and describes it',
      'KMS makes no MAC with a disabled key',
    ],
  },
  s3: {
    'has no such limit': [
      'S3 takes a key of 1,024 bytes, and refuses one byte more',
      'S3 lists a thousand keys at most',
      'S3 lists nothing if no keys are asked for, and refuses to list fewer',
      'S3 deletes 1,000 objects at once, and refuses one more and none',
    ],
    'loses the carriage return': ['S3 lists a key with a carriage return as it was put'],
    'lists all buckets': ['S3 finds buckets by the beginning of their names'],
    'does not compare': [
      'S3 refuses a body that does not match its CRC-32, and keeps nothing of it',
      'S3 refuses a body that does not match its MD5, and keeps one that does',
    ],
    'does otherwise': [
      'S3 ignores lines=0-3, which is no range',
      'S3 does not name what it deleted if it is asked to be quiet',
    ],
  },
  logs: {
    'takes a pattern for plain text': ['CloudWatch Logs gives the lines that match a regular expression'],
    'takes any query': [
      'CloudWatch Logs refuses a query of no group',
      'CloudWatch Logs refuses a query of 51 groups',
      'CloudWatch Logs refuses a query that ends before it starts',
      'CloudWatch Logs refuses a query with a limit of 0',
      'CloudWatch Logs refuses a query of over 10,000 characters',
      'CloudWatch Logs refuses a query that cannot be read',
      'CloudWatch Logs refuses a query of a time before its group',
    ],
    'answers 500': ['CloudWatch Logs has no results of a query that it did not start'],
  },
} as const satisfies Readonly<Record<string, Differences>>;

/** The DynamoDB in memory that unit tests use. */
export const ofMemory: Differences = {
  'reads in one segment': ['DynamoDB shares a parallel scan out, so that each item is in one segment'],
  'accepts it': ['DynamoDB refuses to read by more than the key'],
  'has one table of every name, without indexes': [
    'DynamoDB finds no table that was not made',
    'DynamoDB has in an index only the items with its key, and of them only what is projected',
    'DynamoDB refuses a strongly consistent scan of an index',
    'DynamoDB describes a table by its keys and indexes, and that it can be used',
  ],
  'knows ALL_NEW and NONE only': [
    'DynamoDB answers an update with the attributes that ReturnValues ALL_OLD means',
    'DynamoDB answers an update with the attributes that ReturnValues UPDATED_OLD means',
    'DynamoDB answers an update with the attributes that ReturnValues UPDATED_NEW means',
  ],
  'has no limits': [
    'DynamoDB takes an item of 400 KB, and refuses one byte more',
    'DynamoDB updates an item up to 400 KB, and refuses to make it one byte longer',
    'DynamoDB takes a key of 2,048 bytes, and refuses one byte more',
    'DynamoDB takes a number of 38 digits, and refuses one of 39',
    'DynamoDB takes numbers from 1E-130 to below 1E+126 of either sign, and refuses the next ones',
    'DynamoDB takes a condition of 4 KB, and refuses one byte more',
    'DynamoDB takes an update expression of 4 KB, and refuses one byte more',
    'DynamoDB takes a filter of 4 KB, and refuses one byte more',
    'DynamoDB refuses a scan whose limit is 0, or whose segment is not below their number',
    'DynamoDB ends a page of a scan after 1 MB, and goes on with the next',
  ],
};
