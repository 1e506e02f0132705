# Bash functions for the pages of docs/operate.md, and docs/deploy.md. Needs AWS CLI 2 (version 1 reads binary attributes differently) and jq.
# Load it with: export STAGE=demo AWS_REGION=us-east-1 && . docs/operate.sh

: "${STAGE:?is not set: export STAGE=NAME AWS_REGION=REGION, then load this file again}"
STACK="p2p-gateway-$STAGE"
case "$(aws --version 2>&1)" in
  aws-cli/2.*) ;;
  *)
    echo "docs/operate.sh needs AWS CLI 2 (https://aws.amazon.com/cli/). Here is: $(aws --version 2>&1 | head -n 1)" >&2
    return 1
    ;;
esac
# AWS CLI 2 would open a pager at each answer.
export AWS_PAGER=''

# An output of the stack: output GrantsTable
output() {
  aws cloudformation describe-stacks --stack-name "$STACK" --output text \
    --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue"
}

# The name of a resource: resource FunctionsTokenFunction AWS::Lambda::Function
resource() {
  aws cloudformation list-stack-resources --stack-name "$STACK" --output json | jq -r --arg id "$1" --arg type "$2" \
    '.StackResourceSummaries[] | select(.ResourceType == $type and (.LogicalResourceId | startswith($id))) | .PhysicalResourceId'
}

# The resources of a type that the stack made and has not deleted: kept AWS::KMS::Key
kept() {
  aws cloudformation list-stack-resources --stack-name "$STACK" --output text \
    --query "StackResourceSummaries[?ResourceType=='$1' && ResourceStatus!='DELETE_COMPLETE' && PhysicalResourceId].PhysicalResourceId"
}

# The names of payers' secrets, which the stack neither makes nor deletes
payer_secrets() {
  aws secretsmanager list-secrets --filters "Key=name,Values=p2p/$STAGE/payers/" --query 'SecretList[].Name' --output text
}

# A Logs Insights query over the last minutes of all log groups of the stage: insights 60 'filter outcome = "failed"'
insights() {
  local groups id
  # Without the capital, it would also be those of a stage such as prod-eu beside prod.
  groups=$(aws logs describe-log-groups --log-group-name-prefix "$STACK-" --query 'logGroups[].logGroupName' --output text |
    tr '\t' '\n' | grep "^$STACK-[[:upper:]]")
  # shellcheck disable=SC2086 # One argument for each group.
  id=$(aws logs start-query --log-group-names $groups --start-time "$(($(date +%s) - $1 * 60))" \
    --end-time "$(date +%s)" --query-string "$2" --query queryId --output text)
  while aws logs get-query-results --query-id "$id" --query status --output text | grep -qE 'Scheduled|Running'; do
    sleep 1
  done
  aws logs get-query-results --query-id "$id" --output json |
    jq -r '.results[] | map(select(.field != "@ptr") | "\(.field)=\(.value)") | join("  ")'
}

# The events that Lambda gave up, one a line, each hidden for ten minutes: given_up EventsDeliverDeadLetters
given_up() {
  local queue bodies
  queue=$(resource "$1" AWS::SQS::Queue)
  while bodies=$(aws sqs receive-message --queue-url "$queue" --max-number-of-messages 10 --wait-time-seconds 5 \
    --visibility-timeout 600 --output json | jq -r '.Messages[]?.Body') && [ -n "$bodies" ]; do
    printf '%s\n' "$bodies"
  done
}

# Puts the read events between two times into the stream to the audit again: refile FROM_MS TO_MS (epoch milliseconds)
refile() {
  local table key
  table=$(output AuditEventsTable)
  aws dynamodb scan --table-name "$table" --projection-expression eventId --filter-expression 'atMs BETWEEN :from AND :to' \
    --expression-attribute-values "{\":from\":{\"N\":\"$1\"},\":to\":{\"N\":\"$2\"}}" --output json |
    jq -c '.Items[]' | while read -r key; do
    aws dynamodb update-item --table-name "$table" --key "$key" --update-expression 'SET refiledAt = :now' \
      --condition-expression 'attribute_exists(eventId)' \
      --expression-attribute-values "{\":now\":{\"N\":\"$(date +%s)\"}}"
  done
}

# Deletes a stage that no member has used: its stack, and all that the stack retains. A bucket must be empty.
delete_unused_stage() {
  local tables secrets logs keys addresses buckets name answer
  tables=$(kept AWS::DynamoDB::Table) secrets="$(kept AWS::SecretsManager::Secret) $(payer_secrets)" logs=$(kept AWS::Logs::LogGroup)
  keys=$(kept AWS::KMS::Key) addresses=$(kept AWS::EC2::EIP) buckets=$(kept AWS::S3::Bucket)
  printf '%s\n' "$STACK" $tables $secrets $logs $keys $addresses $buckets
  printf 'All of this will be deleted. The name of the stage, to go on: '
  read -r answer
  [ "$answer" = "$STAGE" ] || { echo 'Nothing was deleted.' && return 1; }
  aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name "$STACK"
  for name in $tables; do
    aws dynamodb update-table --table-name "$name" --no-deletion-protection-enabled && aws dynamodb wait table-exists --table-name "$name"
  done
  aws cloudformation delete-stack --stack-name "$STACK" && aws cloudformation wait stack-delete-complete --stack-name "$STACK" || return 1
  for name in $tables; do aws dynamodb delete-table --table-name "$name"; done
  for name in $secrets; do aws secretsmanager delete-secret --secret-id "$name" --force-delete-without-recovery; done
  for name in $logs; do aws logs delete-log-group --log-group-name "$name"; done
  for name in $keys; do aws kms schedule-key-deletion --key-id "$name" --pending-window-in-days 7; done
  for name in $addresses; do aws ec2 release-address --public-ip "${name%%|*}"; done
  for name in $buckets; do aws s3api delete-bucket --bucket "$name"; done
}

# Deletes all versions in a bucket, a thousand at a time: empty BUCKET [--bypass-governance-retention]
empty() {
  local versions errors
  while versions=$(aws s3api list-object-versions --bucket "$1" --max-items 1000 --output json |
    jq -c '{Quiet: true, Objects: [(.Versions // [])[], (.DeleteMarkers // [])[] | {Key, VersionId}]}') &&
    [ "$(jq '.Objects | length' <<<"$versions")" -gt 0 ]; do
    errors=$(aws s3api delete-objects --bucket "$1" --delete "$versions" ${2:+"$2"} --output json --query 'Errors[].Message')
    case "$errors" in '' | null | '[]') ;; *) echo "$errors" && return 1 ;; esac
  done
}
